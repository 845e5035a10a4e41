"""Let whole days of a dataset go for good, and remember for ever what went.

What goes is decided by its note, `_expired/<dataset>/000001.json`, and by the log: the
note is made durable first, and counts from the commit on that takes its files out of
the log under the note's number. A run that dies between the two has changed nothing,
and the next one writes that note anew. Of datasets that are walked, the rows of each
walk and market are kept beside it: so their account still ties out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from lake.compaction import APP_ID as COMPACT
from lake.dataset import Dataset
from lake.delta_log import DeltaLog
from lake.live_files import LiveFile
from lake.storage import LocalStorage

APP_ID = "expire"
FOLDER = "_expired"


@dataclass(frozen=True)
class Expired:
    """Days of a dataset that were let go: all before `before` (2024-01-01).

    `days`, `files`, `rows` and `size` (bytes) are what went then, which is nothing of
    days that went earlier.
    """

    dataset: str
    number: int
    log_id: str
    before: str
    at: str
    days: int
    files: int
    rows: int
    size: int


def expiring(files: Iterable[LiveFile], before: str) -> list[LiveFile]:
    """The files of days before that day."""
    return [file for file in files if file.day < before]


def expire(
    storage: LocalStorage,
    log: DeltaLog,
    dataset: Dataset,
    before: str,
    *,
    clock: Callable[[], float] = time.time,
) -> Expired | None:
    """Take all files of days before `before` out of the log.

    Null, and nothing is changed, where there are none. The files themselves stay for
    those who read them until `remove_leftovers`. The caller holds the dataset's fold
    lock.
    """
    snapshot = log.snapshot()
    files = expiring(snapshot.files, before)
    if not files or snapshot.log_id is None:
        return None
    one = Expired(
        dataset=dataset.name,
        number=(snapshot.transaction_version(APP_ID) or 0) + 1,
        log_id=snapshot.log_id,
        before=before,
        at=datetime.fromtimestamp(clock(), UTC).isoformat(timespec="seconds"),
        days=len({file.day for file in files}),
        files=len(files),
        rows=sum(file.rows for file in files),
        size=sum(file.size for file in files),
    )
    if dataset.chain is not None:
        with storage.create(_tally_name(one)) as place:
            _tally(storage, dataset, files).write_parquet(place)
    storage.write(_note_name(one), json.dumps(asdict(one), indent=1).encode())
    turn = (snapshot.transaction_version(COMPACT) or 0) + 1
    version = log.commit(
        [],
        [file.name for file in files],
        transactions=[(APP_ID, one.number), (COMPACT, turn)],
    )
    return None if version is None else one


def expired(storage: LocalStorage, log: DeltaLog, name: str) -> list[Expired]:
    """What was let go of a dataset, in the order in which it went."""
    folder = f"{FOLDER}/{name}"
    if not storage.files(folder):  # as mostly: no log is opened for it
        return []
    snapshot = log.snapshot()
    last = snapshot.transaction_version(APP_ID) or 0
    found = (
        Expired(**json.loads(storage.read(file)))
        for file in storage.files(folder)
        if file.endswith(".json")
    )
    return [
        one for one in found if one.number <= last and one.log_id == snapshot.log_id
    ]


def tallies(storage: LocalStorage, notes: Iterable[Expired]) -> list[Path]:
    """The files that say of each walk and market how many rows went: `walk_id`, `key`
    and `rows`."""
    paths = (storage.path(_tally_name(one)) for one in notes)
    return [path for path in paths if path.exists()]


def rows_by_walk(storage: LocalStorage, notes: Iterable[Expired]) -> dict[str, int]:
    """How many rows of each walk went."""
    paths = tallies(storage, notes)
    if not paths:
        return {}
    counted = pl.scan_parquet(paths).group_by("walk_id").agg(pl.col("rows").sum())
    return dict(counted.collect(engine="streaming").iter_rows())


def _tally(
    storage: LocalStorage, dataset: Dataset, files: Iterable[LiveFile]
) -> pl.DataFrame:
    assert dataset.chain is not None
    paths = [storage.path(f"{dataset.name}/{file.name}") for file in files]
    return (
        pl.scan_parquet(paths, hive_partitioning=False, extra_columns="ignore")
        .group_by(
            pl.col("walk_id").fill_null(""),
            pl.col(dataset.chain.group).fill_null("").str.to_lowercase().alias("key"),
        )
        .agg(pl.len().cast(pl.Int64).alias("rows"))
        .sort("walk_id", "key")
        .collect(engine="streaming")
    )


def _note_name(one: Expired) -> str:
    return f"{FOLDER}/{one.dataset}/{one.number:06d}.json"


def _tally_name(one: Expired) -> str:
    return f"{FOLDER}/{one.dataset}/{one.number:06d}.parquet"
