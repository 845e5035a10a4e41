"""A day of a cast lake that is fetched once more, and brings nothing.

The fold confirms every row then and stores none, so that all that comes into the lake
is what `walks` says of it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from bronze import DATASETS
from foundry.cast import SIDES, STATE, run_of_feed
from foundry.files import Files
from foundry.walk_rows import walks_rows, walks_table
from foundry.walked import Walks
from lake.delta_log import DeltaLog
from lake.storage import LocalStorage


def fetch_again(folder: Path, *, turn: int) -> int:
    """Walk the last whole day of a cast lake again; return how many rows it has.

    `turn` tells one such walk from another.
    """
    storage = LocalStorage(folder)
    end = int(json.loads(storage.read(STATE))["end"])
    said, count = [], 0
    for name in SIDES:
        rows = _last_whole_day(storage, name)
        conditions = rows["condition_id"].unique().sort()
        market = conditions.search_sorted(rows["condition_id"]).cast(pl.Int64)
        timestamp = rows["timestamp"].to_numpy()
        walks = run_of_feed(name, end + 60 * (turn + 1), int(timestamp[0]))
        of = np.zeros(len(rows), dtype=np.int64)
        walks.take(of, market.to_numpy(), timestamp)
        said.append(_confirmed(walks, conditions))
        count += len(rows)
    files = Files(storage, f"again{turn + 1:04d}")
    files.write_days("walks", walks_table(said))
    files.commit()
    return count


def _last_whole_day(storage: LocalStorage, name: str) -> pl.DataFrame:
    files = DeltaLog(storage, DATASETS[name]).snapshot().files
    day = sorted({file.day for file in files})[-2]
    paths = [storage.path(f"{name}/{file.name}") for file in files if file.day == day]
    columns = ["condition_id", "timestamp"]
    rows = pl.read_parquet(paths, columns=columns, hive_partitioning=False)
    return rows.sort("timestamp")


def _confirmed(walks: Walks, conditions: pl.Series) -> pl.DataFrame:
    """What is said of walks of which every row was there already."""
    return walks_rows(walks, conditions).with_columns(
        rows_stored=pl.col("rows_stored") * 0, rows_confirmed="rows_stored"
    )
