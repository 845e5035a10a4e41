"""Candles made of runs are those that the points themselves make."""

from __future__ import annotations

import random

import polars as pl
from bronze_lake import NOON
from test_price_rows import point

CANDLES = """
    select token_id, width, epoch(bucket_start)::bigint as bucket, open, high, low,
        close, points
    from gold.price_candles order by all
"""
WIDTHS = (("5m", 300), ("1h", 3600), ("1d", 86_400))


def series(token, step, points, seed):
    """Points of a token, late by some seconds each, with gaps, mostly unchanged."""
    draw = random.Random(seed)
    price, rows = 0.5, []
    for n in range(points):
        if draw.random() < 0.1:
            price = round(min(max(price + draw.choice([-0.01, 0.01]), 0), 1), 4)
        if draw.random() > 0.03:
            second = n * step + draw.randrange(20)
            rows.append(point(second, token=token, step=step, price=price, row=n))
    return rows


def test_candles_of_runs_are_those_of_the_points(bronze, warehouse):
    rows = [
        *series("11", 60, 3000, 1),
        *series("12", 300, 900, 2),
        *series("13", 1800, 200, 3),
        *series("14", 43_200, 40, 4),
    ]
    bronze.commit("prices", rows[::2])
    warehouse.ingest()
    bronze.commit("prices", rows[1::2])
    warehouse.ingest()
    points = pl.DataFrame(rows).sort("timestamp")
    expected = set()
    for name, seconds in WIDTHS:
        candles = (
            points.filter(pl.col("resolution_seconds") <= seconds)
            .group_by("token_id", pl.col("timestamp") // seconds * seconds)
            .agg(
                pl.col("price").first().alias("open"),
                pl.col("price").max().alias("high"),
                pl.col("price").min().alias("low"),
                pl.col("price").last().alias("close"),
                pl.len(),
            )
        )
        expected |= {(row[0], name, *row[1:]) for row in candles.iter_rows()}
    assert min(row[2] for row in expected) <= NOON
    assert set(warehouse.ask(CANDLES)) == expected
    [(runs,)] = warehouse.ask("select count(*) from silver.PriceHistoryFact")
    assert runs < len(rows) / 4
