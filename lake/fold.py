"""Fold what one writer landed of one dataset into sorted Parquet files of bronze.

The order makes it safe to die anywhere: rows that wait for the next fold and the
fold's report are durable before the commit, landing files go after it, and each of
them carries the number that says whether it counts.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa

from lake.batch import Progress
from lake.checksum import named, unnamed
from lake.dataset import Dataset
from lake.delta_log import DeltaLog, Snapshot
from lake.encoding import encoded, joined, ranks
from lake.held import Held
from lake.judging import Hulls, Judging, hulls_of
from lake.landing import (
    LandingFolder,
    Report,
    count_rows,
    read_progress,
    read_rows,
    write_rows,
    writers,
)
from lake.live_files import NewFile, new_file
from lake.locks import FileLock
from lake.parquet import ParquetWriter, bounded_columns, slices
from lake.parts import Part, parts
from lake.storage import LocalStorage
from lake.waiting import Waiting
from lake.walks import WALKS

logger = logging.getLogger(__name__)

# A part's rows, at most, and about their bytes.
MOST_ROWS = 250_000
MOST_BYTES = 128 << 20
FILE_ROWS = 1_000_000
_SOURCES = 10  # so many readings make a part, at least
_FOLDING = "_folding"
_INTENT = "intent.json"
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Folded:
    """What one fold did, in rows; `carried` wait for the next one."""

    dataset: str
    number: int
    stored: int = 0
    confirmed: int = 0
    carried: int = 0
    files: int = 0


def fold_lock(storage: LocalStorage, dataset: str) -> Path:
    """The lock of whoever changes the dataset's files: a fold or a compaction."""
    return storage.path(f"_locks/fold-{dataset}.lock")


def in_order(datasets: Iterable[Dataset]) -> list[Dataset]:
    """Datasets in the order they must be folded: walks after what was walked."""
    return sorted(datasets, key=lambda d: (d.name == WALKS.name, not d.chain))


