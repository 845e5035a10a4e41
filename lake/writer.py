"""Take batches from many threads; make them durable: landing, cursor, then bronze."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType

from lake.backlog import Backlog
from lake.batch import Batch
from lake.buffer import Buffer, check
from lake.cursor import CursorFile, Landed
from lake.dataset import Dataset
from lake.delta_log import DeltaLog
from lake.fold import Fold, Folded, in_order
from lake.judging import Hulls
from lake.landing import LandingFolder
from lake.recovery import Resumed, resume
from lake.storage import LocalStorage, StorageError
from settings.errors import PolylakeError

logger = logging.getLogger(__name__)

BUFFER_BYTES = 16 * 1024 * 1024
LINGER_SECONDS = 1.0


@dataclass(frozen=True)
class DatasetStats:
    """What one run did to one dataset so far."""

    rows_new: int = 0
    rows_confirmed: int = 0
    files: int = 0


class Writer:
    """Makes batches durable in the background, and folds them into bronze.

    A context manager: it resumes what the cursor's last run left, and at its end
    folds all that landed. `put` returns at once; it waits only while one buffer is
    being written and the other one is full. After an error nothing more is written,
    and every call raises it; what is durable stays so. If the block raises, what was
    put becomes durable, and the next run folds it.

    `folding` does the folds in place of this process, but for the last ones. What an
    earlier run landed is then folded while this one goes on, not before.
    """

    def __init__(
        self,
        storage: LocalStorage,
        datasets: Mapping[str, Dataset],
        cursor: CursorFile,
        *,
        logs: Callable[[str], DeltaLog],
        hulls: Hulls,
        buffer_bytes: int = BUFFER_BYTES,
        linger_seconds: float = LINGER_SECONDS,
        landing_max_bytes: int = 4 << 30,
        folding: Callable[[Landed], Iterable[Folded]] | None = None,
    ) -> None:
        self._storage = storage
        self._datasets = datasets
        self._cursor = cursor
        self._logs = logs
        self._hulls = hulls
        self._buffer_bytes = buffer_bytes
        self._linger = linger_seconds
        self._landing_max = landing_max_bytes
        self._folding = folding
        self._state = threading.Condition()
        self._buffer = Buffer()
        self._put = 0
        self._durable = 0
        self._wanted = 0
        self._closing = False
        self._error: BaseException | None = None
        self._landed_bytes = 0
        self._backlog = Backlog()
        self._folded: list[Folded] = []
        self._fold_lock = threading.Lock()
        self._resumed: Resumed | None = None
        self._threads: list[threading.Thread] = []

    # For the threads that fetch

    def put(self, batch: Batch) -> None:
        """Take over a batch; it becomes durable soon, whole, after those put before.

        ValueError when its rows do not fit the dataset: nothing of it is taken.
        """
        for name, rows in batch.rows.items():
            check(self._datasets[name], rows, batch)
        self._backlog.add(batch.rows, self._datasets)
        with self._state:
            self._state.wait_for(
                lambda: (
                    self._error is not None or self._buffer.bytes < self._buffer_bytes
                )
            )
            self._raise_error()
            if self._closing or self._resumed is None:
                raise RuntimeError("put outside of the writer's with block")
            is_first = not self._buffer.batches
            if is_first:
                self._buffer.since = time.monotonic()
            self._buffer.add(batch)
            self._put += 1
            # in between there is nothing new for those who wait
            if is_first or self._buffer.bytes >= self._buffer_bytes:
                self._state.notify_all()

    def flush(self) -> None:
        """Return once all that was put before is durable."""
        with self._state:
            mark = self._put
            self._wanted = max(self._wanted, mark)
            self._state.notify_all()
            self._state.wait_for(
                lambda: self._error is not None or self._durable >= mark
            )
            self._raise_error()

    def fold(self) -> None:
        """Make all that was put before durable, and move it into bronze."""
        self.flush()
        self._fold_landed()

    def seconds_to_fold(self) -> float:
        """Return about how long it will take to fold all that was put so far."""
        return self._backlog.seconds()

    def stats(self) -> dict[str, DatasetStats]:
        """What this writer's folds stored and found stored already, by dataset."""
        with self._state:
            folded = list(self._folded)
        stats: dict[str, DatasetStats] = {}
        for one in folded:
            so_far = stats.get(one.dataset, DatasetStats())
            stats[one.dataset] = DatasetStats(
                so_far.rows_new + one.stored,
                so_far.rows_confirmed + one.confirmed,
                so_far.files + one.files,
            )
        return stats

    # Its life

    def __enter__(self) -> Writer:
        self._resumed = resume(self._storage, self._datasets, self._cursor, self._folds)
        try:
            self._folded += self._resumed.folded
            if self._folding is None:
                self._fold_landed()
            elif self._has_landed():
                self._landed_bytes = self._landing_max
            for name, work in (
                ("land", self._land_forever),
                ("fold", self._fold_often),
            ):
                thread = threading.Thread(target=work, name=f"polylake-{name}")
                thread.start()
                self._threads.append(thread)
        except BaseException:
            self._resumed.lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._resumed is not None
        try:
            with self._state:
                self._closing = True
                self._state.notify_all()
            for thread in self._threads:
                thread.join()
            if error is None:
                with self._state:
                    self._raise_error()
                self._fold_landed()
            elif self._error is not None and self._error is not error.__cause__:
                logger.error("Not all that was fetched is stored: %s", self._error)
        finally:
            self._resumed.lock.release()

    # The thread that lands

    def _land_forever(self) -> None:
        while True:
            with self._state:
                while not self._due():
                    self._state.wait(self._patience())
                if not self._buffer.batches or self._error is not None:
                    return
                buffer, self._buffer = self._buffer, Buffer()
                self._state.notify_all()
            try:
                written = self._land(buffer)
            except BaseException as error:  # noqa: BLE001 - raised in the next put
                self._fail(error)
                return
            with self._state:
                self._durable += buffer.batches
                self._landed_bytes += written
                self._state.notify_all()

    def _due(self) -> bool:
        if self._closing or self._error is not None:
            return True
        return bool(self._buffer.batches) and (
            self._wanted > self._durable
            or self._buffer.bytes >= self._buffer_bytes
            or time.monotonic() - self._buffer.since >= self._linger
        )

    def _patience(self) -> float | None:
        if not self._buffer.batches:
            return None
        return max(0.0, self._buffer.since + self._linger - time.monotonic())

    def _land(self, buffer: Buffer) -> int:
        """Make a buffer durable: its files, and only then the cursor."""
        landed = self._cursor.landed
        assert landed is not None
        numbers = dict(landed.files)
        written = 0
        for name in dict.fromkeys([*buffer.rows, *buffer.progress]):
            dataset = self._datasets[name]
            numbers[name] = numbers.get(name, 0) + 1
            folder = LandingFolder(self._storage, name, landed.writer)
            folder.claim(self._cursor.path)
            written += folder.write(
                numbers[name],
                buffer.rows.get(name) or [dataset.schema.empty_table()],
                buffer.progress.get(name, ()),
            )
        self._cursor.save(buffer.changes, Landed(landed.writer, numbers))
        return written

    # The thread that folds

    def _fold_often(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(
                    lambda: (
                        self._closing
                        or self._error is not None
                        or self._landed_bytes >= self._landing_max
                    )
                )
                if self._closing or self._error is not None:
                    return
            try:
                self._fold_landed()
            except BaseException as error:  # noqa: BLE001 - raised in the next put
                self._fail(error)
                return

    def _fold_landed(self) -> None:
        """Fold all that counts, what was walked before what says so."""
        with self._fold_lock:
            with self._state:
                self._landed_bytes = 0
                landed = self._cursor.landed
            assert landed is not None
            elsewhere = None if self._closing else self._folding
            with self._backlog.folded():
                for folded in (elsewhere or self._fold_here)(landed):
                    with self._state:
                        self._folded.append(folded)

    def _has_landed(self) -> bool:
        assert self._resumed is not None
        writer = self._resumed.writer
        return any(
            LandingFolder(self._storage, name, writer).numbers()
            for name in self._datasets
        )

    def _fold_here(self, landed: Landed) -> Iterable[Folded]:
        for fold in self._folds(landed.writer):
            folded = fold.run(landed.files.get(fold.dataset, 0))
            if folded is not None:
                yield folded

    def _folds(self, writer: str) -> list[Fold]:
        """The folds of one writer, in the order they must be run."""
        return [
            Fold(self._storage, dataset, writer, logs=self._logs, hulls=self._hulls)
            for dataset in in_order(self._datasets.values())
        ]

    # Errors

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, OSError):
            path = error.filename or self._storage.root
            error = StorageError(f"Cannot write {path}: {error.strerror or error}.")
        with self._state:
            self._error = self._error or error
            self._state.notify_all()

    def _raise_error(self) -> None:
        if isinstance(self._error, PolylakeError):
            raise type(self._error)(str(self._error)) from self._error
        if self._error is not None:
            raise RuntimeError("the lake's writer stopped") from self._error
