"""A tiny dataset to try the lake's files on, and a way to put rows into it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from lake.dataset import INT64, STRING, TIMESTAMP, Column, Dataset
from lake.delta_log import DeltaLog, NewFile, new_file
from lake.parquet import ParquetWriter
from lake.storage import LocalStorage, Observe

READINGS = Dataset(
    name="readings",
    about="What a meter said.",
    columns=(
        Column("meter", STRING, "which one"),
        Column("read_at", INT64, "unix seconds"),
        Column("value", INT64, "what it said"),
        Column("fetched_at", TIMESTAMP, "when we heard of it"),
    ),
    day_of="read_at",
    sort_by=("meter", "read_at"),
)
FETCHED_AT = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
Row = tuple[str, int, int]


class Readings:
    """The dataset in a lake of its own."""

    def __init__(self, root: Path, observe: Observe | None = None) -> None:
        self.root = root
        self.storage = LocalStorage(root, observe=observe)
        self.log = DeltaLog(self.storage, READINGS)
        self.folder = root / "readings" / "_delta_log"

    def again(self, observe: Observe | None = None) -> Readings:
        """The same lake, as another process sees it."""
        return Readings(self.root, observe)

    def file(self, name: str, rows: Sequence[Row], *, day: int = 0) -> NewFile:
        """Write a data file into its `dt=` folder; nobody knows of it yet."""
        moment = date(2024, 1, 1) + timedelta(days=day)
        path = f"dt={moment}/{name}.parquet"
        table = pa.table(
            [
                pa.array([row[0] for row in rows], pa.string()),
                pa.array([row[1] for row in rows], pa.int64()),
                pa.array([row[2] for row in rows], pa.int64()),
                pa.array([FETCHED_AT] * len(rows), TIMESTAMP),
            ],
            schema=READINGS.schema,
        )
        footer = ParquetWriter(self.storage, READINGS, table).write(
            f"readings/{path}", table
        )
        return new_file(
            path,
            footer,
            size=self.storage.size(f"readings/{path}"),
            columns=["meter", "read_at", "fetched_at"],
        )

    def add(self, name: str, rows: Sequence[Row], *, day: int = 0) -> int | None:
        """Write a file and make it live."""
        return self.log.commit([self.file(name, rows, day=day)])

    def live(self) -> list[str]:
        """The names of the live files, without folder and ending."""
        return [Path(file.name).stem for file in self.log.snapshot().files]

    def rows(self) -> list[Row]:
        """All live rows, in order, doubled ones as often as they are there."""
        rows: list[Row] = []
        for file in self.log.snapshot().files:
            table = pa.parquet.read_table(
                self.root / "readings" / file.name, partitioning=None
            )
            rows += zip(
                *(table[name].to_pylist() for name in ("meter", "read_at", "value")),
                strict=True,
            )
        return sorted(rows)
