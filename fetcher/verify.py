"""Check that the lake holds what its logs and walks say it holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from lake import quarantine
from lake.damage import Damage, damages
from lake.lake import Lake
from lake.walks import WALKS

WALLETS = "activity"  # the dataset whose walks are of wallets

COUNTED = ("page", "walk", "folded", "lost")


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be, in words for people."""

    dataset: str
    what: str
    why: str


@dataclass(frozen=True)
class Unbalanced:
    """A walk of which bronze does not hold as many rows as it was served.

    `keys` are the markets that it named, or for a feed walk those it had rows of;
    `gone` is how many of the rows that it stored are not there any more.
    """

    dataset: str
    walk_id: str
    started_at: datetime
    served: int
    held: int
    keys: tuple[str, ...]
    gone: int = 0


@dataclass
class Report:
    """What was looked at, and what was found."""

    files: int = 0
    rows: int = 0
    walks: int = 0
    problems: list[Problem] = field(default_factory=list)
    damaged: list[Damage] = field(default_factory=list)
    unbalanced: list[Unbalanced] = field(default_factory=list)


def verify(lake: Lake, *, deep: bool, stop: threading.Event) -> Report:
    """Check every live file, and every walk that has ended.

    A file must be there and have as many rows as the log says; `deep` reads all of it
    and compares its checksum. What a walk was served must be stored, confirmed or set
    aside; a walk that lacks rows is forgiven where all its markets were walked to their
    end since, but never one whose rows were stored and are gone: what later walks
    confirmed may have been just these.
    """
    report = Report()
    for name in lake.datasets:
        for file, damage in damages(lake, name, deep=deep, stop=stop):
            report.files += 1
            report.rows += file.rows
            if damage is not None:
                report.damaged.append(damage)
                report.problems.append(Problem(name, file.name, damage.why))
    if not (stop.is_set() or report.problems):
        balance(lake, report, deep=deep)
    return report  # walks cannot be judged by files that are not whole


def balance(lake: Lake, report: Report, *, deep: bool) -> None:
    """Add to the report the walks of which rows are missing."""
    for one in _unbalanced(lake, report, deep=deep):
        if one.gone > 0:
            lost = f"stored {one.gone:,} rows that are not in bronze any more"
        elif not _is_mended(lake, one):
            lost = f"was served {one.served:,} rows, but {one.held:,} are held"
        else:
            continue
        report.unbalanced.append(one)
        why = f"{lost}; `fetch repair` walks its markets again"
        report.problems.append(Problem(one.dataset, f"walk {one.walk_id}", why))


def _unbalanced(lake: Lake, report: Report, *, deep: bool) -> Iterator[Unbalanced]:
    walks = lake.scan(WALKS.name).filter(pl.col("kind").is_in(COUNTED))
    for name, dataset in lake.datasets.items():
        if dataset.chain is None:
            continue
        counted = _counted(walks.filter(pl.col("dataset") == name))
        report.walks += counted.height
        aside = _set_aside(lake, name)
        rows = _rows_by_walk(lake, name) if deep else None
        expired = lake.rows_expired(name) if deep else {}
        for row in counted.iter_rows(named=True):
            walk_id = row["walk_id"]
            held = row["held"] + aside.get(walk_id, 0)
            gone = 0
            if rows is not None:
                here = rows.get(walk_id, 0) + expired.get(walk_id, 0)
                gone = row["stored"] - row["lost"] - here
                held -= gone
            if held != row["served"] or row["told"] != row["served"]:
                yield Unbalanced(
                    name,
                    walk_id,
                    row["started_at"],
                    max(row["served"], row["told"]),
                    held,
                    _keys(lake, name, walk_id),
                    gone,
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
            total("rows_stored", "lost").alias("lost"),
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
            # what a wallet's walk brought is of the markets of its rows
            & ((pl.col("strategy") != "user").fill_null(value=True) | (name == WALLETS))
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
