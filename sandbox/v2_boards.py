"""Data v2: the leaderboard, and what a wallet made of its trades over time."""

from __future__ import annotations

import numpy as np
import polars as pl

from sandbox.fills import I8, block_of
from sandbox.options import DAY
from sandbox.people import all_books, entries_now, present
from sandbox.v2 import offset_page, one, read_cursor, single, user
from sandbox.web import Ask, Json, Reply, Route, v2_problem
from sandbox.words import TAGS
from sandbox.world import World

PERIODS = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}


def board(
    world: World, period: str, sort: str, category: str = "OVERALL"
) -> list[dict[str, Json]]:
    """Ranked wallets; `volume` is shares of both sides, `dollars` what they cost.

    A category is the markets of the tag of that name; an unknown one has no names.
    """
    since = world.now - PERIODS.get(period, world.now)
    frame = world.memo(f"board {period}", 0, lambda: all_books(world, since))
    if category != "OVERALL":
        frame = frame.filter(pl.col("market").is_in(tagged(world, category)))
    ranked = (
        frame.group_by("wallet")
        .agg(
            pnl=pl.col("total_pnl").sum(),
            volume=(pl.col("bought") + pl.col("sold")).sum() / 1e6,
            dollars=(pl.col("bought_usdc") + pl.col("sold_usdc")).sum() / 1e6,
        )
        .sort([sort, "wallet"], descending=[True, False])
    )
    wallets = world.universe.wallets
    rows = []
    for rank, (wallet, pnl, volume, dollars) in enumerate(ranked.iter_rows(), 1):
        profile = wallets.profile(wallet)
        rows.append(
            {
                "rank": rank,
                "user_id": wallets.address(wallet),
                "pnl": round(pnl, 4),
                "volume": volume,
                "dollars": round(dollars, 6),
                "user_name": profile["name"],
                "profile_image": profile["profile_image"],
                "x_username": "",
                "verified": False,
            }
        )
    return rows


def tagged(world: World, category: str) -> list[int]:
    """The markets of a category."""
    tags = {number for number, label, _ in TAGS if label.upper() == category}
    return [
        market.index
        for event in world.catalogue.events
        if tags.intersection(event.tags)
        for market in event.markets
    ]


def leaderboard(world: World, ask: Ask) -> Reply:
    """The board of a period; with `user`, that wallet's line alone."""
    period = (one(ask, "time_period") or "day").lower()
    if period not in (*PERIODS, "all"):
        raise v2_problem("time_period must be day, week, month or all", "time_period")
    sort = (one(ask, "sort_by") or "PNL").upper()
    if sort not in ("PNL", "VOLUME"):
        raise v2_problem("sort_by must be PNL or VOLUME", "sort_by")
    category = (one(ask, "category") or "OVERALL").upper()
    ranked = world.memo(
        f"ranked {period} {sort} {category}",
        0,
        lambda: board(world, period, sort.lower(), category),
    )
    rows = [{key: row[key] for key in row if key != "dollars"} for row in ranked]
    who = user(ask)
    if who is None:
        name = f"leaderboard {period} {sort} {category}"
        inside = read_cursor(world, name, ask)
        if inside:
            rows = moved(world, rows, inside["o"])
        return offset_page(world, name, ask, rows, 25, 1_000)
    mine = [row for row in rows if row["user_id"] == who]
    unranked = {"rank": None, "user_id": who, "pnl": 0.0, "volume": 0.0}
    return single(mine[0] if mine else unranked)


def moved(world: World, rows: list[Json], start: int) -> list[Json]:
    """The board as it is after the wallet below `start` has come to its top."""
    if world.board_moves <= 0 or start >= len(rows):
        return rows
    world.board_moves -= 1
    newer = [rows[start], *rows[:start], *rows[start + 1 :]]
    return [row | {"rank": rank} for rank, row in enumerate(newer, 1)]


