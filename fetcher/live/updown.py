"""The recorder of up/down markets: found ahead of their windows, followed to the end.

Windows are told by the exchange's clock. A market is found by the slug that its window
gives; nothing else finds it in time. Its strike appears seconds after it begins, its
outcome seconds to hours after its end: it is asked for again and again, after waits
that double, and given up after so many attempts, which is recorded.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from fetcher.errors import FetchError, Stopped, UnexpectedPayload
from fetcher.live.choosing import Series
from fetcher.live.clock import ExchangeClock
from fetcher.live.failures import Failures
from fetcher.live.store import Row
from fetcher.live.windows import (
    FIRST_ATTEMPT_SECONDS,
    Window,
    learn,
    saved_of,
    wait_after,
)
from fetcher.polymarket.gamma import EVENTS, Item, one_object
from fetcher.polymarket.listing_walk import ListingWalk
from fetcher.run import Run
from lake.batch import Batch, CursorChange

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
MOST_SECONDS = 1e11  # of a time in seconds; one in milliseconds has more
CLOCK_SECONDS = 1.0  # between two questions for the exchange's time
WRONG_CLOCK_SECONDS = 30.0
LEAP_SECONDS = 3_600.0  # of the exchange's clock that one answer alone does not prove
LEAP_ANSWERS = 3  # that must agree until a leap of the exchange's clock is believed
STRIKE_SECONDS = 5.0  # after the start, and between two questions for it
BACK_SECONDS = 86_400  # that windows are looked for which nobody followed
SEARCH_SECONDS = 60.0  # between two searches for a market that is not there yet
SERVICE = "updown"


class Updown:
    """Finds and follows the markets of some series; runs in the loop.

    `listen` is told of tokens to capture with their markets, `active` of markets whose
    wallets are to be followed, `leave` of tokens that are no longer of interest.
    """

    def __init__(
        self,
        run: Run,
        series: Sequence[Series],
        clock: ExchangeClock,
        failures: Failures,
        add: Callable[[str, Iterable[Row]], None],
        now: Callable[[], int],
        *,
        ahead_seconds: float,
        attempts: int,
        listen: Callable[[Mapping[str, str]], Awaitable[None]],
        leave: Callable[[Iterable[str]], Awaitable[None]],
    ) -> None:
        self._run = run
        self._series = list(series)
        self._clock = clock
        self._failures = failures
        self._add = add
        self._now = now
        self._ahead = ahead_seconds
        self._attempts = attempts
        self._listen = listen
        self._leave = leave
        self._windows: dict[str, Window] = {}
        self._saved = saved_of(run.cursor.values.get(SERVICE))
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._rows = 0
        self._is_off = False
        self._unfound: set[str] = set()
        self._leaps: list[float] = []
        self.counts = {"discovered": 0, "resolved": 0, "failed": 0}

    @property
    def active(self) -> list[str]:
        """The markets whose windows have begun and are not over, and the next ones."""
        now = self._clock.now()
        return [
            window.condition_id
            for window in self._windows.values()
            if window.condition_id is not None
            and window.start - window.series.seconds <= now < window.end
        ]

    def shown(self) -> list[dict[str, Any]]:
        """The windows that are followed, for the hot path."""
        return [
            {
                "slug": window.slug,
                "state": window.state,
                "condition_id": window.condition_id,
                "tokens": window.tokens,
                "window_start": window.start,
                "window_end": window.end,
                "strike": window.strike,
                "final_price": window.final_price,
                "outcome": window.outcome,
                "attempts": window.attempts,
            }
            for window in self._windows.values()
        ]

    async def run(self) -> None:
        """Go on until cancelled."""
        loop = asyncio.get_running_loop()
        told_at = -math.inf
        try:
            while True:
                if loop.time() - told_at >= CLOCK_SECONDS:
                    told_at = loop.time()
                    await self._tell_time()
                if self._clock.is_told:
                    self._expect()
                    now = self._clock.now()
                    for slug, window in list(self._windows.items()):
                        if slug not in self._asking and window.next_at <= now:
                            self._ask_about(window)
                await asyncio.sleep(TICK_SECONDS)
        finally:
            for task in self._asking.values():
                task.cancel()
            await asyncio.gather(*self._asking.values(), return_exceptions=True)

    # What there is to follow

    def _expect(self) -> None:
        """Expect the windows from the present one to those that begin soon."""
        now = self._clock.now()
        grew = self._take_up_saved()
        for series in self._series:
            present = int(now) // series.seconds * series.seconds
            start = self._saved.upto.get(series.name, present - series.seconds)
            if start > now + self._ahead + series.seconds:  # by a clock that was wrong
                start = present - series.seconds
            start = max(start + series.seconds, present - BACK_SECONDS)
            while start <= now + self._ahead:
                window = Window(series, start)
                self._windows.setdefault(window.slug, window)
                self._saved.upto[series.name] = start
                start += series.seconds
                grew = True
        if grew:
            self._save()

    def _take_up_saved(self) -> bool:
        """Go on with what an earlier capture had not seen the end of."""
        taken = [one for one in self._saved.open if one.series in self._series]
        for window in taken:
            self._windows.setdefault(window.slug, window)
            self._saved.open.remove(window)
        return bool(taken)

    def _save(self) -> None:
        """Note in the cursor what is to be followed, whatever becomes of us."""
        windows = [*self._windows.values(), *self._saved.open]
        value = {
            "upto": self._saved.upto,
            "open": [
                [
                    window.series.asset,
                    window.series.period,
                    window.start,
                    window.attempts,
                ]
                for window in windows
                if not window.is_done
            ],
        }
        self._run.writer.put(Batch({}, cursor=CursorChange(values={SERVICE: value})))

    async def _tell_time(self) -> None:
        try:
            seconds = await asyncio.to_thread(exchange_seconds, self._run)
        except Stopped:
            return
        except FetchError as error:
            log.warning("the exchange does not say what time it is: %s", error)
            return
        first = not self._clock.is_told
        leap = seconds - self._clock.now()
        if not (first or self._is_believed(leap)):
            log.warning("the exchange's clock leapt by %+.0f s, if it is right", leap)
            return
        self._leaps.clear()
        off = self._clock.told(seconds)
        if first and abs(off) > WRONG_CLOCK_SECONDS and not self._is_off:
            self._is_off = True
            self._failures.once(
                "clock",
                "wrong_clock",
                f"the exchange's clock is {off:+.0f} s from this machine's: windows go "
                "by the exchange's, received_at by this machine's. Set it right",
                missed=0,
            )

    def _is_believed(self, leap: float) -> bool:
        """A leap of hours is, once several answers in a row tell of it."""
        if abs(leap) <= LEAP_SECONDS:
            return True
        self._leaps = [one for one in self._leaps if abs(one - leap) < LEAP_SECONDS]
        self._leaps.append(leap)
        return len(self._leaps) >= LEAP_ANSWERS

    def _ask_about(self, window: Window) -> None:
        task = asyncio.create_task(self._follow(window))
        self._asking[window.slug] = task
        task.add_done_callback(lambda _: self._asking.pop(window.slug, None))

    async def _follow(self, window: Window) -> None:
        """Ask about a window once, keep what is new, and say when to ask again."""
        before = window.known()
        now = self._clock.now()
        is_over = now >= window.end + FIRST_ATTEMPT_SECONDS / 2
        if is_over:
            window.attempts += 1
        try:
            item = await asyncio.to_thread(self._ask, window.slug)
        except Stopped:
            return
        except OSError as error:  # the lake takes nothing
            self._run.give_up(error)
            return
        except FetchError as error:
            window.problem = str(error)
        except Exception as error:  # it must not be asked again at once, for ever
            log.exception("%s: what was asked cannot be kept", window.slug)
            window.problem = f"{type(error).__name__}: {error}"
        else:
            window.problem = None
            if item is not None:
                self._learn(window, item)
            elif now >= window.start:
                self._note_unfound(window)
        now = self._clock.now()
        if window.outcome is not None:
            window.state = "resolved"
        elif is_over:
            window.state = "ended" if window.condition_id else "missing"
            if window.attempts >= self._attempts:
                window.state = "failed"
                window.problem = window.problem or "no outcome after all attempts"
                self._failures.once(
                    SERVICE,
                    "unresolved",
                    f"{window.slug} has no outcome after {window.attempts} attempts",
                    missed=1,
                )
        window.next_at = self._next(window, now)
        if window.known() != before:
            await self._told(window, before)
        if window.is_done:
            self._windows.pop(window.slug, None)
            await self._leave(window.tokens.values())
        if is_over:
            self._save()

    def _note_unfound(self, window: Window) -> None:
        """Say once of a series that a window of its has begun without a market."""
        name = window.series.name
        if name not in self._unfound:
            self._unfound.add(name)
            self._failures.once(
                SERVICE,
                "no_market",
                f"--series {name}: there is no market {window.slug}. If there is no "
                "such series, stop this and name another; else it is looked for again",
                missed=0,
            )

    def _learn(self, window: Window, item: Item) -> None:
        try:
            learn(window, item)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            log.exception("%s: its event cannot be read", window.slug)
            window.problem = (
                f"its event cannot be read: {type(error).__name__}: {error}"
            )

    def _next(self, window: Window, now: float) -> float:
        """When to ask again, by the exchange's clock."""
        if window.is_done:
            return math.inf
        if now >= window.end + FIRST_ATTEMPT_SECONDS / 2:
            return now + wait_after(window.attempts)
        if window.condition_id is None:
            return now + SEARCH_SECONDS
        end = window.end + FIRST_ATTEMPT_SECONDS
        if window.strike is None:
            return min(max(now, window.start) + STRIKE_SECONDS, end)
        return end

    async def _told(self, window: Window, before: tuple[Any, ...]) -> None:
        self._store(window)
        was = before[0]
        if was != window.state:
            if window.state in self.counts:
                self.counts[window.state] += 1
            log.info("%s: %s%s", window.slug, window.state, _shown(window))
        is_new = before[1] is None and window.condition_id is not None
        if is_new and self._clock.now() < window.end:
            await self._listen(
                dict.fromkeys(window.tokens.values(), window.condition_id or "")
            )

    def _ask(self, slug: str) -> Item | None:
        """The event of a slug, stored as any other; null where there is none yet."""
        answered = one_object(self._run.gamma, EVENTS, slug, by_slug=True)
        if answered is None:
            return None
        answer, item = answered
        walk = ListingWalk(self._run, "events", {"updown": slug}, strategy="lookup")
        walk.take(answer, [item])
        walk.end()
        return item

    def _store(self, window: Window) -> None:
        now = self._now()
        self._rows += 1
        row = (
            window.series.name,
            window.slug,
            window.condition_id,
            window.tokens.get("Up"),
            window.tokens.get("Down"),
            window.start,
            window.end,
            window.state,
            window.strike,
            window.final_price,
            window.outcome,
            window.attempts,
            window.resolved_at,
            window.rule,
            window.problem,
            now // 1_000,
            self._run.run_id,
            0,
            self._rows,
            None,
        )
        self._add("updown_windows", [row])


def exchange_seconds(run: Run) -> float:
    """What time it is at the exchange, in unix seconds (`/time`, a bare integer)."""
    answer = run.clob.get("/time", groups=("clob_all",))
    try:
        seconds = float(answer.json())
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 < seconds < MOST_SECONDS:
        raise UnexpectedPayload(f"/time answered {str(answer.json())[:80]}")
    return seconds


def _shown(window: Window) -> str:
    if window.state == "resolved":
        return f" {window.outcome}, {window.strike} to {window.final_price}"
    return f" ({window.problem})" if window.problem else ""
