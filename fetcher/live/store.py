"""Where rows wait until the lake's writer has taken them.

What a recorder adds is in the writer's hands a fraction of a second later, and durable
within a second. The thread that hands over may wait for the disk; nobody else does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from bronze import DATASETS
from fetcher.polymarket.typed_rows import fitting
from fetcher.run import Puts
from lake.batch import Batch
from lake.dataset import Dataset

log = logging.getLogger(__name__)

Row = tuple[Any, ...]
HAND_OVER_SECONDS = 0.1
MOST_SHOWN = 500  # characters of a row
MOST_ROWS = 50_000  # in one batch
MOST_WAITING = 500_000  # rows, until whoever reads the inbox waits


class Store:
    """Rows on their way to bronze; thread safe.

    `fold_seconds` says how often what has landed is folded into bronze.
    """

    def __init__(
        self,
        writer: Puts,
        *,
        fold_seconds: float,
        give_up: Callable[[BaseException], None],
        misfit: Callable[[str, str], None] = lambda dataset, what: None,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._writer = writer
        self._misfit = misfit
        self._most_waiting = most_waiting
        self._ended = False
        self._fold_seconds = fold_seconds
        self._give_up = give_up
        self._lock = threading.Lock()
        self._emptied = threading.Condition(self._lock)
        self._rows: dict[str, list[Row]] = {}
        self._waiting = 0
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._hand_over_often, name="capture-store"),
            threading.Thread(target=self._fold_often, name="capture-fold"),
        ]
        self.rows: dict[str, int] = {}

    def __enter__(self) -> Store:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def add(self, dataset: str, rows: Iterable[Row]) -> None:
        """Take rows of a dataset, in the order of its columns; returns at once."""
        added = list(rows)
        if not added:
            return
        with self._lock:
            self._rows.setdefault(dataset, []).extend(added)
            self._waiting += len(added)

    @property
    def waiting(self) -> int:
        """How many rows the writer has not taken over yet."""
        return self._waiting

    def wait_for_room(self) -> None:
        """Return once not too many rows wait: then the inbox fills, which has a bound.

        For whoever reads the inbox, never for the loop. After the end there is room.
        """
        with self._lock:
            self._emptied.wait_for(
                lambda: self._ended or self._waiting < self._most_waiting
            )

    def _hand_over_often(self) -> None:
        try:
            while not self._closing.wait(HAND_OVER_SECONDS):
                self._hand_over()
            self._hand_over()
        except BaseException as error:  # noqa: BLE001 - ends the capture
            self._give_up(error)
        finally:
            with self._lock:
                self._ended = True
                self._emptied.notify_all()

    def _hand_over(self) -> None:
        with self._lock:
            taken, self._rows = self._rows, {}
        # What is said of a stretch must not be durable before what was heard in it.
        last: dict[str, pa.Table] = {}
        for dataset, rows in taken.items():
            *earlier, rest = (
                self._table(DATASETS[dataset], rows[start : start + MOST_ROWS])
                for start in range(0, len(rows), MOST_ROWS)
            )
            for table in earlier:
                self._writer.put(Batch({dataset: table}))
            last[dataset] = rest
            self.rows[dataset] = self.rows.get(dataset, 0) + len(rows)
        if last:
            self._writer.put(Batch(last))
        with self._lock:
            self._waiting -= sum(map(len, taken.values()))
            self._emptied.notify_all()

    def _table(self, dataset: Dataset, rows: Sequence[Row]) -> pa.Table:
        """The rows as a table; those that no column can hold are told and left out."""
        table, rejected = fitting(rows, partial(table_of, dataset))
        for one in rejected:
            shown = str(rows[one.place])[:MOST_SHOWN]
            self._misfit(dataset.name, f"{one.reason}: {shown}")
        return table

    def _fold_often(self) -> None:
        due = time.monotonic() + self._fold_seconds
        while not self._closing.wait(max(0.0, due - time.monotonic())):
            try:
                self._writer.fold()
            except BaseException as error:  # noqa: BLE001 - ends the capture
                self._give_up(error)
                return
            due = time.monotonic() + self._fold_seconds


def table_of(dataset: Dataset, rows: Sequence[Row]) -> pa.Table:
    """The rows as an Arrow table of the dataset's schema."""
    if not rows:
        return dataset.schema.empty_table()
    columns = zip(*rows, strict=True)
    arrays = [
        pa.array(values, type=field.type)
        for values, field in zip(columns, dataset.schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=dataset.schema)