def user_pnl(world: World, ask: Ask) -> Reply:
    """A wallet's P&L over time: cash so far and what is held at each point's price.

    What realised P&L is, and rebates and rewards, is not imitated: `position_pnl` is
    all that was made, fees taken off.
    """
    who = user(ask, required=True)
    wallet = world.wallet_index.get(who or "", -1)
    fills = world.tape.fills
    rows: I8 = present(world, world.tape.of_wallet(wallet))
    steps = {"1d": DAY, "18h": 64_800, "12h": 43_200, "3h": 10_800, "1h": 3_600}
    fidelity = one(ask, "fidelity") or "1d"
    step = steps.get(fidelity, DAY)
    spans = {"1m": 30 * DAY, "1w": 7 * DAY, "1d": DAY, "12h": DAY // 2, "6h": DAY // 4}
    now = world.now
    first = int(fills.timestamp[rows].min(initial=now))
    interval = one(ask, "interval") or "max"
    begin = max(first, now - spans.get(interval, now))
    times = [*range(max(begin, now - 120 * step), now, step), now]
    points = []
    for at in times:
        made = round(pnl_at(world, wallet, rows, at), 6)
        paid = fills.fee[rows[fills.timestamp[rows] <= at]].sum() / 1e5
        points.append(
            {
                "timestamp": at,
                "source_block": int(block_of(np.array([at]))[0]),
                "position_pnl": made,
                "wallet_income": 0.0,
                "economic_pnl": made,
                "trade_pnl": round(made + paid, 6),
                "fees": -round(paid, 5),
                "deposits": None,
                "withdrawals": None,
                "trade_count": int((fills.timestamp[rows] <= at).sum()),
            }
        )
    series = {"proxy_wallet": who, "interval": interval, "fidelity": fidelity}
    return single(series | {"source_fidelity": fidelity, "points": points})


def pnl_at(world: World, wallet: int, rows: I8, at: int) -> float:
    """Cash in and out up to `at`, and holdings at that time's prices."""
    fills = world.tape.fills
    part = rows[fills.timestamp[rows] <= at]
    sign = 1 - 2 * fills.side[part].astype(np.int64)
    entries = entries_now(world, wallet=wallet).filter(pl.col("at") <= at)
    cash = -(sign * fills.usdc[part]).sum() - 10 * fills.fee[part].sum()
    balance: dict[tuple[int, int], int] = {}
    outcomes = zip(
        fills.market[part].tolist(), fills.outcome[part].tolist(), strict=True
    )
    shares = (sign * fills.size[part]).tolist()
    for pair, moved in zip(outcomes, shares, strict=True):
        balance[pair] = balance.get(pair, 0) + moved
    for market, outcome, moved in entries.select(
        "market", "outcome", "shares"
    ).iter_rows():
        balance[market, outcome] = balance.get((market, outcome), 0) + moved
    markets = world.catalogue.markets
    worth = sum(
        moved * world.mid(markets[market], outcome, at)
        for (market, outcome), moved in balance.items()
        if moved
    )
    return float((cash + entries["cash"].sum() + worth) / 1e6)


def user_stats(world: World, ask: Ask) -> Reply:
    """Counts of a wallet; `trades` counts distinct markets. Null for strangers."""
    who = user(ask, required=True)
    wallet = world.wallet_index.get(who or "", -1)
    rows = present(world, world.tape.of_wallet(wallet))
    if len(rows) == 0:
        return single(None)
    fills = world.tape.fills
    return single(
        {
            "proxy_wallet": who,
            "trades": len(np.unique(fills.market[rows])),
            "volume": float(fills.size[rows].sum() / 1e6),
            "first_trade_at": int(fills.timestamp[rows].min()),
        }
    )


ROUTES = [
    Route("GET", "/data/v2/leaderboard", leaderboard),
    Route("GET", "/data/v2/user-pnl", user_pnl),
    Route("GET", "/data/v2/user-stats", user_stats),
]
