"""Data v1 `/trades`: bare arrays, offsets up to a cap, filters that do nothing."""

from __future__ import annotations

import numpy as np

from sandbox.fills import I8, SELL
from sandbox.tape import Keep
from sandbox.v2 import event_markets
from sandbox.web import Ask, Problem, Reply, Route, plain_problem
from sandbox.world import World

CLAMP = 1_000


def retired(world: World) -> None:
    """After the retirement: 404 or 410 in place of any v1 answer."""
    if world.options.v1 != "serve":
        status = int(world.options.v1)
        raise plain_problem("not found" if status == 404 else "gone", status)


def trades(world: World, ask: Ask) -> Reply:
    """A page of fills, newest first. `start` and `end` count only beside `user`."""
    retired(world)
    limit, offset = paging(world, ask, 100, CLAMP, "historical trades")
    rows, floor, keep = chosen(world, ask)
    found = world.tape.newest(rows, len(world.tape.fills), offset + limit, keep, floor)
    lines = world.trade_rows.encode(found[offset:], camel=True)
    return Reply(f"[{','.join(lines)}]".encode())


def paging(
    world: World, ask: Ask, default: int, most: int, what: str
) -> tuple[int, int]:
    """Limit, clamped, and offset; beyond the cap 400, or the cap's page again."""
    limit = min(max(whole(ask, "limit", default), 0), most)
    offset = max(whole(ask, "offset", 0), 0)
    cap = world.options.v1_offset_cap
    if offset > cap:
        if world.options.v1_past_cap == "400":
            raise plain_problem(f"max {what} offset of {cap} exceeded")
        offset = cap
    return limit, offset


def whole(ask: Ask, name: str, default: int) -> int:
    """A whole number, 400 when it is none."""
    text = ask.one(name)
    try:
        return default if text is None else int(text)
    except ValueError:
        raise plain_problem(f"invalid {name}") from None


def chosen(world: World, ask: Ask) -> tuple[I8 | None, int, list[Keep]]:
    """The rows that the filters leave: which, how far back, and by what test."""
    tape, fills = world.tape, world.tape.fills
    _ = world.now
    conditions, events = ask.csv("market"), ask.csv("eventId")
    if conditions and events:
        raise plain_problem("market and eventId are mutually exclusive")
    keep = row_tests(world, ask)
    rows: I8 | None = None
    floor = 0
    if conditions or events:
        markets = event_markets(world, [int(e) for e in events if e.isdigit()])
        markets += [m for m in map(world.market, conditions) if m is not None]
        parts = [tape.of_market(market.index) for market in markets]
        rows = np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
        floor = tape.window_floor()
    who = ask.one("user")
    if who is not None:
        wallet = world.wallet_index.get(who.lower())
        mine = np.zeros(0, dtype=np.int64) if wallet is None else tape.of_wallet(wallet)
        rows = mine if rows is None else np.intersect1d(rows, mine)
        floor = whole(ask, "start", 0) or tape.window_floor()
        end = whole(ask, "end", 0)
        if end:
            keep.append(lambda part: fills.timestamp[part] <= end)
    return rows, floor, keep


def row_tests(world: World, ask: Ask) -> list[Keep]:
    """The filters on single rows."""
    fills = world.tape.fills
    keep: list[Keep] = []
    if ask.flag("takerOnly") is not False:
        keep.append(lambda part: fills.is_taker[part])
    side = ask.one("side")
    if side is not None:
        if side.upper() not in ("BUY", "SELL"):
            raise plain_problem("side must be BUY or SELL")
        wanted = int(side.upper() == "SELL") * SELL
        keep.append(lambda part: fills.side[part] == wanted)
    kind, least = ask.one("filterType"), ask.one("filterAmount")
    if kind is not None and least is not None:
        column = fills.usdc if kind.upper() == "CASH" else fills.size
        bound = float(least) * 1e6
        keep.append(lambda part: column[part] >= bound)
    return keep


def required(ask: Ask, name: str) -> str:
    """A parameter that v1 insists on."""
    value = ask.one(name)
    if value is None:
        raise missing(name)
    return value


def missing(name: str) -> Problem:
    """The 400 for a missing parameter."""
    return plain_problem(f"required query param '{name}' not provided")


ROUTES = [Route("GET", "/data/trades", trades, 0, ("data_v1_trades",))]
