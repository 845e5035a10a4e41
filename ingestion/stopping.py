"""Stop at a signal at once, even in the middle of a long query."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import suppress
from types import FrameType, TracebackType

import duckdb

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked for the end: what is taken in stays, the rest waits."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class StopAtSignal:
    """While entered, SIGINT and SIGTERM raise `Stopped` in the main thread.

    Python handles a signal only between two of its own instructions, which a query can
    put off for long. So a thread, woken by the signal itself, interrupts the query of
    the connection that `watch` was told of last. DuckDB may turn what the handler
    raises into an error of its own: whatever comes of a signal leaves as `Stopped`.
    """

    def __init__(self) -> None:
        self._heard: int | None = None
        self._db: duckdb.DuckDBPyConnection | None = None

    def watch(self, db: duckdb.DuckDBPyConnection) -> None:
        """Interrupt this connection at a signal."""
        self._db = db

    def __enter__(self) -> StopAtSignal:
        self._ears, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        self._wakeup = signal.set_wakeup_fd(self._mouth.fileno())
        self._handlers = [(n, signal.signal(n, self._stop)) for n in _SIGNALS]
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
        if self._heard is not None and isinstance(error, Exception):
            raise Stopped(self._heard) from error

    def _stop(self, number: int, _: FrameType | None) -> None:
        self._heard = number
        raise Stopped(number)

    def _listen(self) -> None:
        while heard := self._ears.recv(1):
            if heard[0] in _SIGNALS and self._db is not None:
                with suppress(duckdb.Error):  # closed by now
                    self._db.interrupt()
