"""A client of the replica's WebSockets, as plain as can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sandbox.testing import Box

MARK = '{"event_type":"price_change","market":"0x'


class Listener:
    """One connection; what it hears is returned as it came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.snapshots = 0

    def say(self, body: Any) -> None:
        self.socket.send(body if isinstance(body, str) else json.dumps(body))

    def hear(self) -> Any:
        """The next frame, decoded."""
        return json.loads(self.socket.recv(timeout=5))

    def text(self) -> Any:
        """The next frame as it is."""
        return self.socket.recv(timeout=5)

    def until_pong(self) -> list[Any]:
        """Every frame that was on its way, in order; a PONG comes after all of them."""
        self.say("PING")
        frames = []
        while (text := self.text()) != "PONG":
            frames.append(json.loads(text))
        return frames

    def until_closed(self) -> list[Any]:
        """Every frame until the server ends the connection."""
        frames = []
        with suppress(ConnectionClosed):
            while True:
                frames.append(self.hear())
        return frames

    def sync(self, box: Box) -> list[Any]:
        """Every update that was on its way; what marks the end is no message."""
        assert self.socket.ping().wait(5)  # what we said before was heard
        box.live("malformed")
        frames = []
        while (text := self.text()) != MARK:
            frames += [json.loads(text)] if text else []
        past = [f for f in frames if f.get("snapshot") or f.get("type") == "subscribe"]
        self.snapshots += len(past)
        return [frame for frame in frames if frame not in past]

    def messages(self) -> list[Any]:
        """The messages of these frames."""
        return [one for frame in self.until_pong() for one in as_list(frame)]

    def subscribe(self, tokens: list[str], **more: Any) -> None:
        self.say({"assets_ids": tokens, "type": "market", "initial_dump": True, **more})


def as_list(frame: Any) -> list[Any]:
    return frame if isinstance(frame, list) else [frame]


@contextmanager
def listening(box: Box, path: str = "/ws/market") -> Iterator[Listener]:
    url = box.url(path).replace("http://", "ws://")
    with connect(
        url, max_size=None, compression=None, proxy=None, max_queue=None
    ) as socket:
        yield Listener(socket)
