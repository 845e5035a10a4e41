"""The hot path: the current state of all that is captured, on a local port.

`GET /books`, `/books/<token_id>`, `/prices`, `/updown` and `/health` answer with JSON;
a WebSocket at `/stream?tokens=<id>,<id>` gets the book of each token at once, and again
whenever it changes. What changes while a client is slow reaches it as one book: the
latest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from fetcher.live.clock import Reception
from fetcher.live.hot_books import HotBooks

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
LATENCIES = 10_000  # that the quantiles are of
Answers = dict[str, Callable[[], Any]]


class PortTaken(Exception):
    """Another program has the port: what is captured matters more."""


class HotPath:
    """Serves the books and what `answers` gives for other paths; runs in the loop."""

    def __init__(self, books: HotBooks, clock: Reception, answers: Answers) -> None:
        self._books = books
        self._clock = clock
        self.answers = answers
        self._clients: dict[ServerConnection, Client] = {}
        self._latencies: deque[int] = deque(maxlen=LATENCIES)

    @contextlib.asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[None]:
        """Listen on a port of this machine for as long as the block lasts."""
        loop = asyncio.get_running_loop()
        try:
            server = await serve(
                self._stream,
                HOST,
                port,
                process_request=self._answer,
                compression=None,
            )
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            raise PortTaken(
                f"The hot path cannot listen on {HOST}:{port} ({why}); the capture "
                "goes on without it. Name another [capture] port, or 0 for none"
            ) from error
        self._books.on_change = lambda tokens: self._changed(loop, tokens)
        try:
            log.info("the hot path answers at http://%s:%d/health", HOST, port)
            yield
        finally:
            self._books.on_change = None
            server.close()
            await server.wait_closed()

    def latency_us(self) -> dict[str, float | None]:
        """Microseconds from a frame's arrival to its book on its way to a client."""
        known = sorted(self._latencies)
        return {
            name: known[min(len(known) - 1, int(share * len(known)))] / 1e3
            if known
            else None
            for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
        }

    # Questions

    async def _answer(self, _: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        if parts.path == "/stream":
            return None
        name, _slash, rest = parts.path.strip("/").partition("/")
        asked = parse_qs(parts.query)
        if name == "books":
            if rest:
                return self._book(rest, asked)
            # Thousands of books take long: frames must not wait for that.
            return await asyncio.to_thread(lambda: _json(self._all_books()))
        if name in self.answers and not rest:
            return _json(self.answers[name]())
        known = ["/books", "/books/<token_id>", *(f"/{name}" for name in self.answers)]
        return _json({"error": f"there is no {parts.path}", "paths": known}, 404)

    def _book(self, token: str, asked: dict[str, list[str]]) -> Response:
        text = asked.get("depth", [""])[0]
        if text and not text.isdigit():
            return _json(
                {"error": f"depth must be a number of levels, not {text}"}, 400
            )
        book = self._books.shown(token, int(text) if text else None)
        if book is None:
            return _json({"error": f"nothing was heard of token {token}"}, 404)
        return _json(book)

    def _all_books(self) -> list[dict[str, Any]]:
        shown = []
        for token in self._books.tokens():
            book = self._books.shown(token, 1)
            if book is not None:
                shown.append(book)
        return shown

    # Streams

    async def _stream(self, socket: ServerConnection) -> None:
        request = socket.request
        asked = parse_qs(urlsplit(request.path).query) if request else {}
        named = asked.get("tokens", [])
        tokens = {token for text in named for token in text.split(",")}
        client = Client(socket, tokens or set(self._books.tokens()), bool(tokens))
        self._clients[socket] = client
        try:
            await self._feed(client)
        except ConnectionClosed:
            pass
        finally:
            del self._clients[socket]

    async def _feed(self, client: Client) -> None:
        client.changed |= client.tokens
        first = set(client.tokens)  # as old as its last change, and no measure
        closed = asyncio.create_task(client.socket.wait_closed())
        try:
            while not closed.done():
                while client.changed:
                    token = client.changed.pop()
                    is_first = token in first
                    first.discard(token)
                    book = self._books.shown(token)
                    if book is not None:
                        await client.socket.send(orjson.dumps(book).decode())
                        if not is_first:
                            since = self._clock.now() - book["received_at_ns"]
                            self._latencies.append(since)
                client.woken.clear()
                waking = asyncio.create_task(client.woken.wait())
                await asyncio.wait(
                    (waking, closed), return_when=asyncio.FIRST_COMPLETED
                )
                waking.cancel()
        finally:
            closed.cancel()

    def _changed(self, loop: asyncio.AbstractEventLoop, tokens: set[str]) -> None:
        """Books have changed; called by the thread that reads."""
        if self._clients:
            with contextlib.suppress(RuntimeError):  # the loop is closing
                loop.call_soon_threadsafe(self._wake, tokens)

    def _wake(self, tokens: set[str]) -> None:
        for client in self._clients.values():
            wanted = tokens & client.tokens if client.is_picky else tokens
            if wanted:
                client.changed |= wanted
                client.woken.set()


class Client:
    """One that streams: what it wants, and what it has not been told yet."""

    def __init__(
        self, socket: ServerConnection, tokens: set[str], is_picky: bool
    ) -> None:
        self.socket = socket
        self.tokens = tokens
        self.is_picky = is_picky
        self.changed: set[str] = set()
        self.woken = asyncio.Event()


def _json(value: Any, status: int = 200) -> Response:
    body = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS) + b"\n"
    headers = Headers(
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
    )
    return Response(status, HTTPStatus(status).phrase, headers, body)
