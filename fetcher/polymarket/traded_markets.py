"""Which markets have fills that a dataset's fetcher has not heard of yet.

Costs what is new: only files that were committed since are read, and of them two
columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from lake.lake import Lake

_LATE_US = 86_400_000_000  # a run that died may be stored by the next one


@dataclass(frozen=True)
class Seen:
    """What of the dataset of trades has been heard of; the cursor file keeps it."""

    log_id: str | None = None
    version: int | None = None
    fetched_us: int = 0


@dataclass(frozen=True)
class Traded:
    """Markets (lower case) with the unix time at which their newest fill was stored.

    `seen` is what to give the next time.
    """

    markets: Mapping[str, float]
    seen: Seen


def seen_now(lake: Lake) -> Seen:
    """What to give the next time if nothing of before is wanted; reads no fill."""
    changes = lake.changes("trades", None)
    return Seen(changes.log_id, changes.version)


def traded_since(lake: Lake, known: Seen) -> Traded:
    """Return the markets of fills that bronze got since."""
    changes = lake.changes("trades", known.version, log_id=known.log_id)
    paths = [lake.path_of("trades", file.name) for file in changes.files]
    now_seen = Seen(changes.log_id, changes.version, known.fetched_us)
    if not paths:
        return Traded({}, now_seen)
    rows = pl.scan_parquet(paths, hive_partitioning=False).select(
        "condition_id", pl.col("fetched_at").dt.epoch("us")
    )
    if changes.whole and not changes.restarted:  # compacted: old rows among the new
        rows = rows.filter(pl.col("fetched_at") > known.fetched_us - _LATE_US)
    found = (
        rows.group_by(pl.col("condition_id").str.to_lowercase())
        .agg(pl.col("fetched_at").max())
        .collect(engine="streaming")
    )
    markets = {condition: at / 1e6 for condition, at in found.iter_rows()}
    newest = max([known.fetched_us, *found["fetched_at"]])
    return Traded(markets, replace(now_seen, fetched_us=newest))
