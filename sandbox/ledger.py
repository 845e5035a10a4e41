"""The books of every wallet: what it must have split, merged and redeemed, and its P&L.

Nobody sells what they do not hold: a wallet that does so in the fills has split that
many full sets just before its first fill of the market. After settlement most wallets
redeem, and some merge what they hold of both sides before it.
"""

from __future__ import annotations

import polars as pl

from sandbox.fills import I8, SELL, Fills
from sandbox.market import NEVER, Market
from sandbox.options import DAY

KEYS = ["wallet", "market", "outcome"]
SETS = ["wallet", "market"]


def market_table(markets: list[Market]) -> pl.DataFrame:
    """What settling needs to know of each market and outcome."""
    rows = [
        (m.index, o, len(m.outcomes), m.closed_at, payout)
        for m in markets
        for o, payout in enumerate(m.payouts)
    ]
    schema = {
        "market": pl.Int32,
        "outcome": pl.UInt8,
        "outcomes": pl.Int64,
        "closed_at": pl.Int64,
        "payout": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def fill_flows(fills: Fills, rows: I8) -> pl.DataFrame:
    """Shares and dollars (millionths) that each fill moves, seen from its wallet."""
    sign = 1 - 2 * (fills.side[rows] == SELL).astype("int64")
    return pl.DataFrame(
        {
            "wallet": fills.wallet[rows],
            "market": fills.market[rows],
            "outcome": fills.outcome[rows],
            "at": fills.timestamp[rows],
            "shares": sign * fills.size[rows],
            "cash": -sign * fills.usdc[rows],
            "fee": fills.fee[rows] * 10,
        }
    )


def build_entries(fills: Fills, markets: list[Market]) -> pl.DataFrame:
    """Every split, merge and redemption that ever happens, a row an outcome.

    Columns: kind, wallet, market, outcome, at, shares, cash (as `fill_flows`).
    """
    kept = fills.gone_at == NEVER
    flows = fill_flows(fills, kept.nonzero()[0])
    table = market_table(markets)
    balances = (
        flows.with_columns(held=pl.col("shares").cum_sum().over(KEYS))
        .group_by(KEYS)
        .agg(
            least=pl.col("held").min(),
            net=pl.col("shares").sum(),
            first=pl.col("at").min(),
        )
    )
    need = balances.group_by(SETS).agg(
        split=(-pl.col("least").min()).clip(lower_bound=0), first=pl.col("first").min()
    )
    held = (
        need.join(table, on="market")
        .join(balances.select(*KEYS, "net"), on=KEYS, how="left")
        .with_columns(net=pl.col("net").fill_null(0) + pl.col("split"))
        .with_columns(
            salt=(pl.col("wallet").cast(pl.Int64) * 7_919 + pl.col("market")) % 97
        )
        .with_columns(
            merge=pl.when((pl.col("salt") % 3 == 0) & (pl.col("closed_at") < NEVER))
            .then(pl.col("net").min().over(SETS))
            .otherwise(0)
        )
    )
    return pl.concat([splits(held), merges(held), redemptions(held)]).sort(
        "at", *KEYS, "kind"
    )


def entry(kind: str, at: pl.Expr, shares: pl.Expr, cash: pl.Expr) -> list[pl.Expr]:
    """The columns of an entry."""
    return [
        pl.lit(kind).alias("kind"),
        *(pl.col(key) for key in KEYS),
        at.alias("at"),
        shares.cast(pl.Int64).alias("shares"),
        cash.cast(pl.Int64).alias("cash"),
    ]


def cost_of_set(amount: pl.Expr) -> pl.Expr:
    """An outcome's part of what a full set costs; the first one bears the rest."""
    part = amount // pl.col("outcomes")
    return pl.when(pl.col("outcome") == 0).then(
        amount - part * (pl.col("outcomes") - 1)
    ).otherwise(part)  # fmt: skip


def splits(held: pl.DataFrame) -> pl.DataFrame:
    """Dollars into full sets, a second before the first fill."""
    split = pl.col("split")
    rows = held.filter(split > 0)
    return rows.select(entry("SPLIT", pl.col("first") - 1, split, -cost_of_set(split)))


def merges(held: pl.DataFrame) -> pl.DataFrame:
    """Full sets into dollars, half a minute before settlement."""
    merge = pl.col("merge")
    rows = held.filter(merge > 0)
    return rows.select(
        entry("MERGE", pl.col("closed_at") - 30, -merge, cost_of_set(merge))
    )


def redemptions(held: pl.DataFrame) -> pl.DataFrame:
    """What is left into its payout, within three days; one wallet in seven forgets."""
    left = pl.col("net") - pl.col("merge")
    rows = held.filter(
        (left > 0) & (pl.col("closed_at") < NEVER) & (pl.col("salt") % 7 > 0)
    )
    at = pl.col("closed_at") + 600 + pl.col("salt") * (3 * DAY) // 97
    paid = left * pl.col("payout") // 1_000_000
    return rows.select(entry("REDEEM", at, -left, paid))


def books(flows: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    """Positions by wallet, market and outcome from fills and entries, in millionths."""
    both = pl.concat(
        [
            flows.with_columns(kind=pl.lit("TRADE")),
            entries.with_columns(fee=pl.lit(0, dtype=pl.Int64)),
        ],
        how="diagonal",
    )
    bought = (pl.col("kind") == "TRADE") & (pl.col("shares") > 0)
    sold = (pl.col("kind") == "TRADE") & (pl.col("shares") < 0)

    def total(column: str, mask: pl.Expr) -> pl.Expr:
        return pl.col(column).filter(mask).sum()

    return (
        both.group_by(KEYS)
        .agg(
            bought=total("shares", bought),
            bought_usdc=-total("cash", bought),
            sold=-total("shares", sold),
            sold_usdc=total("cash", sold),
            split=total("shares", pl.col("kind") == "SPLIT"),
            split_usdc=-total("cash", pl.col("kind") == "SPLIT"),
            merged=-total("shares", pl.col("kind") == "MERGE"),
            merged_usdc=total("cash", pl.col("kind") == "MERGE"),
            redeemed=-total("shares", pl.col("kind") == "REDEEM"),
            redeemed_usdc=total("cash", pl.col("kind") == "REDEEM"),
            fees_usdc=pl.col("fee").sum(),
            shares=pl.col("shares").sum(),
            cash=pl.col("cash").sum() - pl.col("fee").sum(),
            first_at=pl.col("at").min(),
            last_at=pl.col("at").max(),
        )
        .sort(KEYS)
    )
