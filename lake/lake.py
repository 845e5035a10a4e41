"""A lake: bronze datasets below one folder, and all that keeps them in order."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl

from lake.compaction import Compacted, compact_day, days_to_compact
from lake.cursor import CursorFile, Landed
from lake.dataset import Dataset
from lake.delta_log import DeltaLog, Snapshot
from lake.expiry import Expired, expire, expired, rows_by_walk
from lake.fold import Fold, Folded, fold_lock, in_order
from lake.leftovers import remove_leftovers
from lake.live_files import Changes
from lake.locks import FileLock
from lake.storage import LocalStorage, Observe, StorageError
from lake.walk_state import WalkState
from lake.walks import WALKS
from lake.writer import Writer

logger = logging.getLogger(__name__)

GRACE_SECONDS = 3_600.0
LOG_SECONDS = 30 * 86_400.0
# A checkpoint costs as much as opening its log some ten entries later without it.
_CHECKPOINT_AFTER = 10
_STATE = "_state/walks.sqlite"


class Lake:
    """The datasets below `root`. Use `open` to write, `open_to_read` to only read."""

    def __init__(
        self,
        storage: LocalStorage,
        datasets: Mapping[str, Dataset],
        *,
        grace_seconds: float = GRACE_SECONDS,
        log_seconds: float = LOG_SECONDS,
    ) -> None:
        self.root = storage.root
        self.storage = storage
        self.datasets = datasets
        self._grace = grace_seconds
        # Which files were replaced within the grace is read from the log.
        self._log_seconds = max(log_seconds, 2 * grace_seconds)
        self._logs = {
            name: DeltaLog(storage, dataset) for name, dataset in datasets.items()
        }
        self._walk_state: WalkState | None = None
        self._aside: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def open(
        cls,
        root: Path,
        datasets: Mapping[str, Dataset],
        *,
        grace_seconds: float = GRACE_SECONDS,
        log_seconds: float = LOG_SECONDS,
        observe: Observe | None = None,
    ) -> Lake:
        """Open a lake to write, making its folder if need be.

        StorageError, which names the path and the cause, when nothing can be written.
        """
        storage = LocalStorage(root, observe=observe)
        _prove_writable(storage)
        return cls(
            storage, datasets, grace_seconds=grace_seconds, log_seconds=log_seconds
        )

    @classmethod
    def open_to_read(cls, root: Path, datasets: Mapping[str, Dataset]) -> Lake:
        """Open a lake that others write: its bronze and its folders stay as they are.

        What is remembered of its logs and walks is brought up to date where it may be.
        """
        return cls(LocalStorage(root), datasets)

    # Reading

    def log(self, name: str) -> DeltaLog:
        """Return the log of a dataset."""
        return self._logs[name]

    def files(self, name: str) -> list[Path]:
        """Return the files that hold a dataset's rows now, ordered by day.

        A file that is replaced meanwhile stays readable for the grace period.
        """
        return [
            self.storage.path(f"{name}/{file.name}")
            for file in self.snapshot(name).files
        ]

    def snapshot(self, name: str) -> Snapshot:
        """Return the newest version of a dataset: live files with their bounds."""
        return self._logs[name].snapshot()

    def version(self, name: str) -> int | None:
        """Return a dataset's version; null before its first commit."""
        return self.snapshot(name).version

    def changes(
        self, name: str, since: int | None, *, log_id: str | None = None
    ) -> Changes:
        """Return what a reader that knows version `since` must read now.

        Its files' names are relative to the dataset's folder: see `path_of`.
        """
        return self._logs[name].changes(since, log_id=log_id)

    def path_of(self, name: str, file: str) -> Path:
        """Return where a file lies that `snapshot` or `changes` named."""
        return self.storage.path(f"{name}/{file}")

    def expired(self, name: str) -> list[Expired]:
        """Return what retention has let go of a dataset, in its order."""
        return expired(self.storage, self._logs[name], name)

    def rows_expired(self, name: str) -> dict[str, int]:
        """Return how many rows of each walk retention has let go."""
        return rows_by_walk(self.storage, self.expired(name))

    def scan(self, name: str) -> pl.LazyFrame:
        """Return a dataset's live rows, `dt` included, as a polars frame to query."""
        files = self.files(name)
        if not files:
            empty = pl.from_arrow(self.datasets[name].schema.empty_table())
            assert isinstance(empty, pl.DataFrame)
            return empty.with_columns(pl.lit(None, pl.Date).alias("dt")).lazy()
        return pl.scan_parquet(
            files,
            hive_partitioning=True,
            missing_columns="insert",
            extra_columns="ignore",
        )

    def walk_state(self) -> WalkState:
        """Return what has been walked, as of the newest fold of `walks`.

        Whoever may only read the lake makes it anew, aside, until the lake is closed.
        """
        if self._walk_state is None:
            self._walk_state = WalkState(self._place_of_state())
        self._walk_state.catch_up(
            lambda version, log_id: self.changes(WALKS.name, version, log_id=log_id),
            lambda file: self.path_of(WALKS.name, file.name),
        )
        return self._walk_state

    def forget_walk_state(self) -> None:
        """Delete the walk state: what it was made from has changed behind it."""
        self.close()
        path = self.storage.path(_STATE)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    # Writing

    def writer(self, cursor: CursorFile, **options: Any) -> LakeWriter:
        """Return a writer for a `with` block: see `lake.writer.Writer`.

        After its last fold the lake is tidied. `options` are those of `Writer`.
        """
        return LakeWriter(
            self.storage,
            self.datasets,
            cursor,
            logs=self.log,
            hulls=self._hulls,
            lake=self,
            **options,
        )

    def tidy(self) -> None:
        """Do what is due after a run: checkpoints, replaced files, the walk state."""
        self.checkpoint()
        for name in self.datasets:
            self.remove_replaced(name)
        self.walk_state()

    def checkpoint(self) -> None:
        """Write the checkpoints that are due."""
        for name in self.datasets:
            self._checkpoint(name)

    def fold(self, landed: Landed) -> Iterator[Folded]:
        """Fold what a writer has landed, up to what its cursor speaks for."""
        for dataset in in_order(self.datasets.values()):
            fold = Fold(
                self.storage, dataset, landed.writer, logs=self.log, hulls=self._hulls
            )
            folded = fold.run(landed.files.get(dataset.name, 0))
            if folded is not None:
                yield folded

    def compact(self, names: Iterable[str] | None = None) -> Iterator[Compacted]:
        """Compact every day of these datasets (all) that has too many small files.

        Yields a report a day, as it is done. A day that another process compacts
        meanwhile is left to it. Files that were replaced earlier are removed first,
        for the room; `remove_replaced` removes those of now later.
        """
        for name in self.datasets if names is None else names:
            self.remove_replaced(name)
            dataset, log = self.datasets[name], self._logs[name]
            for day in days_to_compact(self.snapshot(name).files):
                with self.locked(name):
                    done = compact_day(self.storage, log, dataset, day)
                if done is not None:
                    yield done
            self._checkpoint(name)

    def expire(self, name: str, before: str) -> Expired | None:
        """Let go of all days of a dataset before that day (2024-01-01), for good.

        Null where there are none. Their files are removed after the grace.
        """
        with self.locked(name):
            done = expire(self.storage, self._logs[name], self.datasets[name], before)
        self._checkpoint(name)
        self.remove_replaced(name)
        return done

    def _checkpoint(self, name: str) -> None:
        self._logs[name].checkpoint(
            after=_CHECKPOINT_AFTER, keep_seconds=self._log_seconds
        )

    def remove_replaced(self, name: str, *, grace_seconds: float | None = None) -> int:
        """Remove files of `dt=` that are not live and have not been for the grace.

        Returns how many. Does nothing while another process changes the dataset.
        """
        lock = FileLock.attempt(fold_lock(self.storage, name))
        if lock is None:
            return 0
        grace = self._grace if grace_seconds is None else grace_seconds
        with lock:
            return remove_leftovers(
                self.storage, self._logs[name], name, before=time.time() - grace
            )

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock of whoever changes a dataset's files, waiting for it."""
        with FileLock.wait(fold_lock(self.storage, name)):
            yield

    def close(self) -> None:
        """Close the walk state."""
        if self._walk_state is not None:
            self._walk_state.close()
            self._walk_state = None
        if self._aside is not None:
            self._aside.cleanup()
            self._aside = None

    def __enter__(self) -> Lake:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _place_of_state(self) -> Path:
        kept = self.storage.path(_STATE)
        folder = kept.parent if kept.parent.exists() else self.root
        ours = [path for path in (folder, kept) if path.exists()]
        if all(os.access(path, os.R_OK | os.W_OK) for path in ours):
            return kept
        self._aside = tempfile.TemporaryDirectory(prefix="polylake-")
        return Path(self._aside.name) / kept.name

    def _hulls(self, dataset: str, names: pl.Series) -> pl.DataFrame:
        found = self.walk_state().hulls(dataset, names.to_list())
        return pl.DataFrame(
            [(name, *hull) for name, hull in found.items()],
            schema={"group": pl.String, "oldest": pl.Int64, "newest": pl.Int64},
            orient="row",
        )


class LakeWriter(Writer):
    """A writer that leaves the lake tidy."""

    def __init__(self, *args: Any, lake: Lake, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lake = lake

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        if error is None:
            self._lake.tidy()


def _prove_writable(storage: LocalStorage) -> None:
    """Raise StorageError unless a file can be made durable below the root."""
    try:
        storage.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"Cannot make the lake's folder {storage.root}: {error.strerror or error}."
            " Set [paths] lake to a folder that can be written."
        ) from error
    name = f"_state/.probe-{os.getpid()}"
    storage.write(name, b"")
    storage.remove([name])
