"""Mid-price histories: the CLOB's and Data v2's, with their bounds and retention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sandbox.market import NEVER, Market
from sandbox.options import DAY
from sandbox.v2 import no_offset, number, one, page, read_cursor
from sandbox.web import Ask, Json, Reply, Route, dumps, plain_problem, reply
from sandbox.web import v2_problem as refuse
from sandbox.world import World

Points = list[tuple[int, float]]
LONGEST = 1_296_000  # 15 days
SPANS = {"1m": 30 * DAY, "1w": 7 * DAY, "1d": DAY, "12h": DAY // 2, "6h": DAY // 4,
         "1h": 3_600}  # fmt: skip
WHOLE = ("max", "all")
KEPT = ((5, 7 * DAY), (30, 60 * DAY), (180, 90 * DAY))  # minutes below: kept so long
FLOORS = {"1w": 5, "1m": 10}
OWN_BOOK_OFF = 0.03  # dollars


def has_own_second_book(market: Market) -> bool:
    """Whether the second token's midpoint is not one less the first one's: rare."""
    return market.kind == "binary" and market.salt % 16 == 12


def oldest_kept(minutes: int, now: int) -> int:
    """The first second that still has points this fine."""
    for below, kept in KEPT:
        if minutes < below:
            return now - kept
    return 0


def series(
    world: World, market: Market, outcome: int, begin: int, end: int, step: int
) -> Points:
    """Midpoints every `step` seconds of [begin, end], a few seconds off the grid."""
    now = world.now
    begin = max(begin, market.trade_from)
    end = min(end, now, market.closed_at)
    if market.kind == "amm" or begin > end:
        return []
    grid = np.arange(begin - begin % step, end + 1, step, dtype=np.int64)
    at = grid + (market.salt + grid // step * 7) % max(1, min(step // 12, 6))
    at = at[(at >= begin) & (at <= end)]
    fair = world.universe.paths.mid(np.full(len(at), market.index), at)
    half = market.tick / 2
    first = np.round(fair * 1000 / half) * half / 1000
    first = np.clip(first, market.tick / 1000, 1 - market.tick / 1000)
    second = 1 - first
    if has_own_second_book(market):
        second = np.where(second < 0.5, second + OWN_BOOK_OFF, second - OWN_BOOK_OFF)
    values = np.round(first if outcome == 0 else second, 6)
    return list(zip(at.tolist(), values.tolist(), strict=True))


def clob_points(
    world: World, token: str, start: int | None, end: int | None, interval: str | None,
    fidelity: int,
) -> Points:  # fmt: skip
    """The points of one token by the CLOB's rules; 400 where it refuses."""
    now = world.now
    if interval is None and start is None:
        raise plain_problem("the time component is mandatory")
    if interval is not None and start is not None:
        raise plain_problem("invalid filters: interval and startTs are exclusive")
    if interval is not None and interval not in (*SPANS, *WHOLE):
        raise plain_problem(f"invalid filters: unknown interval {interval!r}")
    if interval is not None and fidelity < FLOORS.get(interval, 0):
        least = FLOORS[interval]
        raise plain_problem(
            f"invalid filters: minimum 'fidelity' for '{interval}' range is {least}"
        )
    if start is not None:
        end = now if end is None else end
        if end - start > LONGEST:
            raise plain_problem(
                "invalid filters: 'startTs' and 'endTs' interval is too long"
            )
    found = world.token(token)
    if found is None:
        return []
    market, outcome = found
    begin = start
    if begin is None and interval in WHOLE:
        if market.closed(now) and fidelity < 720:
            return []  # the trap: resolved and finer than twelve hours
        begin = 0 if fidelity >= 720 else now - 31 * DAY
    elif begin is None:
        begin = now - SPANS[str(interval)]
    begin = max(begin, oldest_kept(fidelity, now))
    return series(world, market, outcome, begin, end or now, fidelity * 60)


def whole(text: str | None, name: str) -> int | None:
    """An optional whole number."""
    try:
        return None if text is None else int(text)
    except ValueError:
        raise plain_problem(f"invalid {name}") from None


def prices_history(world: World, ask: Ask) -> Reply:
    """`/prices-history` of the CLOB; `market` is a token id."""
    token = ask.one("market")
    if token is None:
        raise plain_problem("invalid filters: 'market' is mandatory")
    start, end = whole(ask.one("startTs"), "startTs"), whole(ask.one("endTs"), "endTs")
    fidelity = whole(ask.one("fidelity"), "fidelity") or 1
    points = clob_points(world, token, start, end, ask.one("interval"), fidelity)
    return reply({"history": as_tp(points)})