class Fold:
    """Folds of one dataset and writer; `logs` gives the log of any dataset."""

    def __init__(
        self,
        storage: LocalStorage,
        dataset: Dataset,
        writer: str,
        *,
        logs: Callable[[str], DeltaLog],
        hulls: Hulls,
        most_rows: int = MOST_ROWS,
        most_bytes: int = MOST_BYTES,
        file_rows: int = FILE_ROWS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage = storage
        self._dataset = dataset
        self._writer = writer
        self._logs = logs
        self._hulls = hulls
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._file_rows = file_rows
        self._clock = clock
        self._landing = LandingFolder(storage, dataset.name, writer)
        self._walks = LandingFolder(storage, WALKS.name, writer)
        self._scratch = f"{_FOLDING}/{dataset.name}"

    @property
    def dataset(self) -> str:
        """The name of the dataset."""
        return self._dataset.name

    def folded(self) -> int:
        """The number of the last landing file that has been folded; 0 for none."""
        snapshot = self._logs(self._dataset.name).snapshot()
        return snapshot.transaction_version(self._writer) or 0

    def run(self, upto: int) -> Folded | None:
        """Fold the landing files up to number `upto`; null if there is nothing to do.

        The next fold, by whoever, finishes one that died.
        """
        with FileLock.wait(fold_lock(self._storage, self._dataset.name)):
            snapshot = self._logs(self._dataset.name).snapshot()
            folded = snapshot.transaction_version(self._writer) or 0
            self._clean(snapshot, folded)
            numbers = [n for n in self._landing.numbers() if folded < n <= upto]
            reports = self._reports(snapshot)
            if not numbers and not reports:
                return None
            # what fetching has freed by now would come on top of what folding needs
            pa.default_memory_pool().release_unused()
            return self._fold(snapshot, folded, numbers, reports)

    def _fold(
        self, snapshot: Snapshot, folded: int, numbers: list[int], reports: list[Report]
    ) -> Folded:
        number = numbers[-1] if numbers else folded
        carry = [self._landing.carry(folded)] * (folded in self._landing.carries())
        names = [*carry, *(self._landing.file(n) for n in numbers)]
        spent = names + [report.name for report in reports]
        before, now = self._progress(carry), self._progress(names)
        waiting = Waiting(self._dataset, now)
        judging = None
        if self._dataset.chain is not None:
            held = Held(self._storage, self._dataset, snapshot.files)
            judging = Judging(
                self._dataset, held, self._known_hulls, before=before, now=now
            )
        files: list[NewFile] = []
        rows = stored = 0
        counts = {name: count_rows(self._storage, name) for name in spent}
        for part in parts(
            self._dataset,
            [
                partial(self._ready, waiting, some)
                for some in _together(counts, at_most=self._most_rows // _SOURCES)
            ],
            rows=sum(counts.values()),
            most=self._most_rows,
            most_bytes=self._most_bytes,
            scratch=self._storage.path(f"{self._scratch}/spill"),
        ):
            rows += part.rows.num_rows
            new = part if judging is None else judging.stored(part)
            stored += new.rows.num_rows
            files += self._write(new, number)
            del part, new  # or they stay while the next part is read
        if judging is not None:
            self._leave(number, waiting, judging)
        self._commit(files, number if numbers else None, reports)
        self._storage.remove(spent)
        return Folded(
            self._dataset.name,
            number,
            stored=stored,
            confirmed=rows - stored,
            carried=waiting.count,
            files=len(files),
        )

    def _known_hulls(self, dataset: str, names: pl.Series) -> pl.DataFrame:
        """The walk state's hulls, and those of reports that are not in it yet.

        Reports first: one that another run's fold of `walks` takes in meanwhile is in
        the walk state when that is asked.
        """
        reports = [
            report.name
            for writer in writers(self._storage, WALKS.name)
            for report in LandingFolder(self._storage, WALKS.name, writer).reports()
            if report.dataset == dataset
        ]
        new = [hulls_of(read_rows(self._storage, name, WALKS)) for name in reports]
        known = self._hulls(dataset, names)
        return (
            pl.concat(
                [
                    known,
                    *(
                        hull.join(names.to_frame("group"), on="group", how="semi")
                        for hull in new
                    ),
                ]
            )
            .group_by("group")
            .agg(pl.col("oldest").min(), pl.col("newest").max())
        )

    def _ready(
        self,
        waiting: Waiting,
        names: Sequence[str],
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Read the rows of landing files that need not wait."""
        wanted = None if columns is None else {*columns, *waiting.columns}
        tables = [
            waiting.without(
                name, read_rows(self._storage, name, self._dataset, columns=wanted)
            )
            for name in names
        ]
        return tables[0] if len(tables) == 1 else joined(tables)

    def _progress(self, names: list[str]) -> dict[str, Progress]:
        """The last record of each walk."""
        return {
            record.walk_id: record
            for name in names
            for record in read_progress(self._storage, name)
        }

    def _leave(self, number: int, waiting: Waiting, judging: Judging) -> None:
        """Make durable what the next folds need; it counts once this one does."""
        if waiting.walks:
            write_rows(
                self._storage,
                self._landing.carry(number),
                encoded(waiting.rows()),
                waiting.walks.values(),
            )
        report = judging.report(self._clock())
        if report.num_rows:
            self._walks.claim(self._landing.cursor())
            write_rows(
                self._storage,
                self._walks.report(self._dataset.name, number),
                encoded(report),
            )

    def _write(self, part: Part, number: int) -> Iterator[NewFile]:
        """Write a part's rows, sorted, one file a day (more if a day is large)."""
        order = _order(self._dataset, part)
        rows = part.rows.take(order["row"].to_arrow())
        runs = order.group_by("day", maintain_order=True).len()
        writer = ParquetWriter(self._storage, self._dataset, rows)
        for day, count in runs.iter_rows():
            folder = f"dt={_EPOCH + timedelta(days=day)}"
            for piece in slices(rows.slice(0, count), at_most=self._file_rows):
                name = f"{self._writer}-{number:06d}-{secrets.token_hex(6)}.parquet"
                aside = f"{self._scratch}/{name}"
                footer = writer.write(aside, piece)
                yield new_file(
                    f"{folder}/{named(name, self._storage.path(aside))}",
                    footer,
                    size=self._storage.size(aside),
                    columns=bounded_columns(self._dataset),
                )
            rows = rows.slice(count)

    def _commit(
        self, files: list[NewFile], number: int | None, reports: list[Report]
    ) -> None:
        """Make the files live, in their places, and the landing files spent."""
        intent = f"{self._scratch}/{_INTENT}"
        if files:
            self._storage.write(intent, json.dumps([f.name for f in files]).encode())
            self._storage.move(
                (
                    f"{self._scratch}/{unnamed(file.name.rpartition('/')[2])}",
                    f"{self._dataset.name}/{file.name}",
                )
                for file in files
            )
        transactions = [] if number is None else [(self._writer, number)]
        taken = {report.dataset: report.number for report in reports}
        transactions += [(f"{self._writer}:{name}", n) for name, n in taken.items()]
        self._logs(self._dataset.name).commit(files, transactions=transactions)
        self._storage.remove([intent])

    def _reports(self, snapshot: Snapshot) -> list[Report]:
        """The fold reports to take in, in order; of those that never came true, none.

        A report counts once the fold that it speaks of has been committed.
        """
        if self._dataset.name != WALKS.name:
            return []
        new = []
        for report in self._walks.reports():
            done = snapshot.transaction_version(f"{self._writer}:{report.dataset}") or 0
            of = self._logs(report.dataset).snapshot().transaction_version(self._writer)
            if report.number <= done:
                self._storage.remove([report.name])
            elif report.number <= (of or 0):
                new.append(report)
        return new

    def _clean(self, snapshot: Snapshot, folded: int) -> None:
        """Remove what a fold that died left behind, and what is folded."""
        intent = f"{self._scratch}/{_INTENT}"
        if self._storage.exists(intent):
            live = {file.name for file in snapshot.files}
            moved = json.loads(self._storage.read(intent))
            self._storage.remove(
                f"{self._dataset.name}/{name}" for name in moved if name not in live
            )
        shutil.rmtree(self._storage.path(self._scratch), ignore_errors=True)
        self._storage.remove(
            [
                *(
                    self._landing.file(n)
                    for n in self._landing.numbers()
                    if n <= folded
                ),
                *(
                    self._landing.carry(n)
                    for n in self._landing.carries()
                    if n != folded
                ),
                *(
                    report.name
                    for report in self._walks.reports()
                    if report.dataset == self._dataset.name and report.number > folded
                ),
            ]
        )


def _together(counts: Mapping[str, int], *, at_most: int) -> list[list[str]]:
    """Files to be read at once, in their order: many small ones, or a large one.

    What listens lands several files a second; reading each by itself costs more than
    its rows do.
    """
    together: list[list[str]] = []
    rows = 0
    for name, count in counts.items():
        if not together or rows + count > at_most:
            together.append([])
            rows = 0
        together[-1].append(name)
        rows += count
    return together


def _order(dataset: Dataset, part: Part) -> pl.DataFrame:
    """Return the row numbers of a part by day and then as its files are sorted."""
    keys = {
        f"key{place}": ranks(part.rows[name])
        for place, name in enumerate(dataset.sort_by)
    }
    frame = pl.DataFrame({"day": part.day, **keys}).with_row_index("row")
    return frame.sort("day", *keys, "row").select("row", "day")
