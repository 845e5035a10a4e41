"""When to ask again, and how long to wait before."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Backoff:
    """Waits that double with every attempt, each by chance between nothing and that.

    The chance keeps many threads that failed together from asking again together.
    """

    first_seconds: float = 0.5
    longest_seconds: float = 15.0
    chance: Callable[[], float] = random.random

    def seconds(self, attempt: int) -> float:
        """Return how long to wait after the failed `attempt`, counted from 1."""
        doubled = self.first_seconds * 2.0 ** min(attempt - 1, 30)
        return self.chance() * min(doubled, self.longest_seconds)


def retry_after_seconds(header: str | None, *, now: datetime) -> float | None:
    """Return what a Retry-After header asks for, at most LONGEST_WAIT_SECONDS.

    It is a number of seconds or a date; null when it is absent or neither.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            date = parsedate_to_datetime(text)
        except ValueError:
            return None
        if date.tzinfo is None:
            date = date.replace(tzinfo=now.tzinfo)
        seconds = (date - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)
