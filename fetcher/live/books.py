"""The recorder of order books: many tokens, sharded, watched, polled where deaf."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fetcher.live.clock import SECOND_NS, Reception
from fetcher.live.failures import Failures
from fetcher.live.hot_books import HotBooks
from fetcher.live.inbox import Inbox
from fetcher.live.reading import Item
from fetcher.live.session import Wire
from fetcher.live.shard import Ears, Shard
from fetcher.live.watch import Watch

log = logging.getLogger(__name__)

Work = Coroutine[Any, Any, None]

TICK_SECONDS = 1.0
ALIVE_SECONDS = 10.0
FIRST_BOOK_SECONDS = 10.0  # until a snapshot must have come
NEXT_BOOK_SECONDS = 60.0  # until one that still has not come is asked for again
COMPARE_SECONDS = 20.0  # that comparing a silent shard's books may take
RESOLVED_SECONDS = 60.0  # that a settled market is still listened to


@dataclass(frozen=True)
class Care:
    """How books are looked after; all in seconds but the first three."""

    shard_tokens: int
    connections: int
    poll_after_failures: int
    silent: float
    stale: float
    resync: float
    poll: float


class Books:
    """Listens to the books of tokens; made and used in the loop."""

    def __init__(
        self,
        wire: Wire,
        care: Care,
        clock: Reception,
        inbox: Inbox[Item],
        books: HotBooks,
        failures: Failures,
        watch: Watch,
    ) -> None:
        self._ears = Ears(
            wire, clock, inbox, books, failures, overflowed=self._overflowed
        )
        self._care = care
        self._watch = watch
        self._shards: list[Shard] = []
        self._of: dict[str, Shard] = {}
        self._begun: set[Shard] = set()
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._checking: dict[Shard, asyncio.Task[None]] = {}
        self._looked: dict[Shard, float] = {}  # when a resync or a poll was last begun
        self._since: dict[str, int] = {}  # when each token was first asked for
        self._resolved: dict[str, float] = {}
        self._is_full = False
        self._ended = False

    @property
    def shards(self) -> list[Shard]:
        """The shards, in the order they were made."""
        return list(self._shards)

    @property
    def tokens(self) -> int:
        """How many tokens are captured."""
        return len(self._of)

    async def listen(self, tokens: Mapping[str, str]) -> None:
        """Capture more tokens, given with their markets."""
        new = {t: market for t, market in tokens.items() if t not in self._of}
        if self._ended:
            return
        now = self._ears.clock.now()
        while new:
            shard = self._with_room()
            room = self._care.shard_tokens - len(shard.tokens)
            some = dict(list(new.items())[:room])
            new = {t: m for t, m in new.items() if t not in some}
            for token in some:
                self._of[token], self._since[token] = shard, now
            await shard.subscribe(some)
            if shard not in self._begun:  # one that was emptied still listens
                self._begun.add(shard)
                for session in shard.sessions:
                    self._start(session.run(), shard.name)

    async def leave(self, tokens: Iterable[str]) -> None:
        """Capture these no more."""
        by_shard: dict[Shard, list[str]] = {}
        for token in tokens:
            if token in self._of:
                by_shard.setdefault(self._of.pop(token), []).append(token)
                self._since.pop(token, None)
        for shard, some in by_shard.items():
            await shard.unsubscribe(some)
            self._watch.forget(some)

    def market_resolved(self, condition_id: str) -> None:
        """A market was settled: its books are left after a while."""
        loop = asyncio.get_running_loop()
        self._resolved.setdefault(condition_id.lower(), loop.time() + RESOLVED_SECONDS)

    async def run(self) -> None:
        """Look after all shards until cancelled."""
        loop = asyncio.get_running_loop()
        alive_at = loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            for task in [task for task in self._tasks if task.done()]:
                self._tasks.pop(task)
                task.result()  # a session never ends by itself: this raises
            if now >= alive_at:
                alive_at = now + ALIVE_SECONDS
                for shard in self._shards:
                    shard.alive()
                self._ears.books.keep_only(self._of)
            self._recover()
            await self._leave_resolved(now)
            for shard in list(self._shards):
                await asyncio.sleep(0)  # frames may come in between
                if shard.tokens:
                    self._give_up_silent(shard)
                if shard.tokens and shard not in self._checking:
                    self._look_after(shard, now)

    async def end(self) -> None:
        """Close everything, and say up to when all was heard."""
        self._ended = True
        for task in (*self._tasks, *self._checking.values()):
            task.cancel()
        await asyncio.gather(
            *self._tasks, *self._checking.values(), return_exceptions=True
        )
        for shard in self._shards:
            shard.break_off("stopped", state="ended")

    # What goes wrong

    def _look_after(self, shard: Shard, now: float) -> None:
        """Begin what is due for a shard: it goes on beside the others."""
        care, stretch = self._care, shard.stretch
        looked = self._looked.setdefault(shard, now)
        if stretch is None:
            if shard.failures >= care.poll_after_failures and now - looked >= care.poll:
                self._look(shard, self._poll(shard), now)
            return
        present = self._ears.clock.now()
        if present - stretch.well_at_ns > care.silent * SECOND_NS:
            if now - looked >= min(care.poll, care.silent):
                self._look(shard, self._break_silence(shard), now)
        elif now - looked >= care.resync:
            self._look(shard, self._resync(shard, list(shard.tokens), "resync"), now)
        else:
            quiet = self._quiet(shard, present, stretch.began_ns)
            if quiet:
                self._look(shard, self._resync(shard, quiet, "stale"), looked)

    def _look(self, shard: Shard, work: Work, now: float) -> None:
        self._looked[shard] = now
        task = asyncio.create_task(work)
        self._checking[shard] = task
        task.add_done_callback(lambda _: self._looked_at(shard, task))

    def _looked_at(self, shard: Shard, task: asyncio.Task[None]) -> None:
        self._checking.pop(shard, None)
        if not task.cancelled() and task.exception() is not None:
            self._tasks[task] = shard.name  # `run` raises it

    def _quiet(self, shard: Shard, present: int, began: int) -> list[str]:
        """Tokens that nobody has heard of for long, or whose first book is late."""
        stale = present - int(self._care.stale * SECOND_NS)
        first = present - int(FIRST_BOOK_SECONDS * SECOND_NS)
        again = present - int(NEXT_BOOK_SECONDS * SECOND_NS)
        quiet = []
        for token, heard, whole in self._ears.books.heard_at(shard.tokens):
            asked = self._watch.asked_at.get(token, 0)
            since = self._since.get(token, 0)
            waits = not whole and max(since, began) < first
            never = waits and (asked < began or asked < again)
            if never or max(heard, asked, since) < stale:
                quiet.append(token)
        return quiet

    async def _resync(self, shard: Shard, tokens: list[str], reason: str) -> None:
        await self._watch.look_at(shard, tokens, reason=reason)

    async def _break_silence(self, shard: Shard) -> None:
        """A shard is silent: because nothing happens, or because it is deaf?"""
        stretch, tokens = shard.stretch, list(shard.tokens)
        assert stretch is not None
        found = await self._watch.compare(tokens)
        if shard.stretch is not stretch:
            return
        silent_for = (self._ears.clock.now() - stretch.well_at_ns) / SECOND_NS
        if found is None:
            return
        if found.wrong and stretch.well_at_ns < found.asked_ns:
            for token, why in found.wrong.items():
                one = found.served[token]
                self._watch.keep(one, reason="stale", difference=why)
            shard.close_all(
                "silent",
                f"nothing was heard for {silent_for:.0f} s while {len(found.wrong)} "
                "books moved",
            )
            return
        if not found.unknown:
            stretch.well_at_ns = max(stretch.well_at_ns, found.asked_ns)

    def _give_up_silent(self, shard: Shard) -> None:
        """What is silent for long is closed, whether or not anybody can be asked."""
        if shard.stretch is None:
            return
        silent_for = (self._ears.clock.now() - shard.stretch.well_at_ns) / SECOND_NS
        if silent_for > 3 * self._care.silent + COMPARE_SECONDS:
            why = f"nothing was heard for {silent_for:.0f} s, and no answer proves it"
            shard.close_all("silent", why)

    async def _poll(self, shard: Shard) -> None:
        """Ask for the books of a shard that cannot be listened to."""
        served = await self._watch.ask(shard.tokens)
        if served is None or shard.stretch is not None:
            return
        for one in served.values():
            self._watch.keep(one, reason="poll")
            self._ears.books.follow(one.rows)
        self._ears.books.spoil(served)  # it is of a moment, and moves on unheard

    def _overflowed(self) -> None:
        if not self._is_full:
            self._is_full = True
            for shard in self._shards:
                shard.break_off("dropped")
                shard.close_all("dropped", "the memory for what was heard is full")

    def _recover(self) -> None:
        """Begin anew once there is room again, and say what was let go."""
        if not self._is_full:
            return
        lost = self._ears.inbox.recovered()
        if lost is None:
            return
        self._is_full = False
        error = self._ears.failures.begin(
            "disk",
            "disk_behind",
            f"{lost.frames} frames ({lost.bytes / 1e6:.1f} MB) were let go: reading "
            "and storing fell behind for so long that [capture] memory_mb was full",
            since_ns=lost.since_ns,
            missed=lost.frames,
        )
        self._ears.failures.end(error)
        for shard in self._shards:  # their snapshots may be among what was let go
            shard.break_off("dropped")
            shard.close_all("dropped", "listening begins anew after a full memory")

    async def _leave_resolved(self, now: float) -> None:
        due = {market for market, at in self._resolved.items() if at <= now}
        if due:
            for market in due:
                del self._resolved[market]
            await self.leave(
                [
                    token
                    for shard in self._shards
                    for token, market in shard.tokens.items()
                    if market.lower() in due
                ]
            )

    # Shards

    def _with_room(self) -> Shard:
        for shard in self._shards:
            if len(shard.tokens) < self._care.shard_tokens:
                return shard
        number = len(self._shards)
        shard = Shard(number, self._ears, connections=self._care.connections)
        self._shards.append(shard)
        return shard

    def _start(self, work: Work, name: str) -> None:
        self._tasks[asyncio.create_task(work)] = name
