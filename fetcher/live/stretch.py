"""A stretch: unbroken listening, of which it can be said that nothing was lost."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from fetcher.live.clock import SECOND_NS
from lake.walk_id import new_walk_id

RATE_SECONDS = 60


@dataclass(eq=False, slots=True)
class Stretch:
    """What was heard without a break by one shard; times in unix nanoseconds.

    `well_at_ns` is the last moment of which it is known that nothing was missing: when
    data arrived, or its books were found equal to those that the service has. That the
    service answers pings proves nothing: connections freeze and go on answering.
    `answered_at_ns` is when anything at all arrived.
    """

    walk_id: str
    began_ns: int
    well_at_ns: int
    answered_at_ns: int
    frames: int = 0
    _seconds: deque[tuple[int, int]] = field(default_factory=deque)

    @classmethod
    def new(cls, now_ns: int) -> Stretch:
        """A stretch that begins now."""
        walk_id = new_walk_id("stretch", now=now_ns / SECOND_NS)
        return cls(walk_id, now_ns, now_ns, now_ns)

    def heard(self, at_ns: int) -> int:
        """Count a frame with data; return its number in the stretch, from 0."""
        self.well_at_ns = self.answered_at_ns = at_ns
        second = at_ns // SECOND_NS
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, self._seconds[-1][1] + 1)
        else:
            self._seconds.append((second, 1))
            while self._seconds[0][0] <= second - RATE_SECONDS:
                self._seconds.popleft()
        number = self.frames
        self.frames += 1
        return number

    def rate(self) -> float:
        """Frames a second over the last minute of listening."""
        if not self._seconds:
            return 0.0
        span = min(RATE_SECONDS, (self.well_at_ns - self.began_ns) / SECOND_NS + 1)
        return sum(frames for _, frames in self._seconds) / max(span, 1.0)
