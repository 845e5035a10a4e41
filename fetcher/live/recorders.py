"""The recorders of a capture: what they share, and one loop for them all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from fetcher.errors import Stopped
from fetcher.live import RECORDERS
from fetcher.live.books import Books, Care
from fetcher.live.choosing import Series
from fetcher.live.chosen import Chosen
from fetcher.live.clock import SECOND_NS, ExchangeClock, Reception
from fetcher.live.crypto import FeedLine, feeds_of
from fetcher.live.failures import Failures
from fetcher.live.feeds import Feed, FeedRefused, Tick
from fetcher.live.health import Health, line
from fetcher.live.hosts import tell_unknown, urls_of
from fetcher.live.hot_books import HotBooks
from fetcher.live.hot_path import HotPath, PortTaken
from fetcher.live.inbox import Inbox
from fetcher.live.positions import Positions
from fetcher.live.presence import KEY as PRESENCE
from fetcher.live.presence import Presence
from fetcher.live.reading import Frame, Item, Reader
from fetcher.live.session import MEGABYTE, Wire
from fetcher.live.store import Store
from fetcher.live.updown import Updown
from fetcher.live.watch import Watch
from fetcher.run import Run
from settings.errors import UsageError

log = logging.getLogger(__name__)

ASKING_THREADS = 32
UNREACHABLE_SECONDS = 15.0  # until a host that could not be reached is asked again
STOP_SECONDS = 0.1  # between two looks at whether to stop
AGAIN_SECONDS = 5.0  # after a recorder broke
PRESENCE_SECONDS = 5.0
CLOCK_SECONDS = 60.0  # between two looks at the host's clock
LEAP_NS = SECOND_NS  # that is worth a word


@dataclass(frozen=True)
class Wanted:
    """What a capture was asked for."""

    only: tuple[str, ...] = RECORDERS
    markets: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()
    top: int | None = None
    timeout: float | None = None


class Recorders:
    """The recorders at work; all but the threads of reading and storing in one loop."""

    def __init__(self, run: Run, wanted: Wanted) -> None:
        settings = run.settings.capture
        self._run = run
        self._wanted = wanted
        self._settings = settings
        self._began = time.monotonic()
        self._clock = Reception()
        self._exchange = ExchangeClock()
        self._inbox: Inbox[Item] = Inbox(int(settings.memory_mb * MEGABYTE))
        self._hot = HotBooks()
        self._prices: dict[tuple[str, str], tuple[Tick, int]] = {}
        self._store = Store(
            run.writer,
            fold_seconds=60 * settings.fold_minutes,
            give_up=run.give_up,
            misfit=self._unstorable,
        )
        self._failures = Failures(run.run_id, self._store.add, self._clock.now)
        self._watch = Watch(
            run.clob,
            self._hot,
            self._failures,
            self._store.add,
            self._clock.now,
            run_id=run.run_id,
            behind=self._behind,
        )
        self._reader = Reader(
            self._inbox,
            self._hot,
            self._store.add,
            now=self._clock.now,
            malformed=self._malformed,
            resolved=self._resolved,
            give_up=run.give_up,
            wait_for_room=self._store.wait_for_room,
        )
        self._books = Books(
            self._wire(
                "books", run.settings.apis.clob_stream.url, "apis.clob_stream.url"
            ),
            Care(
                shard_tokens=settings.shard_tokens,
                connections=settings.connections,
                poll_after_failures=settings.poll_after_failures,
                silent=settings.silent_seconds,
                stale=settings.stale_seconds,
                resync=settings.resync_seconds,
                poll=settings.poll_seconds,
            ),
            self._clock,
            self._inbox,
            self._hot,
            self._failures,
            self._watch,
        )
        self._lines: list[FeedLine] = []
        self._chosen = Chosen(
            run,
            self._failures,
            self._listen,
            markets=wanted.markets,
            tokens=wanted.tokens,
            top=wanted.top,
            can_be_none=bool(wanted.series),
        )
        self._updown = Updown(
            run,
            wanted.series,
            self._exchange,
            self._failures,
            self._store.add,
            self._clock.now,
            ahead_seconds=60 * settings.discover_minutes,
            attempts=settings.resolve_attempts,
            listen=self._listen,
            leave=self._books.leave,
        )
        self._positions = Positions(
            run.data,
            self._failures,
            self._store.add,
            self._clock.now,
            self._active,
            run_id=run.run_id,
            every_seconds=settings.positions_seconds,
            wallets=settings.positions_wallets,
        )
        self._presence = Presence(
            run.writer, run.cursor.values.get(PRESENCE), self._clock.now
        )
        self._loop: asyncio.AbstractEventLoop | None = None

    def do(self) -> None:
        """Record until the run is to stop."""
        with self._store, self._reader:
            self._presence.take_up(self._failures)
            try:
                asyncio.run(self._main())
            except UsageError:
                self._presence.leave()  # it never was at work
                raise
            finally:
                self._failures.end_all("the capture ended")
        if self._run.fatal is None:
            self._presence.leave()

    def health(self) -> Health:
        """How it is now."""
        sessions = [one for shard in self._books.shards for one in shard.sessions]
        sessions += [one.session for one in self._lines]
        reader = self._reader
        return Health(
            seconds=time.monotonic() - self._began,
            messages=reader.messages,
            subscriptions=self._books.tokens,
            connections=sum(session.is_open for session in sessions),
            connections_wanted=len(sessions),
            waiting_bytes=self._inbox.waiting_bytes,
            deepest_bytes=self._inbox.deepest_bytes,
            waiting_rows=self._store.waiting,
            lag_seconds=self._behind(),
            rows=dict(self._store.rows),
            errors=dict(self._failures.counts),
            compared=self._watch.compared,
            differed=self._watch.differed,
            repeated=reader.repeated,
            ticks=self._ticks(),
            windows=dict(self._updown.counts) if self._wanted.series else {},
            polls=dict(self._positions.counts) if self._records("positions") else {},
            wrong=self._failures.wrong(),
        )

    def _behind(self) -> float:
        """Seconds that reading is behind, also where it stands."""
        oldest = self._inbox.oldest_ns
        waits = 0 if oldest is None else self._clock.now() - oldest
        return max(waits, self._reader.lag_ns) / SECOND_NS

    # In the loop

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        # One service that hangs must not keep the questions to the others waiting.
        asking = ThreadPoolExecutor(ASKING_THREADS, "capture-ask")
        self._loop.set_default_executor(asking)
        for api in (self._run.gamma, self._run.data, self._run.clob):
            api.unreachable_seconds = UNREACHABLE_SECONDS
        async with AsyncExitStack() as open_:
            hot: HotPath | None = None
            if self._settings.port:
                hot = HotPath(self._hot, self._clock, {})
                hot.answers.update(
                    health=lambda: {
                        **self.health().as_json(),
                        "latency_us": hot.latency_us() if hot else None,
                    },
                    prices=self._shown_prices,
                    updown=self._updown.shown,
                )
                try:
                    await open_.enter_async_context(hot.serving(self._settings.port))
                except PortTaken as error:
                    self._failures.once("hot_path", "no_port", str(error), missed=0)
            urls = urls_of(self._run.settings.apis, self._wanted.only)
            tasks = [asyncio.create_task(tell_unknown(urls))]
            tasks += [
                asyncio.create_task(self._supervised(name, work))
                for name, work in self._work()
            ]
            try:
                picks = self._records("books") or self._records("positions")
                # Whoever is slow to say what there is keeps nobody else waiting.
                if picks and not await self._chosen.look_up():
                    again = self._supervised("choosing", self._chosen.keep_trying)
                    tasks.append(asyncio.create_task(again))
                while not self._run.stop.is_set():
                    await asyncio.sleep(STOP_SECONDS)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self._books.end()

    def _work(self) -> Iterable[tuple[str, Callable[[], Awaitable[None]]]]:
        yield "health", self._tell_health
        yield "clock", self._watch_clock
        yield "presence", self._note_presence
        if self._records("books"):
            yield "books", self._books.run
        if self._records("updown") and self._wanted.series:
            yield "updown", self._updown.run
        if self._records("positions"):
            yield "positions", self._positions.run
        if self._records("crypto"):
            for feed, url in self._feeds():
                wire = self._wire(feed.service, url, feed.setting, feed)
                one = FeedLine(
                    feed,
                    wire,
                    self._clock,
                    self._failures,
                    self._store.add,
                    self._priced,
                )
                self._lines.append(one)
                yield feed.service, one.session.run

    async def _supervised(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Keep a recorder going: one that breaks does not take the others along."""
        while True:
            try:
                await work()
            except Stopped:
                return
            except (OSError, UsageError) as error:
                self._run.give_up(error)
                return
            except Exception as error:
                log.exception("the recorder %s broke, and is begun anew", name)
                self._failures.once(name, "crashed", f"{type(error).__name__}: {error}")
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self, tokens: Mapping[str, str]) -> None:
        if self._records("books"):
            await self._books.listen(tokens)

    def _active(self) -> set[str]:
        return self._chosen.markets | set(self._updown.active)

    async def _tell_health(self) -> None:
        before: Health | None = None
        while True:
            await asyncio.sleep(self._settings.health_seconds)
            now = self.health()
            log.info("%s", line(now, before))
            before = now

    async def _note_presence(self) -> None:
        while True:
            now = self.health()
            self._presence.note(now.messages / max(now.seconds, 1.0))
            await asyncio.sleep(PRESENCE_SECONDS)

    async def _watch_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            leap = self._clock.set_right()
            if abs(leap) > LEAP_NS:
                self._failures.once(
                    "clock",
                    "clock_leap",
                    f"this machine's clock was set by {leap / SECOND_NS:+.1f} s",
                    missed=0,
                )

    # Prices

    def _feeds(self) -> list[tuple[Feed, str]]:
        named = self._settings.assets.split(",")
        assets = [*named, *(one.asset for one in self._wanted.series)]
        try:
            return feeds_of(assets, self._run.settings.apis, os.environ)
        except FeedRefused as error:
            self._failures.once("polybolt", "no_credentials", str(error), missed=0)
            return feeds_of(assets, self._run.settings.apis, {})

    def _priced(self, tick: Tick, received_ns: int) -> None:
        self._prices[(tick.source, tick.symbol)] = (tick, received_ns)

    def _shown_prices(self) -> list[dict[str, Any]]:
        return [
            {
                "source": tick.source,
                "symbol": tick.symbol,
                "price": tick.price,
                "exchange_at_us": tick.exchange_at_us,
                "received_at_ns": received_ns,
            }
            for tick, received_ns in self._prices.values()
        ]

    def _ticks(self) -> dict[str, int]:
        ticks: dict[str, int] = {}
        for one in self._lines:
            ticks[one.feed.service] = ticks.get(one.feed.service, 0) + one.ticks
        return ticks

    # What the other threads say

    def _unstorable(self, dataset: str, what: str) -> None:
        self._failures.once(dataset, "unstorable", what, missed=1)

    def _malformed(self, frame: Frame) -> None:
        size = len(frame.payload)
        shown = frame.payload[:80].decode(errors="replace")
        self._failures.once(
            "books",
            "malformed",
            f"a frame of {size} bytes is no JSON: {shown}",
            missed=1,
        )

    def _resolved(self, condition_id: str) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closing
                self._loop.call_soon_threadsafe(
                    self._books.market_resolved, condition_id
                )

    def _records(self, recorder: str) -> bool:
        return recorder in self._wanted.only

    def _wire(
        self, service: str, url: str, setting: str, feed: Feed | None = None
    ) -> Wire:
        settings = self._settings
        return Wire(
            service=service,
            url=url,
            ping="PING" if feed is None else feed.ping,
            ping_seconds=10.0 if feed is None else feed.ping_seconds,
            dead_seconds=30.0 if feed is None else feed.dead_seconds,
            reconnect_min_seconds=settings.reconnect_min_seconds,
            reconnect_max_seconds=settings.reconnect_max_seconds,
            most_frame_mb=settings.max_frame_mb,
            user_agent=self._run.settings.http.user_agent,
            setting=setting,
        )
