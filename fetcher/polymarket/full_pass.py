"""A pass over the whole catalogue: open markets, closed ones, and those in no list.

Both listings are walked side by side, since a market that one omits may be in the
other; open rows first, so that a row that is settled meanwhile is met as closed. What
was open before and was not met is asked for by id; what only the order book's list
names, or what only a gap in the ids hints at, is asked for one by one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from secrets import token_hex

from fetcher.polymarket import catalogue
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.clob_markets import fetch_clob_markets
from fetcher.polymarket.gamma import EVENTS, MARKETS, Listing
from fetcher.polymarket.holes import (
    events_without_row,
    missing_ids,
    not_absent,
    open_ids,
    unlisted_clob_markets,
)
from fetcher.polymarket.listing_walk import ListingWalk
from fetcher.polymarket.lookup import ask_each, ask_listing, bring_events, look_up
from fetcher.polymarket.news import chain_names, mark_of
from fetcher.polymarket.seen import Seen, recall
from fetcher.polymarket.slices import SlicedListing, is_readable, part_of
from fetcher.run import Run
from fetcher.saved import restored
from lake.batch import Batch, CursorChange, Json

log = logging.getLogger(__name__)

STATE = "full_pass"
GIVE_UP_AFTER = 86_400.0  # an unfinished pass older than this starts again
GAP_PROBES = (20, 240)  # missing ids asked for one by one: at least, at most a pass
GAP_AGE = 3_600  # ids younger than this may be about to appear
_WEEK = 7 * 86_400


@dataclass
class Pass:
    """How far a pass is; what the cursor keeps of it besides its slices."""

    id: str
    started_at: float
    listings: list[str]
    begun: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def state(self) -> Json:
        """The pass as the cursor file has it."""
        return {
            "id": self.id,
            "started_at": self.started_at,
            "listings": self.listings,
            "begun": list(self.begun),
            "done": list(self.done),
        }


def is_due(run: Run, listing: Listing) -> bool:
    """Whether this run must walk the listing in full: asked to, never done, or begun
    and not finished."""
    if listing.name in catalogue.of(run).walked_in_full:
        return False
    saved = run.cursor.values.get(STATE)
    begun = restored(Pass, saved)
    return (
        run.options.full
        or run.options.fresh
        or (saved is not None and (begun is None or listing.name in begun.listings))
        or any(mark_of(run, name) is None for name in chain_names(listing))
    )


def walk_in_full(run: Run, listings: Sequence[Listing]) -> None:
    """Walk the listings to their ends, and look for what they omit."""
    FullPass(run, listings).walk()


class FullPass:
    """One pass, begun by this run or by one that was stopped."""

    def __init__(self, run: Run, listings: Sequence[Listing]) -> None:
        self._run = run
        self._known = catalogue.of(run)
        self._lock = threading.Lock()
        self._seen = {"markets": Seen(), "events": Seen()}
        self._pass = self._resumed(listings) or self._new(listings)
        self._listings = [
            one for one in (MARKETS, EVENTS) if one.name in self._pass.listings
        ]

    def walk(self) -> None:
        """Do what is left of the pass."""
        sides: list[Callable[[], None]] = [
            partial(self._walk_listing, one) for one in self._listings
        ]
        if MARKETS in self._listings:
            sides.append(self._walk_clob)
        with ThreadPoolExecutor(len(sides), thread_name_prefix="pass") as pool:
            for side in [pool.submit(side) for side in sides]:
                side.result()
        parts = {self._part(one, c) for one in self._listings for c in (False, True)}
        if self._run.stop.is_set() or not parts <= set(self._pass.done):
            return
        self._look_for_the_rest()
        if not self._run.stop.is_set():
            self._finish()

    # The listings

    def _walk_listing(self, listing: Listing) -> None:
        for is_closed in (False, True):
            name = self._part(listing, is_closed)
            if name in self._pass.done or self._run.stop.is_set():
                continue
            sliced = SlicedListing(
                self._run,
                listing,
                is_closed=is_closed,
                pass_id=self._pass.id,
                on_ids=self._note,
            )
            if name in self._pass.begun:
                sliced.resume(part_of(self._run.cursor.walks, self._pass.id, name))
            else:
                self._save("begun", name, sliced.begin())
            self._run.jobs(listing.name, sliced.jobs())
            if sliced.was_cut and sliced.is_complete and not self._run.stop.is_set():
                sliced.plan("undated")
                self._run.jobs(listing.name, sliced.jobs())
            if self._run.stop.is_set() or not sliced.is_complete:
                return  # closed rows only after all open ones
            self._save("done", name)

    def _walk_clob(self) -> None:
        if self._run.stop.is_set() or "clob" in self._pass.done:
            return
        fetch_clob_markets(self._run, pass_id=self._pass.id)
        if not self._run.stop.is_set():
            self._save("done", "clob")

    def _note(self, ids: dict[str, list[int]]) -> None:
        for name, numbers in ids.items():
            self._seen[name].add(numbers)

    # What no listing shows

    def _look_for_the_rest(self) -> None:
        run, known = self._run, self._known
        unlisted: list[str] = []
        if MARKETS in self._listings:
            unlisted += self._vanished(MARKETS)
            clob = unlisted_clob_markets(known)
            unlisted += look_up(run, (c for c, _ in clob), (slug for _, slug in clob))
            unlisted += ask_each(run, MARKETS, self._gaps())
        if EVENTS in self._listings:
            self._vanished(EVENTS)
            bring_events(run, events_without_row(known, of_this_run=False))
        if unlisted:
            log.info("%d markets are in no listing of Gamma's", len(unlisted))
            walk = ListingWalk(run, "markets", {}, strategy="unlisted")
            walk.end(detail=str(sorted(map(int, unlisted))))

    def _vanished(self, listing: Listing) -> list[str]:
        """Ask for what was open before and was not met; return ids in no listing."""
        seen = self._seen[listing.name]
        ids = [str(i) for i in open_ids(self._known, listing.name) if i not in seen]
        found = ask_listing(self._run, listing, "id", ids)
        kind = "id" if listing is MARKETS else "event"
        keys = {f"{kind}:{i}": i for i in ids if i not in found}
        rest = not_absent(self._known, keys, asked_since=self._run.clock() - _WEEK)
        return ask_each(self._run, listing, [keys[key] for key in rest])

    def _gaps(self) -> list[str]:
        """Ids that no market has, the newest first, as many as one pass asks for."""
        born = self._known.rows(
            "select max(id) from (select id, created_at from main.markets union all "
            "select id, created_at from run.markets) where created_at < ?",
            (int(self._known.service_time(self._run.clock())) - GAP_AGE,),
            one=True,
        )[0]
        least, most = GAP_PROBES
        bound = min(most, least + self._known.counts()["markets"] // 100)
        gaps: list[str] = []
        for some in chunks(missing_ids(self._known, below=born or 0), 500):
            keys = not_absent(self._known, [f"id:{number}" for number in some])
            gaps += [key.removeprefix("id:") for key in keys]
            if len(gaps) >= bound:
                break
        return gaps[:bound]

    # The state of the pass

    def _part(self, listing: Listing, is_closed: bool) -> str:
        return SlicedListing.part_name(listing, is_closed=is_closed)

    def _resumed(self, listings: Sequence[Listing]) -> Pass | None:
        saved = self._run.cursor.values.get(STATE)
        found = restored(Pass, saved)
        if saved is None or self._run.options.fresh:
            return None
        if found is None or not self._is_readable(found):
            log.warning("The saved full pass is unreadable and starts over")
            return None
        if not {one.name for one in listings} <= set(found.listings):
            return None
        if self._run.clock() - found.started_at > GIVE_UP_AFTER:
            return None
        day = datetime.fromtimestamp(found.started_at, UTC).strftime("%Y-%m-%d")
        files = [
            file
            for file in self._run.lake.files("walks")
            if file.parent.name.removeprefix("dt=") >= day
        ]
        recall(files, found.id, self._seen)
        log.info("going on with the full pass of %s", day)
        return found

    def _is_readable(self, found: Pass) -> bool:
        """Whether all that is left of the pass is there to go on with.

        Where the cursor was not resumed, its walks are gone and the pass is not.
        """
        states = self._run.cursor.walks.values()
        return not self._run.cursor.problems and all(
            is_readable(state)
            for state in states
            if isinstance(state, dict)
            and state.get("pass") == found.id
            and state.get("dataset") in found.listings
        )

    def _new(self, listings: Sequence[Listing]) -> Pass:
        now = self._run.clock()
        new = Pass(f"p{int(now)}{token_hex(3)}", now, [one.name for one in listings])
        stale = {
            walk_id: None
            for walk_id, state in self._run.cursor.walks.items()
            if isinstance(state, dict) and "pass" in state
        }
        change = CursorChange(stale, {STATE: new.state()})
        self._run.writer.put(Batch({}, cursor=change))
        return new

    def _save(self, what: str, name: str, change: CursorChange | None = None) -> None:
        with self._lock:
            getattr(self._pass, what).append(name)
            walks = change.walks if change else {}
            values = {STATE: self._pass.state()}
            self._run.writer.put(Batch({}, cursor=CursorChange(walks, values)))

    def _finish(self) -> None:
        """Let later runs ask for news only, from the start of this pass on."""
        values: dict[str, Json | None] = {STATE: None}
        at = self._known.service_time(self._pass.started_at)
        for listing in self._listings:
            top = self._seen[listing.name].greatest
            for name in chain_names(listing):
                values[name] = {"at": at, "top": top}
            self._known.walked_in_full.add(listing.name)
        self._run.writer.put(Batch({}, cursor=CursorChange(values=values)))
