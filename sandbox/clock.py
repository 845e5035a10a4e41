"""The simulated clock: frozen, or running at a multiple of real time."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Unix seconds of the simulated world; it never goes back."""

    def __init__(
        self, start: int, speed: float = 0.0, real: Callable[[], float] = time.monotonic
    ) -> None:
        self._base = float(start)
        self._speed = speed
        self._real = real
        self._since = real()

    def now(self) -> int:
        """The present second."""
        return int(self.exact())

    def exact(self) -> float:
        """The present, with its fraction of a second."""
        return self._base + (self._real() - self._since) * self._speed

    @property
    def speed(self) -> float:
        """Simulated seconds a real second."""
        return self._speed

    def advance(self, seconds: float) -> int:
        """Jump forward and return the new present."""
        if seconds < 0:
            raise ValueError("the clock does not go back")
        self._base += seconds
        return self.now()

    def set_speed(self, speed: float) -> None:
        """Run at another speed from here on."""
        real = self._real()
        self._base += (real - self._since) * self._speed
        self._since, self._speed = real, speed
