"""What all routes of Data v2 have in common: envelope, parameters, refusals."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sandbox.cursors import BadCursor
from sandbox.market import Market
from sandbox.web import Ask, Json, Reply, dumps, reply, v2_problem
from sandbox.world import World

CONDITION = re.compile(r"0x([0-9a-fA-F]{62}|[0-9a-fA-F]{64})")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
CONTRACTS = frozenset(
    address.lower()
    for address in (
        "0x4D97DCd97eC945f40cF65F87097ACe5EA0476045",
        "0x4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E",
        "0xC5d563A36AE78145C45a50134d48A1215220f80a",
        "0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296",
        "0xE111180000d2663C0091e4f400237545B87B996B",
        "0xe2222d279d744050d28e00520010520000310F59",
        "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa",
    )
)


def camel(name: str) -> str:
    """The other spelling of a parameter."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def one(ask: Ask, name: str) -> str | None:
    """A parameter in either spelling."""
    return ask.one(name, camel(name))


def number(ask: Ask, name: str, default: int, low: int, high: int) -> int:
    """A whole number in bounds; 400 otherwise, never clamped."""
    text = one(ask, name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        raise v2_problem(f"{name} must be an integer", name) from None
    if not low <= value <= high:
        raise v2_problem(f"{name} must be between {low} and {high}", name)
    return value


def amount(ask: Ask, name: str, default: float) -> float:
    """A number that is not negative."""
    text = one(ask, name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise v2_problem(f"{name} must be a number", name) from None
    if value < 0:
        raise v2_problem(f"{name} must not be negative", name)
    return value


def no_offset(ask: Ask) -> None:
    """Offset paging does not exist here."""
    if one(ask, "offset") is not None:
        raise v2_problem("offset is not supported, use cursor", "offset")


def conditions(ask: Ask, most: int = 20) -> list[str]:
    """The condition ids asked for, lower case; 400 when malformed or too many."""
    ids = [text.lower() for text in ask.csv("condition", "condition_id", "conditionId")]
    for text in ids:
        if not CONDITION.fullmatch(text):
            raise v2_problem("invalid condition id", "condition")
    distinct = list(dict.fromkeys(ids))
    if len(distinct) > most:
        raise v2_problem(f"at most {most} conditions are allowed", "condition")
    return distinct


def events(ask: Ask, most: int = 1_000) -> list[int]:
    """The event ids asked for."""
    texts = list(dict.fromkeys(ask.csv("event_id", "eventId")))
    if not all(text.isdigit() for text in texts):
        raise v2_problem("invalid event id", "event_id")
    if len(texts) > most:
        raise v2_problem(f"at most {most} events are allowed", "event_id")
    return [int(text) for text in texts]


def user(ask: Ask, *, required: bool = False) -> str | None:
    """The wallet asked for, lower case."""
    text = ask.one("user")
    if text is None:
        if required:
            raise v2_problem("required query param 'user' not provided", "user")
        return None
    if not ADDRESS.fullmatch(text):
        raise v2_problem("invalid user address", "user")
    if text.lower() in CONTRACTS:
        raise v2_problem("user is a protocol contract", "user")
    return text.lower()


def event_markets(world: World, ids: Sequence[int]) -> list[Market]:
    """The markets that exist so far of some events."""
    now = world.now
    found = [world.catalogue.events_by_id.get(event_id) for event_id in ids]
    return [
        market
        for event in found
        if event is not None
        for market in event.markets
        if market.created_at <= now
    ]


def read_cursor(world: World, route: str, ask: Ask) -> Json | None:
    """The cursor's contents, None on a first page, 400 when it is not ours."""
    text = ask.one("cursor")
    if text is None:
        return None
    try:
        return world.signer.read(route, text)
    except BadCursor:
        raise v2_problem("invalid cursor", "cursor") from None


def page(encoded: Sequence[str], limit: int, cursor: str | None) -> Reply:
    """A page of rows that are JSON text already."""
    tail = dumps(
        {
            "limit": limit,
            "offset": 0,
            "has_more": cursor is not None,
            "next_cursor": cursor,
        }
    )
    body = "".join(('{"data":[', ",".join(encoded), '],"pagination":')).encode()
    return Reply(body + tail + b"}")


def single(value: Json) -> Reply:
    """An answer that has no pages."""
    return reply({"data": value})


def offset_page(
    world: World, route: str, ask: Ask, rows: Sequence[Json], default: int, most: int
) -> Reply:
    """A page of a board: an offset walk behind a token."""
    no_offset(ask)
    inside = read_cursor(world, route, ask)
    limit = inside["l"] if inside else number(ask, "limit", default, 1, most)
    start = inside["o"] if inside else 0
    part = rows[start : start + limit]
    more = start + limit < len(rows)
    cursor = (
        world.signer.sign(route, {"l": limit, "o": start + limit}) if more else None
    )
    return page([dumps(row).decode() for row in part], limit, cursor)
