"""Rows of `walks`: what fetch would have said of the walks that brought a lake."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pyarrow as pa

from foundry.walked import Walks, merged
from lake.walks import WALKS

MICROS = 1_000_000


def walks_rows(walks: Walks, conditions: pl.Series) -> pl.DataFrame:
    """All that is said of the walks, their pages, their markets and their folds."""
    of = pl.DataFrame(
        {
            "walk": np.arange(len(walks.ids)),
            "walk_id": walks.ids,
            "started": walks.started,
            "filter": [json.dumps(one, sort_keys=True) for one in walks.filters],
            "request": [_request(one) for one in walks.filters],
        }
    )
    pages = merged(walks.pages, "walk", "page_no")
    tallies = merged(walks.tallies, "walk", "market").with_columns(
        key=pl.lit(conditions).gather("market")
    )
    sums = pages.group_by("walk").agg(pl.len().alias("pages"), pl.col("rows").sum())
    whole = of.join(sums, on="walk", how="left", maintain_order="left").with_columns(
        # a walk of markets that never traded has one empty page
        pages=pl.col("pages").fill_null(1).cast(pl.Int32),
        rows=pl.col("rows").fill_null(0),
    )
    whole = whole.with_columns(at=pl.col("started") + (pl.col("pages") + 1) * 70_000)
    empty = whole.filter(pl.col("rows") == 0).select(
        "walk", pl.lit(0, pl.Int64).alias("page_no"), pl.lit(0, pl.Int64).alias("rows")
    )
    at = pl.col("started") + (pl.col("page_no") + 1) * 70_000
    said = [
        pl.concat([pages, empty], how="diagonal")
        .join(of, on="walk", how="left", maintain_order="left")
        .select(
            kind=pl.lit("page"),
            walk_id="walk_id",
            page_no=pl.col("page_no").cast(pl.Int32),
            request="request",
            rows_served="rows",
            ts_oldest="ts_oldest",
            ts_newest="ts_newest",
            age_seconds=pl.lit(0, pl.Int32),
            started_at="started",
            fetched_at=at,
        ),
        whole.select(
            kind=pl.lit("walk"),
            walk_id="walk_id",
            filter="filter",
            outcome=pl.lit("end" if walks.covers_from == 0 else "floor"),
            rows_served="rows",
            pages="pages",
            ts_oldest=pl.lit(walks.covers_from, pl.Int64),
            ts_newest=pl.lit(walks.covers_to, pl.Int64),
            started_at="started",
            fetched_at="at",
        ),
        tallies.join(whole.select("walk", "walk_id", "at"), on="walk").select(
            kind=pl.lit("folded"),
            walk_id="walk_id",
            key="key",
            rows_stored="rows",
            rows_confirmed=pl.lit(0, pl.Int64),
            ts_oldest="ts_oldest",
            ts_newest="ts_newest",
            fetched_at=pl.col("at") + MICROS,
        ),
    ]
    if any(walks.scopes):
        scopes = pl.DataFrame(
            {"walk": np.arange(len(walks.ids)), "key": [list(s) for s in walks.scopes]}
        ).explode("key")
        said.append(
            scopes.join(whole.select("walk", "walk_id", "started", "at"), on="walk")
            .join(tallies.select("walk", "key", "rows"), on=["walk", "key"], how="left")
            .select(
                kind=pl.lit("subject"),
                walk_id="walk_id",
                key="key",
                outcome=pl.lit("end"),
                rows_served=pl.col("rows").fill_null(0),
                ts_oldest=pl.lit(walks.covers_from, pl.Int64),
                ts_newest=pl.lit(walks.covers_to, pl.Int64),
                started_at="started",
                fetched_at="at",
            )
        )
    return pl.concat(said, how="diagonal").with_columns(
        dataset=pl.lit(walks.dataset), strategy=pl.lit(walks.strategy)
    )


def coverage_rows(
    dataset: str, covered_from: int, watermark: int, walk_id: str, at: int
) -> pl.DataFrame:
    """The stretch of time that the feed covers without a gap."""
    return pl.DataFrame(
        {
            "kind": ["coverage"],
            "dataset": [dataset],
            "walk_id": [walk_id],
            "strategy": ["feed"],
            "ts_oldest": [covered_from],
            "ts_newest": [watermark],
            "fetched_at": [at * MICROS],
        }
    )


def listing_rows(
    dataset: str, strategy: str, request: str, rows: pa.Table
) -> pl.DataFrame:
    """The pages of the walks that brought the rows of another dataset."""
    found = pl.DataFrame(rows.select(["walk_id", "page_no", "fetched_at"]))
    return (
        found.group_by("walk_id", "page_no")
        .agg(pl.len().cast(pl.Int64).alias("rows_served"), pl.col("fetched_at").max())
        .sort("walk_id", "page_no")
        .with_columns(
            kind=pl.lit("page"),
            dataset=pl.lit(dataset),
            strategy=pl.lit(strategy),
            request=pl.lit(request),
            fetched_at=pl.col("fetched_at").dt.epoch("us"),
            started_at=pl.col("fetched_at").dt.epoch("us"),
        )
    )


def walks_table(said: list[pl.DataFrame]) -> pa.Table:
    """The rows in the schema of `walks`, in its order."""
    rows = pl.concat(said, how="diagonal").sort(
        *("kind", "walk_id", "page_no", "key"), nulls_last=False
    )
    return WALKS.filled(rows.to_arrow())


def _request(filters: dict[str, str]) -> str:
    return "/v2/trades?" + "&".join(f"{k}={v}" for k, v in filters.items())
