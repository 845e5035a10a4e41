"""Cut what is new in bronze into batches that fit into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from lake.delta_log import Changes, LiveFile

# Rows: a batch of this size needs less than a gigabyte, and a larger one gains nothing.
BATCH_ROWS = 2_000_000
# Days: older rows are looked up between a batch's first and last day, so a batch of few
# rows must not span years.
BATCH_DAYS = 31


@dataclass
class Batch:
    """Files that are taken in by one transaction, by dataset.

    `whole_days` are days (`2024-01-01`) of which a dataset's files are all there.
    """

    files: dict[str, list[LiveFile]] = field(default_factory=dict)
    whole_days: dict[str, set[str]] = field(default_factory=dict)
    rows: int = 0

    def add(
        self, dataset: str, files: Iterable[LiveFile], whole: Iterable[str]
    ) -> None:
        """Put files, and the days of which they are all, into the batch."""
        taken = self.files.setdefault(dataset, [])
        for file in files:
            taken.append(file)
            self.rows += file.rows
        self.whole_days.setdefault(dataset, set()).update(whole)


def batches(
    changes: Mapping[str, Changes],
    taken: Mapping[str, set[str]],
    *,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[Batch]:
    """Yield what is new of some datasets, together day by day, oldest first.

    A day is never cut: a batch holds all that is new of it. Files that are `taken`
    already are left out, except on days that are to be taken whole.
    """
    by_day: dict[str, Batch] = {}
    for dataset, change in changes.items():
        known = taken.get(dataset, set())
        whole = set(change.whole_days)
        for file in change.files:
            if file.name in known and file.day not in whole:
                continue
            day = by_day.setdefault(file.day, Batch())
            day.add(dataset, [file], {file.day} & whole)
    batch, first = Batch(), date.min
    for name, day in sorted(by_day.items()):
        today = date.fromisoformat(name)
        full = batch.rows + day.rows > batch_rows
        if batch.rows and (full or (today - first).days >= BATCH_DAYS):
            yield batch
            batch = Batch()
        if not batch.files:
            first = today
        for dataset, files in day.files.items():
            batch.add(dataset, files, day.whole_days[dataset])
    if batch.files:
        yield batch
