"""A service on 127.0.0.1 that answers as each test wants, and clients without waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fetcher.connection import Connections
from fetcher.http import Api, host_of
from fetcher.limits import Limiter
from fetcher.retry import Backoff


@dataclass
class Reply:
    """One answer; `cut` bytes of its body are left out, `drop` closes without one.

    `drip` lets it come bit by bit, for ever.
    """

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    drop: bool = False
    chunked: bool = False
    drip: bool = False


class Service:
    """Answers each request with the next reply, the last one again and again."""

    def __init__(self) -> None:
        self.replies: list[Reply] = [Reply()]
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                service.connections += 1

            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                reply = service._next(self.path, dict(self.headers))
                if reply.drop:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                sent = reply.body[: len(reply.body) - reply.cut]
                if reply.drip:
                    self.close_connection = True
                    self.end_headers()
                    with suppress(OSError):
                        while True:
                            self.wfile.write(b" " * 1000)
                    return
                if reply.chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    end = b"" if reply.cut else b"0\r\n\r\n"
                    self.wfile.write(b"%x\r\n%s\r\n%s" % (len(sent), sent, end))
                else:
                    self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(sent)
                self.close_connection = bool(reply.cut)

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                service.bodies.append(self.rfile.read(length))
                self.do_GET()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    def answers(self, *replies: dict[str, Any]) -> None:
        """Say how the next requests are answered, each as the fields of a Reply."""
        self.replies = [Reply(**reply) for reply in replies]

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def _next(self, path: str, headers: dict[str, str]) -> Reply:
        with self._lock:
            self.asked.append(path)
            self.headers.append(headers)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@dataclass
class Waits:
    """A clock that sleeping moves, and the sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def client(tmp_path, waits) -> Iterator[Callable[..., Api]]:
    """Make clients whose waits are not slept but noted, and whose chance is 1."""
    made: list[tuple[Api, Limiter]] = []

    def make(
        base_url: str,
        *,
        max_bytes: int = 1_000_000,
        read_timeout: float = 2,
        **more: object,
    ) -> Api:
        limiter = Limiter(
            host_of(base_url),
            dict.fromkeys(("g", "clob_all", "clob_prices_history"), 100_000),
            tmp_path / "runtime",
            clock=waits.clock,
            sleep=waits.sleep,
        )
        connections = Connections(
            base_url,
            connect_timeout=2,
            read_timeout=read_timeout,
            max_bytes=max_bytes,
            user_agent="polylake-test",
        )
        settings: dict[str, object] = {
            "max_attempts": 4,
            "backoff": Backoff(chance=lambda: 1.0),
            "clock": waits.clock,
            "sleep": waits.sleep,
        }
        api = Api(base_url, connections, limiter, **(settings | more))  # type: ignore[arg-type]
        made.append((api, limiter))
        return api

    yield make
    for api, limiter in made:
        api.close()
        limiter.close()
