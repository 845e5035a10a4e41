"""What a long run says of itself, and how often."""

from __future__ import annotations

import time
from collections.abc import Callable

Report = Callable[[str], None]


class Pace:
    """Says what there is to say, and of what goes on only now and then."""

    def __init__(self, report: Report, seconds: float) -> None:
        self._report = report
        self._seconds = seconds
        self._said_at = time.monotonic()

    def say(self, line: str) -> None:
        self._report(line)
        self._said_at = time.monotonic()

    def go_on(self, line: str) -> None:
        if time.monotonic() - self._said_at >= self._seconds:
            self.say(line)
