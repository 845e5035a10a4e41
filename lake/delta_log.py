"""Which files of a dataset are live: its Delta Lake log, and commits to it.

The `deltalake` package checks neither that a removed file is still live nor that an
application transaction is new, retries a lost race by itself, and syncs nothing. So a
commit here uses one handle: what it takes for granted is checked on that handle, the
entry is written only if it is the very next one, and on a lost race all starts again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import (
    AddAction,
    CommitProperties,
    PostCommitHookProperties,
    RemoveAction,
    Transaction,
)

from lake.dataset import Dataset
from lake.storage import LocalStorage

Value = str | int | float | bool | datetime

PARTITION = "dt"
_NO_HOOKS = PostCommitHookProperties(
    create_checkpoint=False, cleanup_expired_logs=False
)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.parquet")


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
        return self.name.partition("/")[0].removeprefix(f"{PARTITION}=")


@dataclass(frozen=True)
class LiveFile:
    """A live file as the log tells it; `name` is relative to the dataset's folder."""

    name: str
    day: str
    size: int
    rows: int
    least: Mapping[str, Value]
    greatest: Mapping[str, Value]

    def may_hold(self, column: str, low: Value, high: Value) -> bool:
        """Whether a row with `low <= column <= high` can be in it."""
        least, greatest = self.least.get(column), self.greatest.get(column)
        if least is None or greatest is None:
            return True
        return bool(least <= high and greatest >= low)  # type: ignore[operator]


@dataclass(frozen=True)
class Changes:
    """What a reader that knew version `since` must read to know `version`.

    `added` are files with rows it has not seen. Of `whole_days` it takes every live
    file (`whole`): some of what was added there has been replaced since, so rows it
    knows and rows it does not know are in one file. `restarted` says that the log is
    not the one that `since` was a version of: all that the reader knows is void.
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


class Snapshot:
    """One version of a dataset's log. Version and files are null and none before
    the first commit."""

    def __init__(self, table: DeltaTable | None) -> None:
        self._table = table

    @property
    def version(self) -> int | None:
        return None if self._table is None else int(self._table.version())

    @property
    def log_id(self) -> str | None:
        return None if self._table is None else str(self._table.metadata().id)

    def transaction_version(self, app_id: str) -> int | None:
        """The last version committed under `app_id`, or null if there is none."""
        if self._table is None:
            return None
        version: int | None = self._table.transaction_version(app_id)
        return version

    @cached_property
    def files(self) -> tuple[LiveFile, ...]:
        """The live files, ordered by name (and so by day)."""
        if self._table is None:
            return ()
        return _live_files(pa.table(self._table.get_add_actions(flatten=True)))


def new_file(
    name: str,
    metadata: pq.FileMetaData,
    *,
    size: int,
    columns: Iterable[str],
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


class DeltaLog:
    """The log of one dataset, `<root>/<dataset>/_delta_log`."""

    def __init__(
        self,
        storage: LocalStorage,
        dataset: Dataset,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage = storage
        self._dataset = dataset
        self._clock = clock
        self._folder = f"{dataset.name}/_delta_log"

    def snapshot(self) -> Snapshot:
        """Open the newest version; writes nothing."""
        return Snapshot(self._open())

    def commit(
        self,
        adds: Sequence[NewFile] = (),
        removes: Iterable[str] = (),
        *,
        transactions: Sequence[tuple[str, int]] = (),
        data_change: bool = True,
    ) -> int | None:
        """Make `adds` live and `removes` (names) not live, in one durable step.

        Returns the version, or null, with nothing done, if a transaction's version is
        not above its app id's last one, or a removed file is not live: then another
        did it first. The added files must be synced in place.
        """
        removes = list(removes)
        while True:
            table = self._open() or self._create()
            snapshot = Snapshot(table)
            if any(
                (snapshot.transaction_version(app_id) or 0) >= version
                for app_id, version in transactions
            ):
                return None
            live = {file.name: file for file in snapshot.files} if removes else {}
            if any(name not in live for name in removes):
                return None
            actions: list[AddAction | RemoveAction] = [
                *(_add_action(file, data_change, self._clock()) for file in adds),
                *(
                    _remove_action(live[name], data_change, self._clock())
                    for name in removes
                ),
            ]
            version = int(table.version())
            self._sync_entry(version)
            self._storage.announce("commit", f"{self._folder}/{_entry(version + 1)}")
            try:
                table.create_write_transaction(
                    actions,
                    "append",
                    table.schema(),
                    partition_by=[PARTITION],
                    commit_properties=CommitProperties(
                        max_commit_retries=0,
                        app_transactions=[Transaction(*t) for t in transactions],
                    ),
                    post_commithook_properties=_NO_HOOKS,
                )
            except CommitFailedError:
                continue  # another entry came first: look again at what is live
            self._sync_entry(version + 1)
            return version + 1

    def _open(self) -> DeltaTable | None:
        if not self._storage.exists(self._folder):
            return None
        return DeltaTable(str(self._storage.path(self._dataset.name)))

    def _create(self) -> DeltaTable:
        self._storage.make_folder(self._folder)
        fields = [*self._dataset.schema, pa.field(PARTITION, pa.date32())]
        DeltaTable.create(
            str(self._storage.path(self._dataset.name)),
            schema=Schema.from_arrow(pa.schema(fields)),
            mode="ignore",
            partition_by=[PARTITION],
        )
        table = self._open()
        assert table is not None
        return table

    def _sync_entry(self, version: int) -> None:
        self._storage.sync(f"{self._folder}/{_entry(version)}")
        self._storage.sync_folder(self._folder)


def _entry(version: int) -> str:
    return f"{version:020d}.json"


def _add_action(file: NewFile, data_change: bool, now: float) -> AddAction:
    folder, _, name = file.name.partition("/")
    if not _PLAIN_NAME.fullmatch(name) or date.fromisoformat(file.day) is None:
        raise ValueError(f"not a plain name in a dt= folder: {file.name!r} in {folder}")
    stats = {
        "numRecords": file.rows,
        "minValues": {key: _stat(value) for key, value in file.least.items()},
        "maxValues": {key: _stat(value) for key, value in file.greatest.items()},
    }
    return AddAction(
        path=file.name,
        size=file.size,
        partition_values={PARTITION: file.day},
        modification_time=int(now * 1000),
        data_change=data_change,
        stats=json.dumps(stats),
    )


def _stat(value: Value) -> str | int | float | bool:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value


def _remove_action(file: LiveFile, data_change: bool, now: float) -> RemoveAction:
    return RemoveAction(
        file.name,
        data_change,
        int(now * 1000),
        size=file.size,
        partition_values={PARTITION: file.day},
    )


def _live_files(actions: pa.Table) -> tuple[LiveFile, ...]:
    files = []
    for row in actions.to_pylist():
        least = _prefixed(row, "min.")
        greatest = _prefixed(row, "max.")
        files.append(
            LiveFile(
                row["path"],
                row[f"partition.{PARTITION}"].isoformat(),
                row["size_bytes"],
                row["num_records"],
                least,
                greatest,
            )
        )
    return tuple(sorted(files, key=lambda file: file.name))


def _prefixed(row: Mapping[str, Any], prefix: str) -> dict[str, Value]:
    return {
        key.removeprefix(prefix): value
        for key, value in row.items()
        if value is not None and key.startswith(prefix)
    }
