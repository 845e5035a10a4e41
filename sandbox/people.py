"""Wallets as of now: their positions, what they did, and what they made of it."""

from __future__ import annotations

import numpy as np
import polars as pl

from sandbox.fills import I8
from sandbox.ledger import books, build_entries, fill_flows
from sandbox.market import Market
from sandbox.world import World, day

DUST_SHARES = 0.1


def entries(world: World) -> pl.DataFrame:
    """All splits, merges and redemptions, those of the future too."""
    changes = world.tape.changes
    if world.entries is None or world.entries[0] != changes:
        made = build_entries(world.tape.fills, world.catalogue.markets)
        world.entries = (changes, made)
    return world.entries[1]


def entries_now(world: World, **where: int) -> pl.DataFrame:
    """Those up to now, of one wallet or market."""
    mask = pl.col("at") <= world.now
    for column, value in where.items():
        mask = mask & (pl.col(column) == value)
    return entries(world).filter(mask)


def present(world: World, rows: I8) -> I8:
    """The rows that the index has now, whether it serves them or not."""
    _ = world.now
    return rows[world.tape.present[rows]]


def wallet_books(world: World, wallet: int) -> pl.DataFrame:
    """The positions of one wallet."""
    rows = present(world, world.tape.of_wallet(wallet))
    flows = fill_flows(world.tape.fills, rows)
    return priced(world, books(flows, entries_now(world, wallet=wallet)))


def market_books(world: World, market: Market) -> pl.DataFrame:
    """The positions of all wallets in one market."""
    rows = present(world, world.tape.of_market(market.index))
    flows = fill_flows(world.tape.fills, rows)
    return priced(world, books(flows, entries_now(world, market=market.index)))


def all_books(world: World, since: int = 0) -> pl.DataFrame:
    """The positions of everybody, from what happened at `since` or later."""
    fills = world.tape.fills
    rows = present(world, np.flatnonzero(fills.timestamp >= since))
    recent = entries_now(world).filter(pl.col("at") >= since)
    return priced(world, books(fill_flows(fills, rows), recent))


def priced(world: World, positions: pl.DataFrame) -> pl.DataFrame:
    """Positions with today's price of the outcome, in dollars, and their P&L.

    Realised by average cost over the life of the position; the total is exact. What is
    settled is worth what its redemption pays: millionths of a dollar, rounded down.
    """
    pairs = positions.select("market", "outcome").unique()
    values = [price_now(world, m, o) for m, o in pairs.iter_rows()]
    markets = world.catalogue.markets
    settled = [markets[m].closed(world.now) for m in pairs["market"]]
    prices = pairs.with_columns(
        price=pl.Series(values, dtype=pl.Float64),
        settled=pl.Series(settled, dtype=pl.Boolean),
    )
    worth = pl.col("shares") * pl.col("price")
    cost = pl.col("bought_usdc") + pl.col("split_usdc")
    acquired = pl.col("bought") + pl.col("split")
    return (
        positions.join(prices, on=["market", "outcome"])
        .with_columns(
            average=pl.when(acquired > 0).then(cost / acquired).otherwise(0.0),
            value=pl.when("settled").then(worth.floor()).otherwise(worth) / 1e6,
        )
        .with_columns(
            total_pnl=pl.col("cash") / 1e6 + pl.col("value"),
            unrealized_pnl=pl.col("shares")
            / 1e6
            * (pl.col("price") - pl.col("average")),
        )
        .with_columns(realized_pnl=pl.col("total_pnl") - pl.col("unrealized_pnl"))
        .sort("wallet", "market", "outcome")
    )


def price_now(world: World, market: int, outcome: int) -> float:
    """What a share of the outcome is worth now."""
    entry = world.catalogue.markets[market]
    if entry.kind == "amm" and not entry.closed(world.now):
        return 0.5
    return world.mid(entry, outcome, world.now)


def position_row(world: World, row: dict[str, float]) -> dict[str, object]:
    """A position in the words of v2."""
    market = world.catalogue.markets[int(row["market"])]
    event = world.event_of(market)
    outcome = int(row["outcome"])
    other = (outcome + 1) % len(market.outcomes)
    size, closed = row["shares"] / 1e6, market.closed(world.now)
    profile = world.universe.wallets.profile(int(row["wallet"]))
    cost = (row["bought_usdc"] + row["split_usdc"]) / 1e6
    fees = row["fees_usdc"] / 1e6
    percent = 100 * row["total_pnl"] / cost if cost else 0.0
    return {
        "proxy_wallet": world.universe.wallets.address(int(row["wallet"])),
        "token_id": market.tokens[outcome],
        "condition_id": market.condition,
        "current_size": round(size, 6),
        "avg_price": round(row["average"], 4),
        "entry_cost_usdc": round(cost, 5),
        "entry_fees_usdc": round(fees, 5),
        "total_cost_usdc": round(cost + fees, 5),
        "current_price": row["price"],
        "current_value": round(row["value"], 4),
        "total_size": round((row["bought"] + row["split"]) / 1e6, 6),
        "realized_pnl": round(row["realized_pnl"], 4),
        "unrealized_pnl": round(row["unrealized_pnl"], 4),
        "total_pnl": round(row["total_pnl"], 4),
        "percent_pnl": round(percent, 4),
        "percent_realized_pnl": round(100 * row["realized_pnl"] / cost, 4)
        if cost
        else 0.0,
        "status": status_of(closed, size, market.payouts[outcome]),
        "redeemable": closed and size > 0,
        "mergeable": False,
        "negative_risk": market.neg_risk,
        "archived": False,
        "title": market.question.strip(),
        "slug": market.slug,
        "icon": market.icon,
        "event_id": str(event.id) if event else "",
        "event_slug": event.slug if event else "",
        "outcome": market.outcomes[outcome],
        "outcome_index": outcome,
        "opposite_outcome": market.outcomes[other],
        "opposite_token_id": market.tokens[other],
        "end_date": day(market.end_at),
        "last_event_at": int(row["last_at"]),
        "first_entry_at": int(row["first_at"]),
        "name": profile["name"],
        "profile_image": profile["profile_image"],
        "verified": False,
    }


def status_of(closed: bool, size: float, payout: int) -> str:
    """Where a position stands."""
    if size <= 0:
        return "CLOSED"
    if not closed:
        return "OPEN"
    return "REDEEMABLE" if payout else "REDEEMABLE_LOST"
