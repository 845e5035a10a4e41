"""How much a day adds to the lake, and how long its disk lasts at that pace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from lake.live_files import LiveFile

LOOK_BACK_DAYS = 7
_AT_LEAST = 1_000.0  # bytes a day; slower than that, a disk lasts for ever


@dataclass(frozen=True)
class Growth:
    """What a day adds, in bytes, of `lake` and of the warehouse beside it on its disk.

    Either is null where nothing tells it yet.
    """

    lake: float | None
    warehouse: float | None

    @property
    def bytes_a_day(self) -> float:
        """Both together."""
        return (self.lake or 0.0) + (self.warehouse or 0.0)

    def days_to_fill(self, free_bytes: int) -> int | None:
        """Days until so many bytes are used up; null where it cannot be told."""
        if self.lake is None or self.bytes_a_day < _AT_LEAST:
            return None
        return int(free_bytes / self.bytes_a_day)


def bytes_a_day(files: Iterable[LiveFile], today: date) -> float | None:
    """The mean over the last days that are over, as many as there are up to a week.

    A day is the `dt` of the rows: events of a backfill count on their own days. Null
    where no day before today has a row.
    """
    sizes: dict[date, int] = {}
    for file in files:
        day = date.fromisoformat(file.day)
        if day < today:
            sizes[day] = sizes.get(day, 0) + file.size
    if not sizes:
        return None
    days = min(LOOK_BACK_DAYS, (today - min(sizes)).days)
    first = today - timedelta(days)
    return sum(size for day, size in sizes.items() if day >= first) / days


def growth(
    a_day: Iterable[float | None], *, lake_bytes: int, warehouse_bytes: int
) -> Growth:
    """Add up the datasets; the warehouse grows as the lake does, by its share of it."""
    known = [one for one in a_day if one is not None]
    if not known or not lake_bytes:
        return Growth(None, None)
    lake = sum(known)
    share = warehouse_bytes / lake_bytes
    return Growth(lake, lake * share if warehouse_bytes else None)
