"""Gamma's events, tags and series."""

from __future__ import annotations

import numpy as np

from sandbox.gamma_event_json import SERIES, event_json, series_json, tag_json
from sandbox.gamma_markets import DEPRECATED, not_found
from sandbox.gamma_query import (
    Mask,
    bounds,
    closed_mask,
    event_shelf,
    keyset_page,
    limit_of,
    offset_page,
    tag_ids,
    wanted_ids,
)
from sandbox.market import Event
from sandbox.web import Ask, Json, Reply, Route, gamma_problem, reply
from sandbox.words import TAGS
from sandbox.world import World

SCHEMA = "https://gamma-api.polymarket.com/schemas/EventsKeysetListResponse.json"


def events_keyset(world: World, ask: Ask) -> Reply:
    """A keyset page of events."""
    shelf = world.memo("event shelf", 0, lambda: event_shelf(world))
    rows, cursor = keyset_page(
        world, ask, shelf, event_mask(world, ask), "gamma events"
    )
    body: dict[str, Json] = {"$schema": SCHEMA, "events": shown(world, ask, rows)}
    if cursor is not None:
        body["next_cursor"] = cursor
    return reply(body)


def events_offset(world: World, ask: Ask) -> Reply:
    """A page of the old listing: a bare array."""
    shelf = world.memo("event shelf", 0, lambda: event_shelf(world))
    rows = offset_page(world, ask, shelf, event_mask(world, ask), "/events/keyset")
    warning = ("warning", '299 - "use /events/keyset"')
    return reply(shown(world, ask, rows), 200, *DEPRECATED, warning)


def pagination(world: World, ask: Ask) -> Reply:
    """`/events/pagination`: the old listing with a count."""
    shelf = world.memo("event shelf", 0, lambda: event_shelf(world))
    mask = event_mask(world, ask)
    rows = offset_page(world, ask, shelf, mask, "/events/keyset")
    seen = int(ask.one("offset") or 0) + len(rows)
    total = int(mask.sum())
    counts = {"hasMore": seen < total, "totalResults": total}
    return reply({"data": shown(world, ask, rows), "pagination": counts})


def shown(world: World, ask: Ask, rows: list[int]) -> list[Json]:
    """The entries as JSON; `include_markets=false` leaves the markets out."""
    embed = ask.flag("include_markets") is not False
    events = world.catalogue.events
    return [event_json(world, events[index], markets=embed) for index in rows]


def event_mask(world: World, ask: Ask) -> Mask:
    """The events that the filters leave. Without `closed`, open and closed ones."""
    now = world.now
    events = world.catalogue.events
    shelf = world.memo("event shelf", 0, lambda: event_shelf(world))
    mask: Mask = shelf.columns["createdAt"]() <= now
    closed = ask.flag("closed")
    if closed is not None:
        closed_at = shelf.columns["closedTime"]().astype(np.int64)
        mask = mask & closed_mask(closed_at, now, closed)
    for name, column, dates in (
        ("start_date", "startDate", True),
        ("end_date", "endDate", True),
        ("volume", "volume", False),
        ("liquidity", "liquidity", False),
    ):
        if ask.one(f"{name}_min", f"{name}_max") is not None:
            mask = bounds(ask, mask, shelf.columns[column](), name, dates=dates)
    ids, slugs = wanted_ids(ask, "id"), ask.csv("slug")
    if ids:
        mask = mask & np.isin(shelf.id, ids)
    if slugs:
        mask = mask & np.array([event.slug in slugs for event in events])
    tags, without = tag_ids(ask), set(wanted_ids(ask, "exclude_tag_id"))
    if tags & without:
        raise gamma_problem("exclude_tag_id must not overlap tag_id")
    if tags:
        mask = mask & np.array([bool(tags & set(event.tags)) for event in events])
    if without:
        mask = mask & np.array([not without & set(event.tags) for event in events])
    series = wanted_ids(ask, "series_id")
    if series:
        mask = mask & np.array([event.series in series for event in events])
    words = ask.one("title_search")
    if words is not None:
        found = [words.lower() in event.title.lower() for event in events]
        mask = mask & np.array(found)
    return mask


