"""Prove gold: candles, concentration and calibration against polars, market by market.

`python -m benchmarks.prove_gold --folder /tmp/gold` serves a replica of 100,000 fills,
fetches and ingests it by the commands a user types, and works the numbers out again
from the replica's own account (benchmarks/gold_by_hand.py, which shares no code with
the SQL). Then it says how long each gold view takes.

Prints one JSON object; exit 1 if a row is missing, invented, or differs by a millionth
or more.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks import gold_by_hand as again
from benchmarks.prove_road import Lake, replica
from warehouse.views import gold_views

LIMIT = 1e-6
MODES = ("markets", "events", "trades", "resolutions")


def main() -> int:
    """Run the proof; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="medium")
    parser.add_argument("--fills", default="100000")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--folder", type=Path, required=True)
    chosen = parser.parse_args()
    folder: Path = chosen.folder
    folder.mkdir(parents=True)
    options = ["--size", chosen.size, "--fills", chosen.fills, "--seed", chosen.seed]
    with replica([*options, "--pace", "20"]) as box:
        lake = Lake(folder / "lake", box)
        for mode in MODES:
            lake.run("fetch", "--mode", mode)
        lake.run("ingest")
        truth = box.truth(folder / "truth")
    frames = {
        name: pl.read_parquet(truth / f"{name}.parquet")
        for name in ("fills", "markets")
    }
    with lake.db() as db:
        found = compared(db, frames)
        found["seconds"] = seconds_of_views(db)
    sys.stdout.write(json.dumps({"options": options, **found}, indent=1) + "\n")
    return 0 if proven(found) else 1


def compared(
    db: duckdb.DuckDBPyConnection, truth: dict[str, pl.DataFrame]
) -> dict[str, Any]:
    """Hold each view against its numbers worked out again; see `difference`."""

    def gold(sql: str) -> pl.DataFrame:
        frame = pl.from_arrow(db.sql(sql).to_arrow_table())
        assert isinstance(frame, pl.DataFrame)
        return frame

    fills = again.served(truth)
    found: dict[str, Any] = {
        "fills": fills.height,
        "markets_traded": fills["condition_id"].n_unique(),
    }
    for view, seconds in again.WIDTHS.items():
        found[view] = again.difference(
            gold(
                "select * replace (epoch(bucket_start)::bigint as bucket_start) "
                f"from gold.{view} where source = 'trades'"
            ),
            again.candles(fills, seconds),
            ["token_id", "bucket_start"],
        )
    found["market_concentration"] = again.difference(
        gold("select * from gold.market_concentration"),
        again.concentration(fills),
        ["condition_id"],
    )
    sure = gold("select condition_id from gold.market_resolutions where payouts <> []")
    markets = truth["markets"].with_columns(settled_at="closed_at")
    claimed = markets.join(sure, on="condition_id", how="semi")
    told = again.forecasts(fills, claimed)
    found["calibration"] = again.difference(
        gold("select * from gold.calibration"), told, ["condition_id", "horizon"]
    )
    found["calibration_bins"] = again.difference(
        gold("select * from gold.calibration_bins"),
        again.bins(told),
        ["horizon", "bin"],
    )
    unknown = gold(
        "select coalesce(sum(matches_taker_unknown), 0)::bigint as unknown, "
        "coalesce(sum(matches), 0)::bigint as matches from gold.ohlc_1d"
    ).row(0, named=True)
    closed = markets.filter(pl.col("closed"))
    unsure = closed.join(sure, on="condition_id", how="anti")
    found["flagged"] = {
        "matches_of_unknown_taker": unknown["unknown"],
        "of_matches": unknown["matches"],
        "closed_markets_of_unsure_end": unsure.height,
        "of_closed_markets": closed.height,
        "forecasts_left_out": again.forecasts(fills, unsure).height,
    }
    return found


def proven(found: dict[str, Any]) -> bool:
    """Whether no row is missing or invented, and none differs by a millionth."""
    views = [one for one in found.values() if isinstance(one, dict) and "rows" in one]
    return all(
        one["rows"] > 0
        and not one["missing"]
        and not one["invented"]
        and not one["null_in_one"]
        and one["furthest"] < LIMIT
        for one in views
    )


def seconds_of_views(db: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """How long each view takes as a whole, the slowest first."""
    taken = {}
    for view in gold_views():
        began = time.monotonic()
        db.execute(f"create or replace temp table whole as from gold.{view.name}")
        taken[view.name] = round(time.monotonic() - began, 2)
    return dict(sorted(taken.items(), key=lambda one: -one[1]))


if __name__ == "__main__":
    sys.exit(main())
