"""One WebSocket: kept open, listened to, and never silently blind.

It connects, says what it wants, and gives every frame with the moment it came. What it
hears nothing from is closed; what is closed is opened again, after a wait that grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.frames import CloseCode

from fetcher.http import host_of
from fetcher.live.clock import Reception
from fetcher.retry import retry_after_seconds

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
OPEN_SECONDS = 10.0
CLOSE_SECONDS = 2.0
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Wire:
    """How a service is listened to.

    `ping` is sent as text every `ping_seconds`. A connection from which nothing at all
    came for `dead_seconds`, PONGs included, is dead.
    """

    service: str
    url: str
    ping: str | None
    ping_seconds: float
    dead_seconds: float
    reconnect_min_seconds: float
    reconnect_max_seconds: float
    most_frame_mb: int
    user_agent: str
    setting: str


class Listener(Protocol):
    """Who is told what happens on a connection; every call is made in the loop."""

    def opening(self) -> Sequence[str]:
        """What to send first; called when a connection stands."""

    def opened(self) -> None:
        """It stands, and what it was asked for is on its way."""

    def heard(self, payload: bytes, received_ns: int) -> None:
        """A frame came; PONGs are told like all others."""

    def lost(self, reason: str, details: str) -> None:
        """It is gone, or could not be opened."""

    def tick(self) -> None:
        """About a second went by with the connection open."""


class Session:
    """Keeps one connection, from `run` until it is cancelled."""

    def __init__(self, wire: Wire, listener: Listener, clock: Reception) -> None:
        self._wire = wire
        self._listener = listener
        self._clock = clock
        self._socket: ClientConnection | None = None
        self._why: tuple[str, str] | None = None
        self.failures = 0  # in a row, without a frame in between
        self.frames = 0

    @property
    def is_open(self) -> bool:
        """Whether it stands now."""
        return self._socket is not None

    async def send(self, text: str) -> None:
        """Send a frame, if there is a connection; a new one says all it needs."""
        if self._socket is not None:
            try:
                async with asyncio.timeout(OPEN_SECONDS):
                    await self._socket.send(text)
            except ConnectionClosed:
                pass
            except TimeoutError:
                self.end("silent", f"{self._host} takes nothing that is sent")

    def end(self, reason: str, details: str) -> None:
        """Close what no longer speaks; `run` opens it again."""
        if self._socket is not None and self._why is None:
            self._why = (reason, details)
            self._socket.transport.abort()

    async def run(self) -> None:
        """Listen for ever."""
        while True:
            wait = await self._once()
            await asyncio.sleep(wait)

    async def _once(self) -> float:
        """Listen until it breaks; return the seconds to wait before the next try."""
        self._why = None
        before = self.frames
        after: float | None = None
        try:
            async with self._connected() as socket:
                self._socket = socket
                async with asyncio.timeout(OPEN_SECONDS):
                    for frame in self._listener.opening():
                        await socket.send(frame)
                self._listener.opened()
                async with self._pinging(socket):
                    await self._listen(socket)
        except InvalidStatus as error:
            status = error.response.status_code
            after = _retry_after(error)
            reason, details = (
                "refused",
                f"{self._host} answered {status} to the upgrade",
            )
        except (InvalidURI, InvalidHandshake) as error:
            reason, details = "refused", f"{self._host}: {error}"
        except ConnectionClosed as error:
            reason = "disconnected"
            details = f"{self._host}: {_closed(error)}{self._too_large(error)}"
        except WebSocketException as error:
            reason, details = "protocol", f"{self._host}: {error}"
        except TimeoutError:
            reason = "unreachable"
            details = f"{self._host} did not answer within {OPEN_SECONDS:.0f} s"
        except OSError as error:
            reason = "unreachable"
            details = (
                f"{self._host} cannot be reached: {error.strerror or error}. Check the "
                f"network, and {self._wire.setting} in the configuration"
            )
        except Exception as error:  # whatever it is, the connection is opened again
            log.exception("listening to %s broke", self._host)
            reason = "crashed"
            details = f"{self._host}: {type(error).__name__}: {error}"
        else:
            reason, details = "disconnected", f"{self._host} closed the connection"
        finally:
            if self._socket is not None:
                self._socket.transport.abort()  # where closing itself was cancelled
            self._socket = None
        reason, details = self._why or (reason, details)
        spoke = self.frames > before and reason != "refused"
        self.failures = 1 if spoke else self.failures + 1
        self._listener.lost(reason, details)
        return max(self._patience(), after or 0.0)

    @property
    def _host(self) -> str:
        return host_of(self._wire.url)

    def _too_large(self, error: ConnectionClosed) -> str:
        if error.sent is None or error.sent.code != CloseCode.MESSAGE_TOO_BIG:
            return ""
        most = self._wire.most_frame_mb
        return f". Frames of more than {most} MB need a larger capture.max_frame_mb"

    def _connected(self) -> connect:
        wire = self._wire
        return connect(
            wire.url,
            user_agent_header=wire.user_agent,
            compression=None,  # a tenth of the bytes costs more than the network does
            max_size=wire.most_frame_mb * MEGABYTE,
            max_queue=None,  # reception never waits; the inbox has the bound
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=None,  # the services want theirs as text
        )

    async def _listen(self, socket: ClientConnection) -> None:
        heard, stamp = self._listener.heard, self._clock.stamp
        while True:
            payload = await socket.recv(decode=False)
            self.frames += 1
            heard(payload, stamp())

    @contextlib.asynccontextmanager
    async def _pinging(self, socket: ClientConnection) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch(socket))
        try:
            yield
        finally:
            watching.cancel()
            # Awaited by itself, it would hide that we are cancelled meanwhile.
            await asyncio.wait((watching,))

    async def _watch(self, socket: ClientConnection) -> None:
        """Ping, and close a connection that is dead: no word of ours ends the task."""
        loop = asyncio.get_running_loop()
        wire = self._wire
        frames, since = self.frames, loop.time()
        pinged = loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            if self.frames != frames:
                frames, since = self.frames, now
            if now - since > wire.dead_seconds:
                self.end("silent", f"{self._host} sent nothing for {now - since:.0f} s")
                return
            if wire.ping is not None and now - pinged >= wire.ping_seconds:
                pinged = now
                await self.send(wire.ping)
            try:
                self._listener.tick()
            except Exception as error:  # nobody else would watch from here on
                log.exception("watching %s broke", self._host)
                self.end("crashed", f"{type(error).__name__}: {error}")

    def _patience(self) -> float:
        """Seconds until the next try: doubled with each failure, with chance in it."""
        wire = self._wire
        doubled: float = wire.reconnect_min_seconds * 2 ** min(self.failures - 1, 16)
        return min(doubled * random.uniform(1.0, 1.2), wire.reconnect_max_seconds)


def _closed(error: ConnectionClosed) -> str:
    if error.rcvd is not None:
        reason = f" ({error.rcvd.reason})" if error.rcvd.reason else ""
        return f"closed with code {error.rcvd.code}{reason}"
    if error.sent is not None:
        return f"we closed with code {error.sent.code} {error.sent.reason}".rstrip()
    return "the connection broke without a word"


def _retry_after(error: InvalidStatus) -> float | None:
    header = error.response.headers.get("Retry-After")
    return retry_after_seconds(header, now=datetime.now(UTC))
