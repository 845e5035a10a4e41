"""Data v2 `/v2/activity`."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from sandbox.fills import I8, block_of
from sandbox.market import NEVER
from sandbox.people import entries_now
from sandbox.rows import UNLABELLED
from sandbox.v2 import (
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

TYPES = (
    "TRADE", "SPLIT", "MERGE", "REDEEM", "REWARD", "CONVERSION", "DEPOSIT",
    "WITHDRAWAL",
    "YIELD", "MAKER_REBATE", "TAKER_REBATE", "REFERRAL_REWARD", "TIP",
)  # fmt: skip
PER_OUTCOME_SINCE = 1_786_320_000  # 2026-08-10: one REDEEM row an outcome


@dataclass(frozen=True)
class Deed:
    """One thing that a wallet did."""

    at: int
    sequence: int
    type: str
    market: int
    row: int = -1  # a fill's row
    outcome: int = -1  # -1: the whole market
    shares: int = 0
    cash: int = 0


def activity(world: World, ask: Ask) -> Reply:
    """A page of what a wallet did, newest first unless `sort_direction=ASC`."""
    no_offset(ask)
    who = user(ask, required=True)
    inside = read_cursor(world, "activity", ask)
    limit = inside["l"] if inside else number(ask, "limit", 100, 1, 1_000)
    down = (one(ask, "sort_direction") or "DESC").upper() == "DESC"
    wallet = world.wallet_index.get(who or "", -1)
    found = [deed for deed in deeds(world, wallet) if passes(world, ask, deed)]
    found.sort(key=lambda deed: (deed.at, deed.sequence), reverse=down)
    if inside:
        anchor = (inside["ts"], inside["sq"])
        found = [d for d in found if ((d.at, d.sequence) < anchor) == down
                 and (d.at, d.sequence) != anchor]  # fmt: skip
    cursor = None
    if len(found) > limit:
        last = found[limit - 1]
        place = {"l": limit, "ts": last.at, "sq": last.sequence, "d": 2}
        cursor = world.signer.sign("activity", place)
        found = found[:limit]
    return page([encoded(world, wallet, deed) for deed in found], limit, cursor)


def passes(world: World, ask: Ask, deed: Deed) -> bool:
    """Whether a deed is asked for."""
    types = [name.upper() for name in ask.csv("type")]
    for name in types:
        if name not in TYPES:
            raise v2_problem(f"type must be one of {', '.join(TYPES)}", "type")
    ids, event_ids = conditions(ask), events(ask)
    if ids and event_ids:
        raise v2_problem("provide either 'condition' or 'event_id'", "event_id")
    wanted = {m.index for m in map(world.market, ids) if m is not None}
    wanted |= {m.index for m in event_markets(world, event_ids)}
    begin = number(ask, "start", 0, 0, NEVER)
    end = number(ask, "end", NEVER, 0, NEVER)
    side = (one(ask, "side") or "").upper()
    fills = world.tape.fills
    return (
        (not types or deed.type in types)
        and (not (ids or event_ids) or deed.market in wanted)
        and (begin or world.tape.window_floor()) <= deed.at <= end
        and (
            not side
            or (deed.row >= 0 and side == ("BUY", "SELL")[fills.side[deed.row]])
        )
    )


def deeds(world: World, wallet: int) -> list[Deed]:
    """Trades, splits, merges and redemptions of a wallet up to now."""
    tape, fills = world.tape, world.tape.fills
    _ = world.now
    rows: I8 = tape.of_wallet(wallet) if wallet >= 0 else np.zeros(0, dtype=np.int64)
    rows = rows[tape.served[rows]]
    found = [
        Deed(int(fills.timestamp[row]), int(fills.sequence[row]), "TRADE",
             int(fills.market[row]), int(row))
        for row in rows
    ]  # fmt: skip
    whole: dict[tuple[str, int, int], list[int]] = {}
    for kind, _w, market, outcome, at, shares, cash in entries_now(
        world, wallet=wallet
    ).iter_rows():
        if kind == "REDEEM" and at >= PER_OUTCOME_SINCE:
            place = after_fills(at, kind, market, outcome)
            found.append(Deed(at, place, kind, market, -1, outcome, -shares, cash))
            continue
        total = whole.setdefault((kind, market, at), [0, 0])
        total[0] = max(total[0], abs(shares))
        total[1] += abs(cash)
    for (kind, market, at), (shares, cash) in whole.items():
        place = after_fills(at, kind, market, -1)
        found.append(Deed(at, place, kind, market, -1, -1, shares, cash))
    return found


def after_fills(at: int, kind: str, market: int, outcome: int) -> int:
    """A sequence behind all fills of its second, which stays what it is."""
    block = int(block_of(np.array([at]))[0])
    place = (
        (market % 4_000_000) * 16 * len(TYPES) + TYPES.index(kind) * 16 + outcome + 1
    )
    return block * 10_000_000_000 + 9_000_000_000 + place


def encoded(world: World, wallet: int, deed: Deed) -> str:
    """A deed as a JSON object; a taker's `usdc_size` holds the fee."""
    fills = world.tape.fills
    market = world.catalogue.markets[deed.market]
    if deed.row >= 0:
        row = deed.row
        line = world.trade_rows.encode(np.array([row]))[0]
        sign = 1 if fills.side[row] == 0 else -1
        usdc = (int(fills.usdc[row]) + sign * int(fills.fee[row]) * 10) / 1e6
        extra = {"type": "TRADE", "usdc_size": usdc}
        if market.kind == "combo":
            extra["is_combo"] = True
        return line[:-1] + "," + json.dumps(extra)[1:]
    event = world.event_of(market)
    hashed = f"{deed.sequence:016x}{deed.market:016x}{wallet:032x}"
    value = {
        "proxy_wallet": world.universe.wallets.address(wallet),
        "side": "",
        "token_id": market.tokens[deed.outcome] if deed.outcome >= 0 else "",
        "condition_id": market.condition,
        "size": deed.shares / 1e6,
        "price": 0.0,
        "timestamp": deed.at,
        "title": market.question.strip(),
        "slug": market.slug,
        "icon": market.icon,
        "event_slug": event.slug if event else "",
        "outcome": market.outcomes[deed.outcome] if deed.outcome >= 0 else "",
        "outcome_index": deed.outcome if deed.outcome >= 0 else UNLABELLED,
        **world.universe.wallets.profile(wallet),
        "transaction_hash": "0x" + hashed,
        "type": deed.type,
        "usdc_size": deed.cash / 1e6,
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


ROUTES = [
    Route("GET", "/data/v2/activity", activity, 15),
]
