"""How a run is asked to end early: a signal or its time limit."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from fetcher.errors import Stopped
from settings.signals import heeded

log = logging.getLogger(__name__)


class Ending:
    """Whether the run is to end, why, and with what exit code.

    `needs` says how long what must be done at the end will take, in seconds.
    """

    def __init__(self) -> None:
        self.needs: Callable[[], float] = lambda: 0.0
        self.stop = threading.Event()
        self.reason: str | None = None
        self.signal: int | None = None

    def time_is_up(self) -> None:
        """End as planned."""
        self._end("timeout")

    def signalled(self, number: int) -> None:
        """End because of a signal."""
        self.signal = self.signal or number
        self.reason = "signal"  # also when the time was up just before
        self.stop.set()

    def sleep(self, seconds: float) -> None:
        """Sleep, but raise Stopped as soon as the run is to end."""
        if self.stop.wait(seconds):
            raise Stopped

    def _end(self, reason: str) -> None:
        self.reason = self.reason or reason
        self.stop.set()


@contextmanager
def listening(
    ending: Ending, *, at_once: Callable[[int], object] = os._exit
) -> Iterator[None]:
    """End the run on SIGINT, SIGTERM or SIGHUP; a second one ends the process at once.

    That is safe: what is not yet durable is fetched again, as after a crash.
    """

    def heard(number: int, frame: FrameType | None) -> None:
        if ending.signal is not None:
            at_once(128 + number)
            return
        ending.signalled(number)
        # Not the log: its lock may be held by the code that the signal interrupted.
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, MESSAGE)

    before = {number: signal.signal(number, heard) for number in heeded()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


TICK_SECONDS = 0.25
MESSAGE = b"Stopping: progress is being saved. Once more ends at once.\n"


@contextmanager
def limited(ending: Ending, seconds: float | None) -> Iterator[None]:
    """End the run as planned, so early that it is over after `seconds`.

    What `ending.needs` at the end is kept for it, but at most half of the time.
    """
    if seconds is None:
        yield
        return
    done = threading.Event()
    at = time.monotonic() + seconds

    def watch() -> None:
        while not ending.stop.is_set():
            left = at - time.monotonic() - min(ending.needs(), seconds / 2)
            if left <= 0:
                ending.time_is_up()
                return
            if done.wait(min(left, TICK_SECONDS)):
                return

    watching = threading.Thread(target=watch, name="timeout", daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()
