"""How long it will take to fold what has landed and is not folded yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from lake.dataset import Dataset

# Most of a fold's time goes into its files, each of which is synced: seconds a file on
# a slow disk, and a byte as it lies in memory. What a fold really took corrects them.
FILE_SECONDS = 0.02
BYTE_SECONDS = 1 / 50e6
_DAY = 86_400
_WORTH_LEARNING_SECONDS = 0.2
_MOST_CORRECTION = 20.0


@dataclass
class _Waiting:
    """What one fold will have to do: a file for each day of each dataset."""

    days: set[tuple[str, object]] = field(default_factory=set)
    bytes: int = 0

    def seconds(self) -> float:
        return len(self.days) * FILE_SECONDS + self.bytes * BYTE_SECONDS


class Backlog:
    """What waits to be folded; thread safe."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = _Waiting()
        self._folding: tuple[float, _Waiting] | None = None
        self._correction = 1.0

    def add(
        self, rows: Mapping[str, pa.Table], datasets: Mapping[str, Dataset]
    ) -> None:
        """Take note of rows that were put."""
        days = {
            (name, day)
            for name, table in rows.items()
            for day in _days(table, datasets[name])
        }
        size = sum(table.nbytes for table in rows.values())
        with self._lock:
            self._waiting.days |= days
            self._waiting.bytes += size

    @contextmanager
    def folded(self) -> Iterator[None]:
        """Fold what waits in this block; its time tells how long others will take."""
        began = self._clock()
        with self._lock:
            work, self._waiting = self._waiting, _Waiting()
            self._folding = began, work
        try:
            yield
        finally:
            took, guess = self._clock() - began, work.seconds()
            with self._lock:
                self._folding = None
                if guess > _WORTH_LEARNING_SECONDS:
                    self._correction = min(took / guess, _MOST_CORRECTION)

    def seconds(self) -> float:
        """Return how long it will take from now to have folded all of it."""
        with self._lock:
            left = self._waiting.seconds() * self._correction
            if self._folding is not None:
                began, work = self._folding
                guess = work.seconds() * self._correction
                left += max(0.0, began + guess - self._clock())
            return left


def _days(rows: pa.Table, dataset: Dataset) -> list[object]:
    if not rows.num_rows:
        return []
    if not pa.types.is_integer(rows.schema.field(dataset.day_of).type):
        return ["of the fetch"]
    days: list[object] = pc.unique(pc.divide(rows[dataset.day_of], _DAY)).to_pylist()
    return days
