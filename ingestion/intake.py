"""Cut what is new in bronze into intakes that fit into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from lake.delta_log import Changes, LiveFile

# An intake of so many rows needs less than a gigabyte; a larger one gains nothing.
INTAKE_ROWS = 2_000_000
# Days. What is known is looked up between an intake's first day and its last, so where
# anything is known, an intake of few rows must not span years.
INTAKE_DAYS = 31


@dataclass
class Intake:
    """Files that are taken in by one transaction, by dataset.

    `whole_days` are days (`2024-01-01`) of which a dataset's files are all there.
    """

    files: dict[str, list[LiveFile]] = field(default_factory=dict)
    whole_days: dict[str, set[str]] = field(default_factory=dict)
    rows: int = 0

    def add(
        self, dataset: str, files: Iterable[LiveFile], whole: Iterable[str]
    ) -> None:
        """Put files, and the days of which they are all, into the intake."""
        taken = self.files.setdefault(dataset, [])
        for file in files:
            taken.append(file)
            self.rows += file.rows
        self.whole_days.setdefault(dataset, set()).update(whole)


def intakes(
    changes: Mapping[str, Changes],
    taken: Mapping[str, set[str]],
    *,
    intake_rows: int = INTAKE_ROWS,
    may_cut: bool = False,
) -> Iterator[Intake]:
    """Yield what is new of some datasets, together day by day, oldest first.

    A day is not cut, an intake holds all that is new of it, unless it may be. Files
    that are `taken` already are left out, except on days that are to be taken whole.
    """
    days = INTAKE_DAYS if any(taken.values()) else timedelta.max.days
    by_day: dict[str, Intake] = {}
    for dataset, change in changes.items():
        known = taken.get(dataset, set())
        whole = set(change.whole_days)
        for file in change.files:
            if file.name in known and file.day not in whole:
                continue
            day = by_day.setdefault(file.day, Intake())
            day.add(dataset, [file], {file.day} & whole)
    intake, first = Intake(), date.min
    pieces = (
        (name, piece)
        for name, day in sorted(by_day.items())
        for piece in (_by_file(day) if may_cut else [day])
    )
    for name, day in pieces:
        today = date.fromisoformat(name)
        full = intake.rows + day.rows > intake_rows
        if intake.rows and (full or (today - first).days >= days):
            yield intake
            intake = Intake()
        if not intake.files:
            first = today
        for dataset, files in day.files.items():
            intake.add(dataset, files, day.whole_days[dataset])
    if intake.files:
        yield intake


def _by_file(day: Intake) -> Iterator[Intake]:
    for dataset, files in day.files.items():
        for file in files:
            piece = Intake()
            piece.add(dataset, [file], day.whole_days[dataset])
            yield piece
