"""Candles, concentration and calibration worked out again, in polars, from the fills.

Shares no code with the SQL and reads none of its tables: what goes in is what the
replica says was served and how its markets ended. For tests and benchmarks.
"""

from __future__ import annotations

from typing import Any

import polars as pl

WIDTHS = {"ohlc_5m": 300, "ohlc_1h": 3_600, "ohlc_1d": 86_400}
HORIZONS = {"1h": 3_600, "1d": 86_400, "7d": 604_800, "30d": 2_592_000}
TENTH = pl.col("price").mul(10).round(9).floor().clip(0, 9).cast(pl.Int64)


def served(truth: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The fills that a lake can hold, in the order in which they were made."""
    return truth["fills"].filter("servable").sort("timestamp", "sequence")


def candles(fills: pl.DataFrame, seconds: int) -> pl.DataFrame:
    """The takers' prices of each token in buckets of so many seconds."""
    return (
        fills.filter("is_taker")
        .with_columns(bucket_start=pl.col("timestamp") // seconds * seconds)
        .group_by("token_id", "bucket_start")
        .agg(
            open=pl.col("price").first(),
            high=pl.col("price").max(),
            low=pl.col("price").min(),
            close=pl.col("price").last(),
            volume_shares=pl.col("size").sum(),
            volume_usd=(pl.col("price") * pl.col("size")).sum(),
            matches=pl.len(),
        )
    )


def concentration(fills: pl.DataFrame) -> pl.DataFrame:
    """How few wallets each market's trading is in the hands of."""
    wallets = fills.group_by("condition_id", "proxy_wallet").agg(
        shares=pl.col("size").sum(), usd=(pl.col("price") * pl.col("size")).sum()
    )
    part, usd = pl.col("shares") / pl.col("shares").sum(), pl.col("usd")
    return wallets.group_by("condition_id").agg(
        traders=pl.len(),
        volume_shares=pl.col("shares").sum() / 2,
        hhi=part.pow(2).sum(),
        hhi_usd=(usd / usd.sum()).pow(2).sum(),
        largest_share=part.max(),
        top10_share=part.top_k(10).sum(),
        top10_share_usd=(usd / usd.sum()).top_k(10).sum(),
    )


def forecasts(fills: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
    """What each settled market of two outcomes was last traded at, by horizon."""
    settled = markets.filter(
        pl.col("settled_at").is_not_null() & (pl.col("outcomes").list.len() == 2)
    ).with_columns(
        first=pl.col("token_ids").list.first(), payout=pl.col("payouts").list.first()
    )
    rows: list[dict[str, Any]] = []
    taken = {
        condition: frame
        for (condition,), frame in fills.filter("is_taker").group_by(
            "condition_id", maintain_order=True
        )
    }
    for market in settled.iter_rows(named=True):
        trades = taken.get(market["condition_id"])
        for horizon, seconds in HORIZONS.items():
            asked = market["settled_at"] - seconds
            known = (
                None if trades is None else trades.filter(pl.col("timestamp") <= asked)
            )
            if known is None or known.is_empty():
                continue
            last = known.row(-1, named=True)
            is_first = last["token_id"] == market["first"]
            price = last["price"] if is_first else 1 - last["price"]
            rows.append(
                {
                    "condition_id": market["condition_id"],
                    "horizon": horizon,
                    "price": price,
                    "payout": market["payout"],
                    "brier_score": (price - market["payout"]) ** 2,
                    "price_age_hours": (asked - last["timestamp"]) / 3_600,
                }
            )
    schema = {"condition_id": pl.String, "horizon": pl.String, "price": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)


def bins(told: pl.DataFrame) -> pl.DataFrame:
    """Forecasts by the tenth of a dollar that they lie in."""
    return told.group_by("horizon", bin=TENTH).agg(
        markets=pl.len(),
        mean_price=pl.col("price").mean(),
        mean_payout=pl.col("payout").mean(),
        brier_score=pl.col("brier_score").mean(),
    )


def difference(
    gold: pl.DataFrame, again: pl.DataFrame, key: list[str]
) -> dict[str, int | float]:
    """How many rows each has, which only one of them has, and how far they differ."""
    values = [column for column in again.columns if column not in key]
    gold = gold.with_columns(pl.col(values).cast(pl.Float64))
    again = again.with_columns(pl.col(values).cast(pl.Float64))
    both = gold.join(again, on=key, suffix="_again")
    pairs = [(pl.col(value), pl.col(f"{value}_again")) for value in values]
    furthest, null_in_one = both.select(
        furthest=pl.max_horizontal(
            (ours - theirs).abs().max() for ours, theirs in pairs
        ),
        null_in_one=pl.sum_horizontal(
            (ours.is_null() != theirs.is_null()).sum() for ours, theirs in pairs
        ),
    ).row(0)
    return {
        "rows": again.height,
        "missing": again.join(gold, on=key, how="anti").height,
        "invented": gold.join(again, on=key, how="anti").height,
        "null_in_one": null_in_one,
        "furthest": furthest or 0.0,
    }
