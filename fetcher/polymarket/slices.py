"""Walk a whole listing in slices of start_date, side by side, and miss no row.

A keyset listing is one chain of cursors. To read it with several threads, the first
slice is the whole listing in order of start_date; whenever a thread has nothing to do,
the slice with most left is cut: its owner stops at the cut, and a new slice begins
there. So a small listing costs no extra request, and a large one is cut where its rows
are, however they are spread. Rows without a start_date, which no slice can show once a
cut was made, come last.

Each slice and its cursor are in the cursor file: a stopped pass goes on where it was.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from fetcher.jobs import Job
from fetcher.polymarket.gamma import (
    CursorRefused,
    Filter,
    FilterIgnored,
    Listing,
    Order,
    Page,
    closed,
    keyset_pages,
    row_time,
    started_between,
)
from fetcher.polymarket.listing_walk import ListingWalk
from fetcher.run import Run
from fetcher.saved import fits, restored
from lake.batch import Batch, CursorChange, Json

log = logging.getLogger(__name__)

_KEY = "startDate"
_READ = row_time(_KEY)
OLDEST_FIRST = Order(_KEY, _READ, ascending=True)
NEWEST_FIRST = Order(_KEY, _READ)
_PAGES_WORTH_A_CUT = 5
Kind = Literal["dated", "undated", "plain"]
OnIds = Callable[[dict[str, list[int]]], None]


@dataclass(eq=False)
class Slice:
    """A part of one listing, and how far it has been walked; what the cursor keeps.

    `dated` slices hold the rows that started in [low, high] (unix seconds; null: no
    bound, and without a low one undated rows too), `undated` the rows without a date,
    and `plain` is the listing without any order, for when dates cannot be asked for.
    """

    kind: Kind = "dated"
    low: int | None = None
    high: int | None = None
    cursor: str | None = None
    page_no: int = 0
    rows_served: int = 0
    started_at: float = 0.0
    reached: int | None = None
    refusals: int = 0


class SlicedListing:
    """One listing, open or closed rows of it, walked in slices for one pass."""

    def __init__(
        self,
        run: Run,
        listing: Listing,
        *,
        is_closed: bool,
        pass_id: str,
        on_ids: OnIds,
    ) -> None:
        self.name = self.part_name(listing, is_closed=is_closed)
        self._run = run
        self._listing = listing
        self._closed = is_closed
        self._pass_id = pass_id
        self._on_ids = on_ids
        self._changed = threading.Condition()
        self._waiting: list[tuple[Slice, ListingWalk]] = []
        self._active: list[Slice] = []
        self._density: dict[int, float] = {}  # rows a second where a slice is, by id()
        self._cut = False
        self._untrusted = False
        self._unfinished = 0

    @staticmethod
    def part_name(listing: Listing, *, is_closed: bool) -> str:
        """What a pass calls the open or the closed rows of a listing."""
        return f"{listing.name}/{'closed' if is_closed else 'open'}"

    def begin(self) -> CursorChange:
        """Plan the walk from its start; the caller makes the change durable."""
        one = Slice(started_at=self._run.clock())
        walk = self._walk(one)
        self._waiting.append((one, walk))
        return CursorChange({walk.walk_id: self._state(one)})

    def resume(self, walks: dict[str, Json]) -> None:
        """Go on with the slices that the cursor file names."""
        self._cut = True
        for walk_id, state in walks.items():
            one = restored(Slice, state["slice"])
            assert one is not None  # `is_readable` was asked before
            self._waiting.append((one, self._walk(one, walk_id)))

    def jobs(self) -> Iterator[Job]:
        """Yield the slices as jobs, cutting what is under way as threads come free.

        To be read by the pool that does them: it waits while none can be cut.
        """
        while True:
            with self._changed:
                work = self._next()
                while work is None and self._active and not self._run.stop.is_set():
                    self._changed.wait(0.2)
                    work = self._next()
                if work is None or self._run.stop.is_set():
                    return
                self._active.append(work[0])
            yield Job(self._described(work[0]), partial(self._work, *work))

    @property
    def was_cut(self) -> bool:
        """Whether rows without a date may have been left out."""
        return self._cut

    @property
    def is_complete(self) -> bool:
        """Whether every slice came to its end."""
        return not (self._waiting or self._active or self._unfinished)

    def plan(self, kind: Kind) -> None:
        """Add the slice of undated rows, or a plain walk of everything."""
        one = Slice(kind=kind, started_at=self._run.clock())
        walk = self._walk(one)
        self._save(one, walk)
        with self._changed:
            self._waiting.append((one, walk))

    def _next(self) -> tuple[Slice, ListingWalk] | None:
        if self._waiting:
            return self._waiting.pop()
        owner = max(self._active, key=self._pages_left, default=None)
        if owner is None or self._pages_left(owner) < _PAGES_WORTH_A_CUT:
            return None
        assert owner.reached is not None
        cut = (owner.reached + self._end_of(owner)) // 2
        new = Slice(low=cut, high=owner.high, started_at=self._run.clock())
        walk = self._walk(new)
        # The new slice is on its way to the disk before the owner's end moves: a
        # crash in between reads rows twice and loses none.
        self._save(new, walk)
        owner.high = cut
        self._cut = True
        return new, walk

    def _pages_left(self, one: Slice) -> float:
        """How much of a slice is left, by the density of its rows just read."""
        density = self._density.get(id(one))
        if density is None or one.reached is None:
            return 0.0
        return (self._end_of(one) - one.reached) * density / 100

    def _end_of(self, one: Slice) -> int:
        return int(self._run.clock()) if one.high is None else one.high

    def _work(self, one: Slice, walk: ListingWalk) -> None:
        finished = False
        try:
            finished = self._walk_pages(one, walk)
        finally:
            with self._changed:
                self._unfinished += not finished
                self._active.remove(one)
                self._density.pop(id(one), None)
                self._changed.notify_all()

    def _walk_pages(self, one: Slice, walk: ListingWalk) -> bool:
        try:
            for page in self._pages(one):
                if self._run.stop.is_set():
                    return False
                if self._take(one, walk, page):
                    break
            walk.end()
        except CursorRefused as error:
            if one.refusals:
                raise
            log.info("%s: %s; going on from its last row", self.name, error)
            self._again(one)
            walk.end("cursor_refused")
        except FilterIgnored as error:
            if one.kind == "plain":
                raise
            self._distrust(one, error)
            walk.end("filter_ignored")
        return True

    def _distrust(self, one: Slice, error: FilterIgnored) -> None:
        """Report that slices are not what they seem, and read the listing whole."""
        self._run.failed(self._listing.name, self._described(one), error)
        with self._changed:
            first, self._untrusted = not self._untrusted, True
        if first:
            self.plan("plain")

    def _take(self, one: Slice, walk: ListingWalk, page: Page) -> bool:
        """Hand the page on, and say whether the slice ends with it."""
        items = page.items
        times = [time for time in map(_READ, page.objects) if time is not None]
        done = page.next_cursor is None
        if one.kind == "undated":
            undated = [row for row in page.objects if _READ(row) is None]
            done = done or len(undated) < len(page.objects)
        with self._changed:
            if one.kind == "dated" and times:
                if not OLDEST_FIRST.honoured_by(page.objects):
                    raise FilterIgnored(
                        f"{page.answer.request}: the order by {_KEY} was ignored"
                    )
                done = done or (one.high is not None and times[-1] > one.high)
                self._density[id(one)] = _density(times, done)
                one.reached = times[-1]
            one.cursor = page.next_cursor
            one.page_no += 1
            one.rows_served += len(items)
            state = self._state(one)
            self._changed.notify_all()
        change = CursorChange({} if done else {walk.walk_id: state})
        ids = walk.take(page.answer, items, next_cursor=page.next_cursor, cursor=change)
        self._on_ids(ids)
        return done

    def _again(self, one: Slice) -> None:
        """Walk what is left of a slice whose cursor is refused, from its last row."""
        low = one.low if one.reached is None else one.reached
        new = Slice(
            kind=one.kind, low=low, high=one.high, started_at=self._run.clock(),
            refusals=one.refusals + 1,
        )  # fmt: skip
        self._cut = True
        walk = self._walk(new)
        self._save(new, walk)
        with self._changed:
            self._waiting.append((new, walk))

    def _pages(self, one: Slice) -> Iterator[Page]:
        filters: list[Filter] = [closed(self._closed)]
        order: Order | None = None
        if one.kind == "dated":
            order = OLDEST_FIRST
            if one.low is not None:
                # No upper bound: it may move, and the filter of a walk must not.
                filters.append(started_between(one.low, None))
        elif one.kind == "undated":
            order = NEWEST_FIRST  # where null sorts as the greatest it comes first
        return keyset_pages(
            self._run.gamma, self._listing, filters, order=order, cursor=one.cursor
        )

    def _walk(self, one: Slice, walk_id: str | None = None) -> ListingWalk:
        return ListingWalk(
            self._run,
            self._listing.name,
            {"closed": self._closed, "kind": one.kind, "low": one.low},
            key=self._pass_id,
            walk_id=walk_id,
            page_no=one.page_no,
            rows_served=one.rows_served,
            started_at=one.started_at,
        )

    def _save(self, one: Slice, walk: ListingWalk) -> None:
        change = CursorChange({walk.walk_id: self._state(one)})
        self._run.writer.put(Batch({}, cursor=change))

    def _state(self, one: Slice) -> Json:
        return {
            "dataset": self._listing.name,
            "strategy": "listing",
            "pass": self._pass_id,
            "part": self.name,
            "slice": asdict(one),
        }

    def _described(self, one: Slice) -> str:
        what = self.name if one.kind == "dated" else f"{self.name}, {one.kind}"
        if one.low is None:
            return what
        return f"{what}, started from {datetime.fromtimestamp(one.low, UTC)} on"


def _density(times: list[int], done: bool) -> float:
    """Rows a second where a slice is; none when it has come to its end."""
    return 0.0 if done else len(times) / max(times[-1] - times[0], 1)


def is_readable(state: Mapping[str, Any]) -> bool:
    """Whether what the cursor file holds of a walk is a slice of ours."""
    return isinstance(state.get("part"), str) and fits(Slice, state.get("slice"))


def part_of(walks: Mapping[str, Any], pass_id: str, name: str) -> dict[str, Json]:
    """The walks of one part of a pass, out of the cursor's."""
    return {
        walk_id: state
        for walk_id, state in walks.items()
        if isinstance(state, dict)
        and state.get("pass") == pass_id
        and state.get("part") == name
    }
