"""What the feed of all trades covers: a pure account of intervals, joins and gaps.

The feed is one chain of pages from now back to at most two months ago. A run begins a
new chain at the top and walks down to what is covered already; a run that dies on the
way leaves an *interval*, and the next one walks from the top down to that interval
before it goes on with the old chain. Only when nothing is open any more does the
watermark move. All times are unix seconds of the exchange's clock.

Nothing here asks or stores anything: see feed_walk.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

DAY = 86_400


@dataclass(frozen=True)
class Interval:
    """Every row of the seconds above `reached`, up to `top`, is stored.

    Of the second `reached` itself more may follow. The chain `walk_id` goes on until
    a row below `floor` is seen, for then the whole second of `floor` has passed.
    Without a walk_id no chain can go on, and what lies between is a *gap*.
    """

    top: int
    reached: int
    floor: int
    walk_id: str | None


@dataclass(frozen=True)
class Feed:
    """All of `covered_from` to `watermark` is stored, and the intervals above it.

    `intervals` are newest first; each one's floor lies in the next one, that of the
    last in the covered stretch. Only the last one can be a gap. `first_page` remembers
    the trace id of the last first page, and the top that it stood for.
    """

    covered_from: int
    watermark: int
    intervals: tuple[Interval, ...] = ()
    first_page: tuple[str, int] | None = None

    @property
    def gap(self) -> Interval | None:
        """The gap, if there is one."""
        if self.intervals and self.intervals[-1].walk_id is None:
            return self.intervals[-1]
        return None

    def next_floor(self, overlap: int) -> int:
        """How far down a new chain must go: into what is covered, by `overlap`."""
        top = self.intervals[0].top if self.intervals else self.watermark
        return top - overlap

    # What can happen

    def opened(self, walk_id: str, *, top: int, floor: int, reached: int) -> Feed:
        """A new chain has brought its first page, down to `reached`."""
        new = Interval(top, reached, floor, walk_id)
        return replace(self, intervals=(new, *self.intervals))._settled()

    def passed(self, walk_id: str, reached: int) -> Feed:
        """The newest chain has come down to `reached`."""
        newest = self._newest(walk_id)
        lower = replace(newest, reached=min(reached, newest.reached))
        return replace(self, intervals=(lower, *self.intervals[1:]))._settled()

    def ended(self, walk_id: str, *, horizon: int) -> Feed:
        """The service has no more rows; it serves everything since `horizon`."""
        newest = self._newest(walk_id)
        if horizon <= newest.floor:
            return self._joined()
        return self._with_gap(replace(newest, reached=min(newest.reached, horizon - 1)))

    def refused(self, walk_id: str) -> Feed:
        """The newest chain cannot go on: what it covered must be walked anew."""
        self._newest(walk_id)
        return replace(self, intervals=self.intervals[1:])

    def given_up(self, walk_id: str) -> Feed:
        """The newest chain does not go on; below it the markets are walked instead."""
        return self._with_gap(self._newest(walk_id))

    def gap_closed(self) -> Feed:
        """Every market that may have traded in the gap has been walked since."""
        gap = self.gap
        assert gap is not None
        return replace(
            self,
            watermark=max(self.watermark, gap.top),
            intervals=self.intervals[:-1],
        )

    # How it is kept in the cursor file

    def saved(self) -> dict[str, Any]:
        """The account as JSON."""
        return {
            "covered_from": self.covered_from,
            "watermark": self.watermark,
            "intervals": [
                {
                    "top": one.top,
                    "reached": one.reached,
                    "floor": one.floor,
                    "walk_id": one.walk_id,
                }
                for one in self.intervals
            ],
            "first_page": list(self.first_page) if self.first_page else None,
        }

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Feed:
        """The account that was saved."""
        first = saved.get("first_page")
        return cls(
            covered_from=saved["covered_from"],
            watermark=saved["watermark"],
            intervals=tuple(Interval(**one) for one in saved["intervals"]),
            first_page=(first[0], first[1]) if first else None,
        )

    # Inner steps

    def _newest(self, walk_id: str) -> Interval:
        newest = self.intervals[0]
        if newest.walk_id != walk_id:
            raise ValueError(f"{walk_id} is not the newest chain, {newest} is")
        return newest

    def _settled(self) -> Feed:
        newest = self.intervals[0]
        return self._joined() if newest.reached < newest.floor else self

    def _joined(self) -> Feed:
        """The newest interval has reached what lies below it: they are one now."""
        newest, *below = self.intervals
        if not below:
            return replace(
                self, watermark=max(self.watermark, newest.top), intervals=()
            )
        one = replace(below[0], top=max(newest.top, below[0].top))
        return replace(self, intervals=(one, *below[1:]))

    def _with_gap(self, newest: Interval) -> Feed:
        """Everything from `newest` down to what is covered becomes one gap.

        What older intervals had is not counted any more: their chains end, and the
        markets are walked whole.
        """
        gap = replace(newest, floor=self.intervals[-1].floor, walk_id=None)
        return replace(self, intervals=(gap,))


def feed_key(dataset: str) -> str:
    """Where the cursor file keeps the account of a dataset's feed."""
    return "feed" if dataset == "trades" else "taker_feed"


def horizon_of(now: float) -> int:
    """The oldest second that the feed serves for sure at `now`.

    It serves the current and the previous calendar month; a day is left for the
    service's idea of when a month begins.
    """
    today = datetime.fromtimestamp(now, UTC)
    month = today.year * 12 + today.month - 2
    first = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return int(first.timestamp()) + DAY
