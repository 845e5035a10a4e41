"""Gamma's market routes."""

from __future__ import annotations

import numpy as np

from sandbox.gamma_event_json import tag_json, with_event
from sandbox.gamma_json import market_json
from sandbox.gamma_query import (
    Mask,
    bounds,
    closed_mask,
    keyset_page,
    market_shelf,
    offset_page,
    tag_ids,
    wanted_ids,
)
from sandbox.market import Market
from sandbox.web import Ask, Json, Problem, Reply, Route, dumps, gamma_problem, reply
from sandbox.words import TAGS
from sandbox.world import World

SCHEMA = "https://gamma-api.polymarket.com/schemas/MarketsKeysetListResponse.json"
DEPRECATED = (
    ("deprecation", "true"),
    ("sunset", "Fri, 01 May 2026 00:00:00 GMT"),
)


def markets_keyset(world: World, ask: Ask) -> Reply:
    """A keyset page of markets."""
    shelf = world.memo("shelf", 0, lambda: market_shelf(world))
    rows, cursor = keyset_page(
        world, ask, shelf, market_mask(world, ask), "gamma markets"
    )
    body: dict[str, Json] = {"$schema": SCHEMA, "markets": shown(world, ask, rows)}
    if cursor is not None:
        body["next_cursor"] = cursor
    return reply(body)


def markets_offset(world: World, ask: Ask) -> Reply:
    """A page of the old listing: a bare array."""
    shelf = world.memo("shelf", 0, lambda: market_shelf(world))
    rows = offset_page(world, ask, shelf, market_mask(world, ask), "/markets/keyset")
    warning = ("warning", '299 - "use /markets/keyset"')
    return reply(shown(world, ask, rows), 200, *DEPRECATED, warning)


def shown(world: World, ask: Ask, rows: list[int]) -> list[Json]:
    """The entries as JSON, with tags where asked for."""
    found = []
    for index in rows:
        market = world.listed[index]
        entry = with_event(world, market)
        if ask.flag("include_tag"):
            entry["tags"] = tags_of(world, market)
        found.append(entry)
    return found


def tags_of(world: World, market: Market) -> list[Json]:
    """The tags of the market's event."""
    event = world.event_of(market)
    return [tag_json(tag) for tag in TAGS if event and tag[0] in event.tags]


def market_mask(world: World, ask: Ask) -> Mask:
    """The markets that the filters leave. Unknown filters are ignored."""
    now = world.now
    mask: Mask = (world.created <= now) & ~world.hidden
    mask = mask & closed_mask(world.closed_at, now, ask.flag("closed") is True)
    mask = mask & named(world, ask)
    shelf = world.memo("shelf", 0, lambda: market_shelf(world))
    for name, column, dates in (
        ("start_date", "startDate", True),
        ("end_date", "endDate", True),
        ("volume_num", "volumeNum", False),
        ("liquidity_num", "liquidityNum", False),
    ):
        if ask.one(f"{name}_min", f"{name}_max") is not None:
            mask = bounds(ask, mask, shelf.columns[column](), name, dates=dates)
    tags = tag_ids(ask)
    if tags:
        events = world.catalogue.events
        has = [bool(tags & set(events[m.event].tags)) for m in world.listed]
        mask = mask & np.array(has)
    status = ask.csv("uma_resolution_status")
    if status:
        has = [market_json(world, m).get("umaResolutionStatus") in status
               for m in world.listed]  # fmt: skip
        mask = mask & np.array(has)
    if ask.flag("active") is False or ask.flag("archived") is True:
        mask = mask & False
    return mask


def named(world: World, ask: Ask) -> Mask:
    """The markets that are named one by one, all when none is."""
    mask = np.ones(len(world.listed), dtype=bool)
    conditions = ask.csv("condition_ids")
    if len(conditions) > 100:
        raise gamma_problem("condition_ids: at most 100 values are allowed")
    catalogue = world.catalogue
    lookups = (
        ("slug", ask.csv("slug"), catalogue.by_slug.get),
        ("condition_ids", [c.lower() for c in conditions], catalogue.by_condition.get),
    )
    for _, values, find in lookups:
        if values:
            mask = mask & only(world, [find(value) for value in values])
    ids = wanted_ids(ask, "id")
    if ids:
        mask = mask & np.isin(world.ids, ids)
    for name, version in (("clob_token_ids", "v1"), ("position_ids", "v2")):
        tokens = ask.csv(name)
        if tokens:
            found = [catalogue.by_token.get(token) for token in tokens]
            owners = [pair[0] for pair in found if pair and pair[0].version >= version]
            mask = mask & only(world, list(owners))
    for name, attribute in (
        ("question_ids", "question_id"),
        ("market_maker_address", "fpmm"),
    ):
        values = [value.lower() for value in ask.csv(name)]
        if values:
            has = [getattr(m, attribute).lower() in values for m in world.listed]
            mask = mask & np.array(has)
    return mask


def only(world: World, markets: list[Market | None]) -> Mask:
    """A mask of the markets given."""
    mask = np.zeros(len(world.listed), dtype=bool)
    for market in markets:
        if market is not None and market.index < len(mask):
            mask[market.index] = True
    return mask


def found(world: World, market: Market | None) -> Reply:
    """One market whether open, closed or hidden; 404 when there is none yet."""
    if market is None or market.created_at > world.now:
        raise not_found()
    return reply(with_event(world, market))


def not_found() -> Problem:
    """Gamma's 404."""
    return gamma_problem("id not found", 404, "not found error")


def by_id(world: World, ask: Ask) -> Reply:
    """`/markets/{id}`."""
    text = ask.match["id"]
    if not text.isdigit():
        raise gamma_problem("id is invalid")
    return found(world, world.catalogue.by_id.get(int(text)))


def by_slug(world: World, ask: Ask) -> Reply:
    """`/markets/slug/{slug}`: the only way to a hidden market."""
    return found(world, world.catalogue.by_slug.get(ask.match["slug"]))


def market_tags(world: World, ask: Ask) -> Reply:
    """`/markets/{id}/tags`."""
    text = ask.match["id"]
    market = world.catalogue.by_id.get(int(text)) if text.isdigit() else None
    if market is None:
        raise not_found()
    return Reply(dumps(tags_of(world, market)))


LISTING = ("gamma_markets", "gamma_listings")
ROUTES = [
    Route("GET", "/gamma/markets", markets_offset, 300, LISTING),
    Route("GET", "/gamma/markets/keyset", markets_keyset, 300, LISTING),
    Route("GET", "/gamma/markets/slug/{slug}", by_slug, 0, ("gamma_markets",)),
    Route("GET", "/gamma/markets/{id}", by_id, 0, ("gamma_markets",)),
    Route("GET", "/gamma/markets/{id}/tags", market_tags, 0, ("gamma_markets",)),
]
