"""Hear a signal from the first moment on, and stop even in the middle of a query."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from settings.signals import ENDING, heeded

if TYPE_CHECKING:
    import duckdb


class Stopped(BaseException):
    """A signal asked for the end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class StopAtSignal:
    """While entered, SIGINT, SIGTERM and SIGHUP are heard (a SIGHUP not under `nohup`,
    which has it ignored); what is `stoppable` they stop.

    There they raise `Stopped` in the main thread; elsewhere (while modules load, while
    the summary is printed) they are only remembered. A second signal ends the process
    at once. `answer` is written to stderr at the first one.

    Python handles a signal only between two of its own instructions, which a query can
    put off for long. So a thread, woken by the signal itself, interrupts the query of
    the connection that `watch` was told of last. DuckDB may turn what the handler
    raises into an error of its own: whatever comes of a signal leaves as `Stopped`.
    """

    def __init__(
        self, *, answer: bytes = b"", at_once: Callable[[int], object] = os._exit
    ) -> None:
        self._answer = answer
        self._at_once = at_once
        self._heard: int | None = None
        self._raises = False
        self._db: duckdb.DuckDBPyConnection | None = None

    def watch(self, db: duckdb.DuckDBPyConnection) -> None:
        """Interrupt this connection at a signal."""
        self._db = db

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Raise `Stopped` at a signal, and at once if there was one already."""
        self._raises = True
        try:
            if self._heard is not None:
                raise Stopped(self._heard)
            yield
        except Exception as error:
            if self._heard is not None:
                raise Stopped(self._heard) from error
            raise
        finally:
            self._raises = False
            self._db = None

    def __enter__(self) -> StopAtSignal:
        self._ears, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        self._wakeup = signal.set_wakeup_fd(self._mouth.fileno())
        self._handlers = [(n, signal.signal(n, self._hear)) for n in heeded()]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers:
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._mouth.close()
        self._thread.join()
        self._ears.close()

    def _hear(self, number: int, _: FrameType | None) -> None:
        if self._heard is not None:
            self._at_once(128 + number)
            return
        self._heard = number
        # Not the log: its lock may be held by the code that the signal interrupted.
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, self._answer)
        if self._raises:
            raise Stopped(number)

    def _listen(self) -> None:
        while heard := self._ears.recv(1):
            db = self._db
            if heard[0] in ENDING and db is not None:
                with suppress(Exception):  # closed by now
                    db.interrupt()