def found(world: World, event: Event | None) -> Reply:
    """One event; 404 before it is created."""
    if event is None or event.created_at > world.now:
        raise not_found()
    return reply(event_json(world, event))


def by_id(world: World, ask: Ask) -> Reply:
    """`/events/{id}`."""
    text = ask.match["id"]
    if not text.isdigit():
        raise gamma_problem("id is invalid")
    return found(world, world.catalogue.events_by_id.get(int(text)))


def by_slug(world: World, ask: Ask) -> Reply:
    """`/events/slug/{slug}`."""
    return found(world, world.catalogue.events_by_slug.get(ask.match["slug"]))


def event_tags(world: World, ask: Ask) -> Reply:
    """`/events/{id}/tags`."""
    text = ask.match["id"]
    event = world.catalogue.events_by_id.get(int(text)) if text.isdigit() else None
    if event is None:
        raise not_found()
    return reply([tag_json(tag) for tag in TAGS if tag[0] in event.tags])


def tags(world: World, ask: Ask) -> Reply:
    """`/tags`: offset paging, at most 100 a page."""
    offset = int(ask.one("offset") or 0)
    part = TAGS[offset : offset + limit_of(ask)]
    return reply([tag_json(tag) for tag in part])


def one_tag(world: World, ask: Ask) -> Reply:
    """`/tags/{id}` and `/tags/slug/{slug}`."""
    for tag in TAGS:
        if ask.match.get("id") == str(tag[0]) or ask.match.get("slug") == tag[2]:
            return reply(tag_json(tag))
    raise not_found()


def series(world: World, ask: Ask) -> Reply:
    """`/series`: with the newest events of each; at most 50 a page."""
    slugs = ask.csv("slug")
    rows = [
        with_events(world, number)
        for number, (slug, _, recurrence) in SERIES.items()
        if (not slugs or slug in slugs) and ask.one("recurrence") in (None, recurrence)
    ]
    offset = int(ask.one("offset") or 0)
    return reply(rows[offset : offset + min(limit_of(ask), 50)])


def one_series(world: World, ask: Ask) -> Reply:
    """`/series/{id}`."""
    text = ask.match["id"]
    if not text.isdigit() or int(text) not in SERIES:
        raise not_found()
    return reply(with_events(world, int(text)))


def with_events(world: World, number: int) -> dict[str, Json]:
    """A series with its newest events embedded."""
    now = world.now
    mine = [e for e in world.catalogue.events if e.series == number]
    begun = [e for e in mine if e.created_at <= now][-20:]
    events = [event_json(world, event, markets=False) for event in begun]
    return {**series_json(number), "events": events}


LISTING = ("gamma_events", "gamma_listings")
TAG = ("gamma_tags",)
ROUTES = [
    Route("GET", "/gamma/events", events_offset, 300, LISTING),
    Route("GET", "/gamma/events/keyset", events_keyset, 300, LISTING),
    Route("GET", "/gamma/events/pagination", pagination, 300, LISTING),
    Route("GET", "/gamma/events/slug/{slug}", by_slug, 0, ("gamma_events",)),
    Route("GET", "/gamma/events/{id}", by_id, 0, ("gamma_events",)),
    Route("GET", "/gamma/events/{id}/tags", event_tags, 0, ("gamma_events",)),
    Route("GET", "/gamma/tags", tags, 300, TAG),
    Route("GET", "/gamma/tags/slug/{slug}", one_tag, 0, TAG),
    Route("GET", "/gamma/tags/{id}", one_tag, 0, TAG),
    Route("GET", "/gamma/series", series, 300),
    Route("GET", "/gamma/series/{id}", one_series),
]
