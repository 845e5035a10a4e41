"""Data v2 `/v2/trades`: cursor walks over the tape, newest first."""

from __future__ import annotations

import numpy as np

from sandbox.fills import DUST, I8, SELL
from sandbox.tape import Keep
from sandbox.v2 import (
    amount,
    conditions,
    event_markets,
    events,
    no_offset,
    number,
    one,
    page,
    read_cursor,
    user,
)
from sandbox.web import Ask, Reply, Route, v2_problem
from sandbox.world import World

ROUTE = "trades"


def trades(world: World, ask: Ask) -> Reply:
    """A page of fills. The cursor holds only where to go on, never the filters."""
    no_offset(ask)
    inside = read_cursor(world, ROUTE, ask)
    limit = inside["l"] if inside else number(ask, "limit", 100, 1, 1_000)
    rows, floor, keep = chosen(world, ask)
    tape = world.tape
    below = tape.row_of(inside["sq"]) if inside else len(tape.fills)
    found = tape.newest(rows, below, limit + 1, keep, floor)
    cursor = None
    if len(found) > limit:
        found = found[:limit]
        last = int(found[-1])
        anchor = {
            "l": limit,
            "ts": int(tape.fills.timestamp[last]),
            "sq": int(tape.fills.sequence[last]),
            "d": 2,
        }
        cursor = world.signer.sign(ROUTE, anchor)
    return page(world.trade_rows.encode(found), limit, cursor)


def chosen(world: World, ask: Ask) -> tuple[I8 | None, int, list[Keep]]:
    """The rows that the filters leave: which, how far back, and by what test."""
    tape, fills = world.tape, world.tape.fills
    who, ids, event_ids = user(ask), conditions(ask), events(ask)
    if ids and event_ids:
        raise v2_problem(
            "provide either 'condition' or 'event_id', not both", "event_id"
        )
    keep = row_tests(world, ask)
    rows: I8 | None = None
    floor = tape.month_floor()
    _ = world.now
    if ids or event_ids:
        markets = event_markets(world, event_ids)
        markets += [m for m in map(world.market, ids) if m is not None]
        parts = [tape.of_market(market.index) for market in markets]
        rows = np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
        floor = tape.window_floor()
    if who is not None:
        wallet = world.wallet_index.get(who)
        mine = np.zeros(0, dtype=np.int64) if wallet is None else tape.of_wallet(wallet)
        rows = mine if rows is None else np.intersect1d(rows, mine)
        start = number(ask, "start", 0, 0, 1 << 40)
        end = number(ask, "end", 0, 0, 1 << 40)
        floor = start or tape.window_floor()
        if end:
            keep.append(lambda part: fills.timestamp[part] <= end)
    return rows, floor, keep


def row_tests(world: World, ask: Ask) -> list[Keep]:
    """The filters on single rows: taker, side, least amount."""
    fills = world.tape.fills
    keep: list[Keep] = []
    taker = ask.flag("taker_only", "takerOnly")
    if taker is None or taker:
        keep.append(lambda part: fills.is_taker[part])
    side = one(ask, "side")
    if side is not None:
        if side.upper() not in ("BUY", "SELL"):
            raise v2_problem("side must be BUY or SELL", "side")
        wanted = int(side.upper() == "SELL") * SELL
        keep.append(lambda part: fills.side[part] == wanted)
    kind = (one(ask, "filter_type") or "TOKENS").upper()
    if kind not in ("CASH", "TOKENS"):
        raise v2_problem("filterType must be CASH or TOKENS", "filter_type")
    least = amount(ask, "filter_amount", 0.0) * 1e6
    if kind == "CASH":
        keep.append(lambda part: fills.usdc[part] >= least)
    elif least > DUST:
        keep.append(lambda part: fills.size[part] >= least)
    return keep


ROUTES = [Route("GET", "/data/v2/trades", trades, 300, ("data_v2_trades",))]
