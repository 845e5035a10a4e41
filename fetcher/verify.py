"""Check that the lake holds what its logs and walks say it holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from lake import quarantine
from lake.lake import Lake
from lake.live_files import LiveFile
from lake.walks import WALKS

COUNTED = ("page", "walk", "folded")


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be, in words for people."""

    dataset: str
    what: str
    why: str


@dataclass(frozen=True)
class Unbalanced:
    """A walk of which bronze does not hold as many rows as it was served.

    `keys` are the markets that it named, or for a feed walk those it had rows of.
    """

    dataset: str
    walk_id: str
    started_at: datetime
    served: int
    held: int
    keys: tuple[str, ...]


@dataclass
class Report:
    """What was looked at, and what was found."""

    files: int = 0
    rows: int = 0
    walks: int = 0
    problems: list[Problem] = field(default_factory=list)
    unbalanced: list[Unbalanced] = field(default_factory=list)


def verify(lake: Lake, *, deep: bool, stop: threading.Event) -> Report:
    """Check every live file, and every walk that has ended.

    A file must be there and have as many rows as the log says; `deep` reads all of
    it. What a walk was served must be stored, confirmed or set aside; a walk that
    lacks rows is forgiven where all its markets were walked to their end since.
    """
    report = Report()
    for name in lake.datasets:
        for problem in _file_problems(lake, name, report, deep=deep, stop=stop):
            report.problems.append(problem)
    if stop.is_set() or report.problems:
        return report  # walks cannot be judged by files that are not whole
    for one in _unbalanced(lake, report, deep=deep):
        if not _is_mended(lake, one):
            report.unbalanced.append(one)
            report.problems.append(
                Problem(
                    one.dataset,
                    f"walk {one.walk_id}",
                    f"was served {one.served:,} rows, but {one.held:,} are held; "
                    "`fetch repair` walks its markets again",
                )
            )
    return report


def _file_problems(
    lake: Lake, name: str, report: Report, *, deep: bool, stop: threading.Event
) -> Iterator[Problem]:
    for file in lake.snapshot(name).files:
        if stop.is_set():
            return
        report.files += 1
        report.rows += file.rows
        why = _file_problem(lake, name, file, deep=deep)
        if why is not None and file.name in _live_names(lake, name):
            yield Problem(name, file.name, why)


def _live_names(lake: Lake, name: str) -> set[str]:
    """The live files now: one that was replaced meanwhile may well be gone."""
    return {file.name for file in lake.snapshot(name).files}


def _file_problem(lake: Lake, name: str, file: LiveFile, *, deep: bool) -> str | None:
    path = lake.path_of(name, file.name)
    try:
        size = path.stat().st_size
        if size != file.size:
            return f"has {size:,} bytes, the log says {file.size:,}"
        with pq.ParquetFile(path, page_checksum_verification=True) as parquet:
            rows = parquet.metadata.num_rows
            if rows != file.rows:
                return f"has {rows:,} rows, the log says {file.rows:,}"
            if deep:
                for _ in parquet.iter_batches():
                    pass
    except FileNotFoundError:
        return "is in the log, but it is not there"
    except (OSError, pa.ArrowException) as error:
        return f"cannot be read: {error}"
    return None


def _unbalanced(lake: Lake, report: Report, *, deep: bool) -> Iterator[Unbalanced]:
    walks = lake.scan(WALKS.name).filter(pl.col("kind").is_in(COUNTED))
    for name, dataset in lake.datasets.items():
        if dataset.chain is None:
            continue
        counted = _counted(walks.filter(pl.col("dataset") == name))
        report.walks += counted.height
        aside = _set_aside(lake, name)
        rows = _rows_by_walk(lake, name) if deep else None
        for row in counted.iter_rows(named=True):
            walk_id = row["walk_id"]
            held = row["held"] + aside.get(walk_id, 0)
            if rows is not None:
                held += rows.get(walk_id, 0) - row["stored"]
            if held != row["served"] or row["told"] != row["served"]:
                yield Unbalanced(
                    name,
                    walk_id,
                    row["started_at"],
                    max(row["served"], row["told"]),
                    held,
                    _keys(lake, name, walk_id),
                )


def _counted(walks: pl.LazyFrame) -> pl.DataFrame:
    """One row an ended walk: rows its pages served, it told of, and are held."""
    kind = pl.col("kind")

    def total(column: str, of: str) -> pl.Expr:
        return pl.col(column).filter(kind == of).sum()

    return (
        walks.group_by("walk_id")
        .agg(
            (kind == "walk").any().alias("has_ended"),
            total("rows_served", "page").alias("served"),
            pl.col("rows_served").filter(kind == "walk").max().alias("told"),
            total("rows_stored", "folded").alias("stored"),
            total("rows_confirmed", "folded").alias("confirmed"),
            pl.col("started_at").filter(kind == "walk").max(),
        )
        .filter("has_ended")
        .with_columns(
            pl.col("told").fill_null(0),
            (pl.col("stored") + pl.col("confirmed")).alias("held"),
        )
        .sort("walk_id")
        .collect(engine="streaming")
    )


def _rows_by_walk(lake: Lake, name: str) -> dict[str, int]:
    counted = lake.scan(name).group_by("walk_id").len().collect(engine="streaming")
    return dict(counted.iter_rows())


def _set_aside(lake: Lake, name: str) -> dict[str, int]:
    """Rows that fit no schema, by walk: the names of their files tell it."""
    counts: dict[str, int] = {}
    folder = f"{quarantine.FOLDER}/{name}"
    for file in lake.storage.files(folder):
        walk_id = file.rpartition("/")[2].partition("-")[0]
        rows = lake.storage.read(file).count(b"\n")
        counts[walk_id] = counts.get(walk_id, 0) + rows
    return counts


def _keys(lake: Lake, name: str, walk_id: str) -> tuple[str, ...]:
    found = (
        lake.scan(WALKS.name)
        .filter(
            (pl.col("dataset") == name)
            & (pl.col("walk_id") == walk_id)
            & pl.col("kind").is_in(["subject", "folded"])
        )
        .select(pl.col("key").unique())
        .collect()
    )
    return tuple(sorted(key for key in found["key"] if key))


def _is_mended(lake: Lake, one: Unbalanced) -> bool:
    walked = lake.walk_state().walked(one.dataset, one.keys)
    return bool(one.keys) and all(
        key in walked
        and (ended := walked[key].to_end_at) is not None
        and ended > one.started_at
        for key in one.keys
    )