def batch_history(world: World, ask: Ask) -> Reply:
    """`POST /batch-prices-history`: up to 20 tokens, names in snake_case."""
    try:
        body: Json = ask.json()
        tokens = [str(token) for token in body["markets"]]
    except (ValueError, KeyError, TypeError):
        raise plain_problem("Invalid payload") from None
    if len(tokens) > 20:
        raise plain_problem("invalid filters: at most 20 markets")
    start, end = body.get("start_ts"), body.get("end_ts")
    interval, fidelity = body.get("interval"), int(body.get("fidelity") or 1)
    found = {t: clob_points(world, t, start, end, interval, fidelity) for t in tokens}
    return reply({"history": {token: as_tp(points) for token, points in found.items()}})


def as_tp(points: Points) -> list[dict[str, Json]]:
    """Points as `t` and `p`."""
    return [{"t": at, "p": value} for at, value in points]


def v2_history(world: World, ask: Ask) -> Reply:
    """`/v2/prices-history`: paged, `end` exclusive, a settlement point at the end."""
    no_offset(ask)
    token = one(ask, "token_id")
    if token is None:
        raise refuse("required query param 'token_id' not provided", "token_id")
    begin, end, step = v2_window(world, ask)
    inside = read_cursor(world, "prices-history", ask)
    limit = inside["l"] if inside else number(ask, "limit", 1_000, 1, 10_000)
    rows = v2_points(world, token, begin, end, step)
    if inside:
        rows = [row for row in rows if row["timestamp"] > inside["ts"]]
    cursor = None
    if len(rows) > limit:
        rows = rows[:limit]
        anchor = {"l": limit, "ts": rows[-1]["timestamp"], "sq": str(step), "d": 1}
        cursor = world.signer.sign("prices-history", anchor)
    return page([dumps(row).decode() for row in rows], limit, cursor)


def v2_window(world: World, ask: Ask) -> tuple[int, int, int]:
    """Begin, exclusive end and bucket of a v2 question."""
    now = world.now
    given = [name for name in ("start", "interval", "as_of") if one(ask, name)]
    if len(given) != 1:
        raise refuse("provide exactly one of 'start', 'interval', or 'as_of'", "start")
    interval = one(ask, "interval")
    least = {"max": 600, "all": 600, "1m": 600, "1w": 300}.get(interval or "", 60)
    usual = 43_200 if interval in WHOLE else least
    step = number(ask, "bucket_seconds", usual, least, 86_400)
    if interval is not None:
        if interval not in (*SPANS, *WHOLE):
            raise refuse("invalid interval", "interval")
        span = now if interval in WHOLE and step >= 10_800 else 30 * DAY
        return now - SPANS.get(interval, span), now + 1, step
    if given == ["as_of"]:
        at = number(ask, "as_of", 0, 1, NEVER)
        return at - step, at + 1, step
    begin = number(ask, "start", 0, 1, NEVER)
    end = number(ask, "end", now + 1, 1, NEVER)
    if end - begin > LONGEST:
        raise refuse("window must not exceed 15 days", "end")
    return begin, end, step


def v2_points(
    world: World, token: str, begin: int, end: int, step: int
) -> Sequence[dict[str, Json]]:
    """The rows of a v2 history; a resolved market ends in a point of resolution 0."""
    found = world.token(token)
    if found is None:
        return []
    market, outcome = found
    begin = max(begin, oldest_kept(step // 60, world.now))
    points = series(world, market, outcome, begin, end - 1, step)
    rows = [
        {"timestamp": at, "price": p, "resolution_seconds": step} for at, p in points
    ]
    if market.closed(world.now) and begin <= market.closed_at < end:
        rows = [row for row in rows if row["timestamp"] < market.closed_at]
        last = {"timestamp": market.closed_at, "price": market.payouts[outcome] / 1e6}
        rows.append({**last, "resolution_seconds": 0})
    return rows


HISTORY = ("clob_prices_history",)
ROUTES = [
    Route("GET", "/clob/prices-history", prices_history, 90, HISTORY),
    Route("POST", "/clob/batch-prices-history", batch_history, 0, HISTORY),
    Route("GET", "/data/v2/prices-history", v2_history),
]
