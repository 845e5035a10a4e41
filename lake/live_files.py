"""What a dataset's log says of each data file, and what we tell it of a new one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction, RemoveAction

Value = str | int | float | bool | datetime

PARTITION = "dt"
# Delta percent-encodes paths; names of these letters are the same either way.
_NAME = re.compile(r"dt=(\d{4}-\d\d-\d\d)/[A-Za-z0-9][A-Za-z0-9._-]*\.parquet")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class NewFile:
    """A Parquet file that lies in its `dt=` folder, synced, and is to become live.

    `name` is relative to the dataset's folder: `dt=2024-01-01/<file>.parquet`. `least`
    and `greatest` bound the values of some columns, so that readers can skip the file.
    """

    name: str
    size: int
    rows: int
    least: Mapping[str, Value]
    greatest: Mapping[str, Value]

    @property
    def day(self) -> str:
        """The `dt` of its rows, `2024-01-01`."""
        return day_of(self.name)


@dataclass(frozen=True)
class LiveFile:
    """A live file as the log tells it; `name` is relative to the dataset's folder."""

    name: str
    size: int
    rows: int
    least: Mapping[str, Value]
    greatest: Mapping[str, Value]

    @property
    def day(self) -> str:
        """The `dt` of its rows, `2024-01-01`."""
        return day_of(self.name)

    def may_hold(self, column: str, low: Value, high: Value) -> bool:
        """Whether a row with `low <= column <= high` can be in it."""
        least, greatest = self.least.get(column), self.greatest.get(column)
        if least is None or greatest is None:
            return True
        return bool(least <= high and greatest >= low)  # type: ignore[operator]


@dataclass(frozen=True)
class Changes:
    """What a reader that knew some version must read to know `version`.

    `added` are files with rows it has not seen. Of `whole_days` it takes every live
    file (`whole`): some of what was added there has been replaced since, so rows it
    knows and rows it does not know are in one file. `restarted` says that the log is
    not the one that the reader knew: all that it knows is void, and `added` is all.
    """

    log_id: str | None
    version: int | None
    added: tuple[LiveFile, ...] = ()
    whole_days: tuple[str, ...] = ()
    whole: tuple[LiveFile, ...] = ()
    restarted: bool = False

    @property
    def files(self) -> tuple[LiveFile, ...]:
        """All files to read, each once."""
        return self.added + self.whole


def day_of(name: str) -> str:
    """Return the `dt` of a file's name; ValueError for a name the log cannot take."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"not dt=YYYY-MM-DD/<plain name>.parquet: {name!r}")
    return date.fromisoformat(match[1]).isoformat()


def new_file(
    name: str, metadata: pq.FileMetaData, *, size: int, columns: Iterable[str]
) -> NewFile:
    """Describe a Parquet file by its own footer, with bounds of `columns`.

    `name` is relative to the dataset's folder (`dt=2024-01-01/x.parquet`). A column
    without statistics in some row group gets no bounds.
    """
    least: dict[str, Value] = {}
    greatest: dict[str, Value] = {}
    place = {metadata.schema.column(i).path: i for i in range(metadata.num_columns)}
    for column in columns:
        bounds = _bounds(metadata, place[column])
        if bounds is not None:
            least[column], greatest[column] = bounds
    return NewFile(name, size, metadata.num_rows, least, greatest)


def _bounds(metadata: pq.FileMetaData, column: int) -> tuple[Value, Value] | None:
    least: list[Any] = []
    greatest: list[Any] = []
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(column).statistics
        if statistics is None or not statistics.has_min_max:
            return None
        least.append(statistics.min)
        greatest.append(statistics.max)
    return (min(least), max(greatest)) if least else None


def add_action(file: NewFile, *, data_change: bool, now: float) -> AddAction:
    """Say it as Delta does."""
    stats = {
        "numRecords": file.rows,
        "minValues": {key: _floor(value) for key, value in file.least.items()},
        "maxValues": {key: _ceiling(value) for key, value in file.greatest.items()},
    }
    return AddAction(
        path=file.name,
        size=file.size,
        partition_values={PARTITION: file.day},
        modification_time=int(now * 1000),
        data_change=data_change,
        stats=json.dumps(stats, allow_nan=False),
    )


def remove_action(file: LiveFile, *, data_change: bool, now: float) -> RemoveAction:
    """Say it as Delta does."""
    return RemoveAction(
        file.name,
        data_change,
        int(now * 1000),
        size=file.size,
        partition_values={PARTITION: file.day},
    )


def _floor(value: Value) -> str | int | float | bool:
    if not isinstance(value, datetime):
        return value
    return (
        value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _ceiling(value: Value) -> str | int | float | bool:
    """Delta keeps milliseconds: a bound that was cut must not exclude the row."""
    if isinstance(value, datetime) and value.microsecond % 1000:
        value += _MILLISECOND
    return _floor(value)


def live_files(actions: pa.Table) -> tuple[LiveFile, ...]:
    """Read `DeltaTable.get_add_actions(flatten=True)`; ordered by name."""
    actions = actions.sort_by("path")
    return tuple(
        LiveFile(name, size, rows, least, greatest)
        for name, size, rows, least, greatest in zip(
            actions["path"].to_pylist(),
            actions["size_bytes"].to_pylist(),
            actions["num_records"].to_pylist(),
            _rows_of_bounds(actions, "min."),
            _rows_of_bounds(actions, "max."),
            strict=True,
        )
    )


def _rows_of_bounds(actions: pa.Table, prefix: str) -> list[dict[str, Value]]:
    rows: list[dict[str, Value]] = [{} for _ in range(actions.num_rows)]
    for name in actions.column_names:
        column = actions[name]
        if not name.startswith(prefix) or column.null_count == len(column):
            continue
        key = name.removeprefix(prefix)
        for row, value in zip(rows, _values(column), strict=True):
            if value is not None:
                row[key] = value
    return rows


def _values(column: pa.ChunkedArray) -> list[Any]:
    if not pa.types.is_timestamp(column.type):
        values: list[Any] = column.to_pylist()
        return values
    # to_pylist looks the time zone up for every value: 30 times slower than this.
    micros = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
    return [None if m is None else _EPOCH + timedelta(microseconds=m) for m in micros]
