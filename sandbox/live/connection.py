"""One WebSocket from the server's end: what goes out, late, twice or not at all."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import deque
from contextlib import suppress

from aiohttp import WSMsgType, web

from sandbox.live.ledger import Ledger, LoadNote, Said
from sandbox.live.messages import Message

LONGEST_QUEUE = 200_000  # frames; a consumer slower than that is dropped
TOO_SLOW = 4002
LONGEST_GOODBYE = 2.0  # seconds that a client has to answer a close
BATCH = 256 << 10  # bytes written in one go
HIGH_WATER = 1 << 20  # bytes that may lie unsent in the transport
Item = tuple[bytes, int, Said, bool]


def framed(data: bytes, kind: int) -> bytes:
    """A whole unmasked frame."""
    size = len(data)
    if size < 126:
        return struct.pack(">BB", 0x80 | kind, size) + data
    if size < 1 << 16:
        return struct.pack(">BBH", 0x80 | kind, 126, size) + data
    return struct.pack(">BBQ", 0x80 | kind, 127, size) + data


class Connection:
    """A client of one channel. Frames are queued; a task of its own writes them."""

    def __init__(
        self,
        number: int,
        channel: str,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        ledger: Ledger,
    ) -> None:
        self.number = number
        self.channel = channel
        self.socket = socket
        self.ledger = ledger
        self.keys: set[str] = set()  # what it listens to: tokens, or symbols
        self.custom = False
        self.frozen = False  # connected, PONGs go on, no data
        self.gone = False  # cut by the server; what it misses is noted
        self.drop = 0  # frames still to be lost without a word
        self.double = 0  # frames still to be sent twice
        self.seconds_a_frame = 0.0
        self.frames = 0
        self.messages = 0
        self._transport = transport
        self._queue: deque[Item] = deque()
        self._wake = asyncio.Event()
        self._closing: tuple[int | None, bool] | None = None
        self._ended = asyncio.Event()
        self.longest_queue = LONGEST_QUEUE

    def send(self, text: str, messages: tuple[Message, ...]) -> None:
        """One text frame with these messages, unless a fault keeps it."""
        self.pass_on(text.encode(), messages)

    def pass_on(self, data: bytes, said: tuple[Message, ...] | LoadNote) -> None:
        """The same for a frame that is ready to be sent."""
        reason = "disconnected" if self.gone else "frozen" if self.frozen else None
        if reason is None and self.drop > 0:
            self.drop -= 1
            reason = "dropped"
        if reason is None and len(self._queue) >= self.longest_queue:
            self.close(TOO_SLOW, abort=True)
            reason = "slow consumer"
        if reason is not None:
            self._note(said, time.time_ns(), reason)
            return
        self._queue.append((data, WSMsgType.TEXT, said, False))
        if self.double > 0:
            self.double -= 1
            self._queue.append((data, WSMsgType.TEXT, said, True))
        self._wake.set()

    def raw(self, data: bytes, kind: WSMsgType = WSMsgType.TEXT) -> None:
        """A frame that is no message: a PONG, an answer, a fault."""
        if not self.gone:
            self._queue.append((data, kind, (), False))
            self._wake.set()

    def close(self, code: int | None = None, *, abort: bool = False) -> None:
        """Cut the connection after what is queued: with a code, or without a word."""
        if not self.gone:
            self.gone = True
            self._closing = (code, abort)
            self._wake.set()
            self._ended.set()

    def _note(
        self, said: Said, at_ns: int, reason: str | None, copy: bool = False
    ) -> None:
        if said:
            self.ledger.note(self.number, self.channel, self.frames, said, at_ns,
                             reason, copy)  # fmt: skip

    async def write(self) -> None:
        """Write what is queued for as long as the connection lasts."""
        while self._closing is None and not self._transport.is_closing():
            await self._wake.wait()
            self._wake.clear()
            while self._queue and not (self._closing and self._closing[1]):
                if self._transport.is_closing():
                    return
                self._transport.write(self._batch())
                if self.seconds_a_frame:
                    await self._pause(self.seconds_a_frame)
                while (
                    self._transport.get_write_buffer_size() > HIGH_WATER
                    and self._closing is None
                ):
                    await self._pause(0.005)
        if self._closing is not None:
            await self._end(*self._closing)

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until the connection is to end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    def _batch(self) -> bytes:
        queue, parts, size, now = self._queue, [], 0, time.time_ns()
        most = 1 if self.seconds_a_frame else BATCH
        while queue and size < most:
            data, kind, said, copy = queue.popleft()
            parts.append(framed(data, kind))
            size += len(data)
            if said:
                self._note(said, now, None, copy)
                self.messages += 1 if isinstance(said, LoadNote) else len(said)
            self.frames += 1
        return b"".join(parts)

    async def _end(self, code: int | None, abort: bool) -> None:
        for item in self._queue:
            self._note(item[2], time.time_ns(), "disconnected")
        self._queue.clear()
        if code is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.socket.close(code=code), LONGEST_GOODBYE)
        self._transport.abort() if abort else self._transport.close()
