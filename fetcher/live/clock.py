"""When something arrived, and what time the exchange has."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

SECOND_NS = 1_000_000_000
_LANES = 1 << 10  # event numbers leave their low bits to the process


class Reception:
    """Stamps what arrives with unix nanoseconds, strictly ascending.

    It goes evenly with the counter; `set_right` follows the host's clock. A step back
    of that is followed at half the pace, so that time never stands for long: what is
    silent must be noticed even then.
    """

    def __init__(
        self,
        time_of_day: Callable[[], int] = time.time_ns,
        counter: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._time_of_day = time_of_day
        self._counter = counter
        self._offset = time_of_day() - counter()
        self._last = 0
        self._set_at = counter()
        self._rest = 0  # of a step back, what is not followed yet

    def stamp(self) -> int:
        """The present, later than every stamp before."""
        now = self._counter() + self._offset
        self._last = now if now > self._last else self._last + 1
        return self._last

    def now(self) -> int:
        """The present, as stamps would have it."""
        return max(self._counter() + self._offset, self._last)

    def set_right(self) -> int:
        """Follow the host's clock; return by how many nanoseconds it had leapt."""
        counter = self._counter()
        off = self._time_of_day() - counter - self._offset
        leap, elapsed = off - self._rest, counter - self._set_at
        followed = max(off, -(elapsed // 2))
        self._offset += followed
        self._rest, self._set_at = off - followed, counter
        return leap


class EventNumbers:
    """One number a message: its stamp, with low bits that are the process's own.

    They ascend as messages arrive, and two captures at once do not give the same.
    """

    def __init__(self, lane: int | None = None) -> None:
        self._lane = secrets.randbelow(_LANES) if lane is None else lane
        self._last = 0

    def next(self, received_ns: int) -> int:
        """The number of the next message."""
        number = (received_ns & ~(_LANES - 1)) | self._lane
        if number <= self._last:
            number = self._last + _LANES
        self._last = number
        return number


class ExchangeClock:
    """The exchange's time: what it said last, and the seconds gone by since.

    Windows of up/down markets are told by it and never by the host's clock alone,
    which may be wrong. Before it first said anything it is the host's.
    """

    def __init__(
        self,
        time_of_day: Callable[[], float] = time.time,
        counter: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counter = counter
        self._told = time_of_day()
        self._at = counter()
        self.is_told = False

    def now(self) -> float:
        """Unix seconds at the exchange."""
        return self._told + self._counter() - self._at

    def told(self, seconds: float) -> float:
        """Learn what it says now; return how far what was believed was off."""
        off = seconds - self.now()
        if not self.is_told or abs(off) >= 1.0:  # it says whole seconds
            self._told, self._at = seconds, self._counter()
        self.is_told = True
        return off
