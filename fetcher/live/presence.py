"""Whether the last capture ended as it should: a dead one cannot say that it died."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fetcher.live.clock import SECOND_NS
from fetcher.live.failures import Failures
from fetcher.run import Puts
from lake.batch import Batch, CursorChange

KEY = "capture"
SERVICE = "capture"


class Presence:
    """Notes in the cursor, now and then, that a capture is there, and its pace."""

    def __init__(self, writer: Puts, saved: Any, now: Callable[[], int]) -> None:
        self._writer = writer
        self._saved = saved
        self._now = now

    def take_up(self, failures: Failures) -> None:
        """Record for how long nobody listened, where the last one did not end well."""
        try:
            since, rate = int(self._saved["at_ns"]), float(self._saved["rate"])
        except (TypeError, KeyError, ValueError):
            return  # there was none, or it ended well
        gone = (self._now() - since) / SECOND_NS
        error = failures.begin(
            SERVICE,
            "down",
            f"the last capture ended without a word; nobody listened for {gone:.0f} s",
            since_ns=since,
        )
        failures.end(error, rate=rate)

    def note(self, rate: float) -> None:
        """It is there, and hears so many messages a second."""
        self._put({"at_ns": self._now(), "rate": round(rate, 3)})

    def leave(self) -> None:
        """It ends as it should."""
        self._put(None)

    def _put(self, value: Any) -> None:
        self._writer.put(Batch({}, cursor=CursorChange(values={KEY: value})))
