"""Where frames wait between the loop that receives them and the thread that reads them.

Reception never waits. Where the reader falls behind for so long that the memory meant
for it is full, what arrives is counted and let go, and said to be lost.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Overflow:
    """What there was no room for: frames and bytes, since a moment (unix ns)."""

    since_ns: int
    until_ns: int
    frames: int
    bytes: int


class Inbox(Generic[T]):
    """A queue with a bound in bytes; one thread puts, one takes."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._items: deque[tuple[T, int, int]] = deque()  # with size and arrival
        self._bytes = 0
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._closed = False
        self._overflow: Overflow | None = None
        self.deepest_bytes = 0

    def put(self, item: T, size: int, *, at_ns: int) -> bool:
        """Take over an item, at once; false if there was no room, and it is gone.

        After the first that did not fit nothing is taken until `recovered`: one long
        gap can be said, a thousand short ones cannot.
        """
        with self._lock:
            is_full = self._items and self._bytes + size > self._most
            if self._overflow is not None or is_full:
                self._count(size, at_ns)
                return False
            self._items.append((item, size, at_ns))
            self._bytes += size
            self.deepest_bytes = max(self.deepest_bytes, self._bytes)
            self._filled.notify()
            return True

    def let_go(self, size: int, *, at_ns: int) -> None:
        """Count what is not even tried to be put while there is no room."""
        with self._lock:
            self._count(size, at_ns)

    def _count(self, size: int, at_ns: int) -> None:
        lost = self._overflow
        self._overflow = Overflow(
            since_ns=lost.since_ns if lost else at_ns,
            until_ns=at_ns,
            frames=(lost.frames if lost else 0) + 1,
            bytes=(lost.bytes if lost else 0) + size,
        )

    def note(self, item: T) -> None:
        """Take over an item that must not be lost, and is small, whatever waits."""
        with self._lock:
            self._items.append((item, 0, 0))
            self._filled.notify()

    def take(self, patience: float, *, most: int = 10_000) -> list[T]:
        """Return what waits, the oldest first; empty after so many seconds of none."""
        with self._lock:
            if not self._items and not self._closed:
                self._filled.wait(patience)
            count = min(len(self._items), most)
            taken = [self._items.popleft() for _ in range(count)]
            self._bytes -= sum(size for _, size, _ in taken)
            return [item for item, _, _ in taken]

    def recovered(self) -> Overflow | None:
        """What was let go, once there is room again; then items are taken as before."""
        with self._lock:
            if self._overflow is None or self._bytes > self._most // 2:
                return None
            lost, self._overflow = self._overflow, None
            return lost

    @property
    def oldest_ns(self) -> int | None:
        """When what waits longest arrived; null where nothing does."""
        with self._lock:
            return next((at_ns for _, _, at_ns in self._items if at_ns), None)

    @property
    def is_full(self) -> bool:
        """Whether what comes is let go now, until `recovered`."""
        return self._overflow is not None

    @property
    def waiting_bytes(self) -> int:
        """How much waits now."""
        return self._bytes

    def close(self) -> None:
        """Nothing more will be put; `take` waits no longer."""
        with self._lock:
            self._closed = True
            self._filled.notify()

    @property
    def is_done(self) -> bool:
        """Whether it is closed and empty."""
        with self._lock:
            return self._closed and not self._items
