"""A small lake for tests: two datasets, pages of rows, and what bronze holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa

from lake.batch import Batch, CursorChange, Progress
from lake.cursor import CursorFile
from lake.dataset import (
    DOUBLE,
    INT32,
    INT64,
    LINEAGE,
    STRING,
    Chain,
    Column,
    Dataset,
)
from lake.delta_log import DeltaLog
from lake.judging import hulls_of
from lake.lake import Lake
from lake.storage import LocalStorage
from lake.walks import WALKS
from lake.writer import Writer

IDENTITY = (
    Column("hash", STRING, "the transaction"),
    Column("market", STRING, "the market"),
    Column("timestamp", INT64, "unix seconds"),
    Column("size", DOUBLE, "shares"),
)
FILLS = Dataset(
    name="fills",
    about="A small chain dataset.",
    columns=(*IDENTITY, Column("label", STRING, "filled in late"), *LINEAGE),
    day_of="timestamp",
    sort_by=("market", "timestamp", "hash"),
    chain=Chain("timestamp", "market", tuple(column.name for column in IDENTITY)),
)
NOTES = Dataset(
    name="notes",
    about="A small dataset without chains.",
    columns=(
        Column("text", STRING, "a note"),
        Column("value", INT32, "a number"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("text",),
)
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


class SmallLake:
    """A lake below a folder; `observe` sees, and may stop, every durable step."""

    datasets: Mapping[str, Dataset] = {d.name: d for d in (FILLS, NOTES, WALKS)}

    def __init__(self, root: Path, observe=None) -> None:
        self.root = root
        self.observe = observe
        self.storage = LocalStorage(root / "lake", observe=observe)

    def log(self, dataset: str) -> DeltaLog:
        return DeltaLog(self.storage, self.datasets[dataset])

    def opened(self) -> Lake:
        return Lake.open(self.root / "lake", self.datasets)

    def cursor(self, name: str = "cursor.json") -> CursorFile:
        return CursorFile.open(self.root / name, observe=self.observe)

    def writer(self, cursor: CursorFile, **options) -> Writer:
        return Writer(
            self.storage,
            self.datasets,
            cursor,
            logs=self.log,
            hulls=self.hulls,
            **{"linger_seconds": 0.0, **options},
        )

    def hulls(self, dataset: str, names: pl.Series) -> pl.DataFrame:
        walks = self.bronze("walks").filter(
            (pl.col("dataset") == dataset) & pl.col("key").is_in(names.implode())
        )
        return hulls_of(walks.to_arrow())

    def bronze(self, dataset: str) -> pl.DataFrame:
        """The live rows."""
        files = self.log(dataset).snapshot().files
        schema = pl.DataFrame(self.datasets[dataset].schema.empty_table())
        return pl.concat(
            [schema]
            + [
                pl.read_parquet(
                    self.root / "lake" / dataset / f.name, hive_partitioning=False
                )
                for f in files
            ]
        )

    def lines(self, dataset: str) -> Counter:
        """The live rows of a chain dataset, by where they came from."""
        rows = self.bronze(dataset).select("walk_id", "page_no", "row_no")
        return Counter(rows.iter_rows())


def fills(
    walk_id: str, page_no: int, rows: list[tuple], *, at: datetime = NOON
) -> pa.Table:
    """A page of fills: rows of (hash, market, second, size)."""
    return pa.table(
        {
            "hash": [row[0] for row in rows],
            "market": [row[1] for row in rows],
            "timestamp": [row[2] for row in rows],
            "size": [float(row[3]) for row in rows],
            "label": ["late"] * len(rows),
            "fetched_at": [at] * len(rows),
            "walk_id": [walk_id] * len(rows),
            "page_no": [page_no] * len(rows),
            "row_no": list(range(len(rows))),
            "extra": pa.nulls(len(rows), pa.string()),
        },
        schema=FILLS.schema,
    )


def page(
    walk_id: str,
    page_no: int,
    rows: list[tuple],
    *,
    scope: tuple[str, ...] = ("m",),
    top: int | None = 10_000,
    ended: bool = False,
    complete_to: int | None = 0,
) -> Batch:
    """A page of a walk as its fetcher puts it, cursor included."""
    progress = Progress(
        "fills",
        walk_id,
        scope,
        top,
        min((row[2] for row in rows), default=None),
        ended,
        complete_to if ended else None,
    )
    return Batch(
        {"fills": fills(walk_id, page_no, rows)},
        (progress,),
        CursorChange({walk_id: None if ended else {"page_no": page_no + 1}}),
    )


def notes(*texts: str, at: datetime = NOON) -> Batch:
    """Rows of the dataset without chains."""
    return Batch(
        {
            "notes": pa.table(
                {
                    "text": list(texts),
                    "value": [1] * len(texts),
                    "fetched_at": [at] * len(texts),
                    "walk_id": ["l1"] * len(texts),
                    "page_no": [0] * len(texts),
                    "row_no": list(range(len(texts))),
                    "extra": pa.nulls(len(texts), pa.string()),
                },
                schema=NOTES.schema,
            )
        }
    )


def run(lake: SmallLake, *batches: Batch, name: str = "cursor.json") -> list[str]:
    """One run; returns the problems that it reports."""
    with lake.cursor(name) as cursor, lake.writer(cursor) as writer:
        for batch in batches:
            writer.put(batch)
    return cursor.problems


def die(lake: SmallLake, *batches: Batch, name: str = "cursor.json") -> None:
    """A run that dies after all of it has landed, before any of it is folded."""

    class Death(Exception):
        pass

    with (
        lake.cursor(name) as cursor,
        suppress(Death),
        lake.writer(cursor) as writer,
    ):
        for batch in batches:
            writer.put(batch)
        raise Death
