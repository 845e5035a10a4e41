"""Keep every group of requests below its limit, together with all runs of the host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fetcher.slots import Slots

WINDOW_SECONDS = 10.0  # the limits are requests in any window of this length
# A request is counted by the service when it arrives, some time after it was let go.
JITTER_SECONDS = 0.3
LARGEST_BURST = 30

LOWEST_FACTOR = 0.05
LONGEST_PAUSE_SECONDS = 60.0
# A rounding error of a wait is less than a clock can tell: sleeping for it is spinning.
SHORTEST_SLEEP_SECONDS = 0.0001
SETTLE_SECONDS = 1.0  # answers to requests already under way say nothing new
RECOVER_SECONDS = 2.0
RECOVER_STEP = 0.1
SLOW_SECONDS = 5.0
SLOW_IN_A_ROW = 3


@dataclass(frozen=True)
class Use:
    """What one limit group has seen so far."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    waited_seconds: float = 0.0


@dataclass
class Pace:
    """How fast one group may go, and how fast it goes now.

    `burst` requests may follow each other at once, then one every `interval`: any
    window of WINDOW_SECONDS then holds at most `limit` of them.
    """

    limit: int
    factor: float = 1.0
    changed_at: float = float("-inf")
    slow_in_a_row: int = 0
    requests: int = 0
    retries: int = 0
    throttled: int = 0
    waited_seconds: float = 0.0

    @property
    def burst(self) -> int:
        return min(max(1, self.limit // 50), LARGEST_BURST)

    @property
    def interval(self) -> float:
        return (WINDOW_SECONDS + JITTER_SECONDS) / (self.limit - self.burst + 1)

    @property
    def early(self) -> float:
        """How far ahead of its due time a request may come."""
        return (self.burst - 1) * self.interval

    def due(self, stored: float | None, now: float) -> float:
        """Return when the next slot comes up, by what the file says.

        No run writes more than a pause ahead: what says otherwise is damaged, or from
        a clock that began at another time, and must not keep us waiting for ever.
        """
        furthest = now + self.early + self.interval / LOWEST_FACTOR
        furthest += LONGEST_PAUSE_SECONDS
        return stored if stored is not None and now < stored <= furthest else now

    def slow_down(self, by: float, now: float) -> None:
        """Turn the rate down, once for all answers of the same moment."""
        if now - self.changed_at >= SETTLE_SECONDS:
            self.factor = max(LOWEST_FACTOR, self.factor * by)
            self.changed_at = now

    def speed_up(self, now: float) -> None:
        """Turn the rate up a step when it has gone well for a while."""
        if self.factor < 1 and now - self.changed_at >= RECOVER_SECONDS:
            self.factor = min(1.0, self.factor + RECOVER_STEP)
            self.changed_at = now


class Limiter:
    """Let requests to one host go when all of their groups allow it.

    Any window of 10 seconds holds at most `limits[group]` requests of a group, counted
    over all threads and all processes that use the same `folder`, also when one ends
    and another begins. `shards` runs on other hosts each take their part of the limits.
    """

    def __init__(
        self,
        host: str,
        limits: Mapping[str, int],
        folder: Path,
        *,
        shards: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._paces = {
            group: Pace(max(1, limit // shards)) for group, limit in limits.items()
        }
        self._slots = Slots(folder, host)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()

    def acquire(self, groups: tuple[str, ...], *, again: bool = False) -> float:
        """Wait until all `groups` admit one request; return the seconds waited.

        `again` when it repeats one that failed.
        """
        began = self._clock()
        while True:
            with self._lock:
                now, wait, binding = self._try(groups, again=again)
            if wait <= 0:
                return now - began
            self._sleep(max(wait, SHORTEST_SLEEP_SECONDS))
            with self._lock:
                binding.waited_seconds += self._clock() - now

    def throttled(
        self,
        groups: tuple[str, ...],
        *,
        retry_after: float | None = None,
        by: float = 0.5,
    ) -> None:
        """Slow down: the service said that it is too much.

        Which of the groups it meant it does not say; the tightest is the likeliest. A
        pause that it asks for holds for all runs of the host, and the next one's too.
        """
        now = self._clock()
        with self._lock:
            group = self._tightest(groups)
            pace = self._paces[group]
            pace.throttled += 1
            pace.slow_down(by, now)
            if retry_after is not None:
                pause = min(max(retry_after, 0.0), LONGEST_PAUSE_SECONDS)
                with self._slots.held((group,)) as slots:
                    due = pace.due(slots.read()[0], now)
                    slots.write([max(due, now + pause + pace.early)])

    def recovered(self, groups: tuple[str, ...], seconds: float = 0.0) -> None:
        """Note a good answer that took `seconds`; the rate goes up again with time.

        The services queue requests before they refuse them, so several slow answers
        in a row are a sign to go slower.
        """
        now = self._clock()
        with self._lock:
            pace = self._paces[self._tightest(groups)]
            if seconds < SLOW_SECONDS:
                pace.slow_in_a_row = 0
                pace.speed_up(now)
                return
            pace.slow_in_a_row += 1
            if pace.slow_in_a_row >= SLOW_IN_A_ROW:
                pace.slow_in_a_row = 0
                pace.slow_down(0.8, now)

    def use(self) -> dict[str, Use]:
        """Return what each group that was asked for has seen."""
        with self._lock:
            return {
                group: Use(
                    pace.requests, pace.retries, pace.throttled, pace.waited_seconds
                )
                for group, pace in self._paces.items()
                if pace.requests
            }

    def requests(self, group: str) -> int:
        """Return how many requests of `group` were let go."""
        return self._paces[group].requests

    def allowed_per_second(self, group: str) -> float:
        """Return the rate that `group` may sustain when all goes well."""
        return 1 / self._paces[group].interval

    def close(self) -> None:
        """Close the files; what they say stays for the next run."""
        self._slots.close()

    def _tightest(self, groups: tuple[str, ...]) -> str:
        return min(groups, key=lambda group: self._paces[group].limit)

    def _try(
        self, groups: tuple[str, ...], *, again: bool = False
    ) -> tuple[float, float, Pace]:
        """Take a slot in every group, or in none and say how long to wait.

        GCRA: `due` is when the group's next slot comes up if requests were evenly
        spaced; a request may come up to `burst - 1` slots early.
        """
        paces = [self._paces[group] for group in groups]
        with self._slots.held(groups) as slots:
            now = self._clock()
            longest, binding = 0.0, paces[0]
            dues = []
            for pace, stored in zip(paces, slots.read(), strict=True):
                due = pace.due(stored, now)
                dues.append(due)
                wait = due - pace.early - now
                if wait > longest:
                    longest, binding = wait, pace
            if longest <= 0:
                slots.write(
                    [
                        due + pace.interval / pace.factor
                        for pace, due in zip(paces, dues, strict=True)
                    ]
                )
                for pace in paces:
                    pace.requests += 1
                    pace.retries += again
        return now, longest, binding
