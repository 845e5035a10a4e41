"""One WebSocket from the server's end: what goes out, late, twice or not at all."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress

from aiohttp import WSMsgType, web

from sandbox.live.ledger import Entry, Ledger
from sandbox.live.messages import Message

LONGEST_QUEUE = 200_000  # frames; a consumer slower than that is dropped
TOO_SLOW = 4002
Item = tuple[bytes, WSMsgType, tuple[Message, ...], bool]


class Connection:
    """A client of one channel. Frames are queued; a task of its own writes them."""

    def __init__(
        self,
        number: int,
        channel: str,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        ledger: Ledger,
    ) -> None:
        self.number = number
        self.channel = channel
        self.socket = socket
        self._transport = transport
        self.ledger = ledger
        self.keys: set[str] = (
            set()
        )  # what it listens to: tokens, or topics with symbols
        self.custom = False
        self.frozen = False  # connected, PONGs go on, no data
        self.gone = False  # cut by the server; what it misses is noted
        self.drop = 0  # messages still to be lost without a word
        self.double = 0  # frames still to be sent twice
        self.seconds_a_frame = 0.0
        self.frames = 0
        self.messages = 0
        self._queue: deque[Item] = deque()
        self._wake = asyncio.Event()
        self._closing: tuple[int | None, bool] | None = None

    def send(self, text: str, messages: tuple[Message, ...]) -> None:
        """One text frame with these messages, unless a fault keeps it."""
        reason = "disconnected" if self.gone else "frozen" if self.frozen else None
        if reason is None and self.drop > 0:
            self.drop -= 1
            reason = "dropped"
        if reason is None and len(self._queue) >= LONGEST_QUEUE:
            self.close(TOO_SLOW)
            reason = "slow consumer"
        if reason is not None:
            for message in messages:
                self._note(message, reason)
            return
        self._queue.append((text.encode(), WSMsgType.TEXT, messages, False))
        if self.double > 0:
            self.double -= 1
            self._queue.append((text.encode(), WSMsgType.TEXT, messages, True))
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

    def _note(self, message: Message, reason: str | None, copy: bool = False) -> None:
        self.ledger.write(
            Entry(self.number, self.channel, self.frames, time.time_ns(), reason, copy,
                  message)
        )  # fmt: skip

    async def write(self) -> None:
        """Write what is queued for as long as the connection lasts."""
        queue, send = self._queue, self.socket.send_frame
        with suppress(ConnectionError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while queue and not (self._closing and self._closing[1]):
                    data, kind, messages, copy = queue.popleft()
                    for message in messages:
                        self._note(message, None, copy)
                    self.frames += 1
                    self.messages += len(messages)
                    await send(data, kind)
                    if self.seconds_a_frame:
                        await asyncio.sleep(self.seconds_a_frame)
                if self._closing is not None:
                    break
            await self._end()

    async def _end(self) -> None:
        code, abort = self._closing or (None, False)
        for item in self._queue:
            for message in item[2]:
                self._note(message, "disconnected")
        if code is not None:
            await self.socket.close(code=code)
        if self._transport is not None:
            self._transport.abort() if abort else self._transport.close()
