"""A server of prepared answers: the replica's bytes, made once and then only sent.

`python -m benchmarks.prepared --markets 20000 --fills 1250000` builds a replica whose
clock stands still. Whatever is asked for the first time is answered by it; from then on
the same bytes are sent without a thought, so that the server costs next to nothing.
Prints the settings to use with it, then `ready` on stderr.

`GET /_prepared` says what was asked since the last such question: requests a route, the
most in any 10 seconds a limit group, and the CPU seconds of the server.
`GET /_prepared/markets?days=60` names the markets that first traded so many days ago or
later, with how many fills each has, most first.
`GET /_prepared/advance?fills=20000` moves the clock until there are so many new fills,
forgets what was prepared, and says how many fills and markets that is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.measure import cpu_of
from sandbox.limits import SECONDS, groups_of
from sandbox.options import Options
from sandbox.service import Service
from sandbox.settings_toml import toml_for
from sandbox.universe import build_universe
from sandbox.web import Ask, Reply, Route
from sandbox.world import World

NOT_FOUND = Reply(b'{"error":"not found"}', 404)


# For a benchmark


@dataclass(frozen=True)
class Prepared:
    """A running server of prepared answers."""

    pid: int
    toml: str
    base: str

    def asked(self) -> Any:
        """What was asked since this was asked last."""
        with urllib.request.urlopen(f"{self.base}/_prepared", timeout=60) as answer:
            return json.load(answer)

    def advance(self, fills: int) -> Any:
        """Let so many new fills happen: how many, in how many markets and seconds."""
        url = f"{self.base}/_prepared/advance?fills={fills}"
        with urllib.request.urlopen(url, timeout=600) as answer:
            return json.load(answer)

    def listed(self, *, days: int) -> list[tuple[str, int]]:
        """Young markets and how many fills each has, those with most first."""
        url = f"{self.base}/_prepared/markets?days={days}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            found: list[tuple[str, int]] = json.load(answer)
        return found

    def markets(
        self, *, days: int, fills: int, largest: int | None = None
    ) -> list[str]:
        """Young markets, those with most fills first, with about so many fills.

        None has more than `largest`.
        """
        found = [
            (market, count)
            for market, count in self.listed(days=days)
            if largest is None or count <= largest
        ]
        sums = accumulate(count for _, count in found)
        return [
            market
            for (market, count), so_far in zip(found, sums, strict=True)
            if so_far - count < fills
        ]


@contextmanager
def prepared(*options: str, module: str = "benchmarks.prepared") -> Iterator[Prepared]:
    """Run the server as a process of its own."""
    server = subprocess.Popen(
        [sys.executable, "-m", module, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
        text=True,
    )
    assert server.stdout is not None
    assert server.stderr is not None
    try:
        while (line := server.stderr.readline()).strip() != "ready":
            if not line:
                raise SystemExit("the server of prepared answers did not start")
            sys.stderr.write(line)
        toml = ""
        while "#" not in (line := server.stdout.readline()):
            toml += line
        base = re.findall(r'base_url = "(.*)/\w+"', toml)[0]
        yield Prepared(server.pid, toml, base)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)


# The server


class Answers:
    """The bytes of every answer, and an account of what was asked."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._routes = [_matching(route) for route in service.routes()]
        self._made: dict[bytes, tuple[bytes, str]] = {}
        self._groups = {
            f"{route.method} {route.path}": groups_of(route.path, route.groups)
            for route in service.routes()
        }
        self._forget()

    def to(self, method: str, target: str, body: bytes) -> bytes:
        """The whole answer to a request."""
        if target == "/_prepared":
            return _sent(Reply(json.dumps(self._account()).encode()), None)
        if target.startswith("/_prepared/markets"):
            days = int(target.rpartition("=")[2])
            listed = young_markets(self._service.world, days)
            return _sent(Reply(json.dumps(listed).encode()), None)
        if target.startswith("/_prepared/advance"):
            told = advance(self._service.world, int(target.rpartition("=")[2]))
            self._made.clear()
            return _sent(Reply(json.dumps(told).encode()), None)
        key = b"%s %s %s" % (method.encode(), target.encode(), body)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._make(method, target, body)
        self._count(found[1])
        return found[0]

    def _make(self, method: str, target: str, body: bytes) -> tuple[bytes, str]:
        path, _, query = target.partition("?")
        params = tuple(urllib.parse.parse_qsl(query, keep_blank_values=True))
        for pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match is not None and route.method == method:
                ask = Ask(method, path, params, match.groupdict(), body)
                made = self._service.answer(route, ask, target, None)
                name = f"{route.method} {route.path}"
                if "condition=" in target and "%2C" in target:
                    name += " of several markets"
                return _sent(made, self._service.world.now), name
        return _sent(NOT_FOUND, None), "none"

    def _forget(self) -> None:
        self._routes_asked: Counter[str] = Counter()
        self._windows: defaultdict[str, deque[float]] = defaultdict(deque)
        self._most: Counter[str] = Counter()
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._cpu = cpu_of(os.getpid())

    def _count(self, name: str) -> None:
        now = time.monotonic()
        self._routes_asked[name] += 1
        for group in self._groups.get(name.partition(" of ")[0], ()):
            window = self._windows[group]
            window.append(now)
            while window[0] <= now - SECONDS:
                window.popleft()
            self._most[group] = max(self._most[group], len(window))
            self._first.setdefault(group, now)
            self._last[group] = now

    def _account(self) -> dict[str, Any]:
        told = {
            "requests": dict(self._routes_asked),
            "most_in_10_seconds": dict(self._most),
            "seconds": {
                group: round(self._last[group] - first, 3)
                for group, first in self._first.items()
            },
            "server_cpu_seconds": round(cpu_of(os.getpid()) - self._cpu, 2),
        }
        self._forget()
        return told


def advance(world: World, wanted: int) -> dict[str, int]:
    """Move the clock until so many more fills are served."""
    fills, now = world.tape.fills, world.now
    coming = np.sort(fills.timestamp[fills.timestamp > now])
    if not len(coming):
        return {"fills": 0, "markets": 0, "seconds": 0}
    then = int(coming[min(wanted, len(coming)) - 1])
    new = (fills.timestamp > now) & (fills.timestamp <= then)
    world.clock.advance(then - now + 60)  # rows are served some seconds late
    return {
        "fills": int(new.sum()),
        "markets": len(np.unique(fills.market[new])),
        "seconds": then - now,
    }


def young_markets(world: World, days: int) -> list[tuple[str, int]]:
    """The markets that began at most `days` ago, and their fills; most first.

    Without combinations of markets, which cannot be named.
    """
    fills = world.tape.fills
    began = world.now - days * 86_400
    count = np.bincount(fills.market)
    old = np.unique(fills.market[fills.timestamp < began])
    count[old] = 0
    order = np.argsort(count, kind="stable")[::-1]
    return [
        (world.catalogue.markets[place].condition, int(count[place]))
        for place in order
        if count[place] and world.catalogue.markets[place].kind != "combo"
    ]


class Answering(Protocol):
    """What knows the bytes of every answer."""

    def to(self, method: str, target: str, body: bytes) -> bytes: ...


class Connection(asyncio.Protocol):
    """One client's connection: requests one after the other, kept open."""

    def __init__(self, answers: Answering, latency: float) -> None:
        self._answers = answers
        self._latency = latency
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self._received = rest[size:]
            method, target, _ = head.partition(b"\r\n")[0].decode().split(" ", 2)
            answer = self._answers.to(method, target, rest[:size])
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._send, answer)
            else:
                self._send(answer)

    def _send(self, answer: bytes) -> None:
        if self._transport is not None:
            self._transport.write(answer)


def _matching(route: Route) -> tuple[re.Pattern[str], Route]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)), route


def _sent(made: Reply, now: int | None) -> bytes:
    headers = [
        ("Content-Type", made.content_type),
        ("Content-Length", str(len(made.body))),
        *made.headers,
    ]
    if now is not None:
        headers.append(("Date", formatdate(now, usegmt=True)))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {made.status} OK\r\n{head}\r\n".encode() + made.body


async def serve(answers: Answering, latency: float, toml: Any) -> None:
    """Answer until SIGTERM."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(answers, latency), "127.0.0.1", 0, backlog=128
    )
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(toml(port) + "\n# ready\n")
    sys.stdout.flush()
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
    server.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Build a replica and serve its answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=20_000)
    parser.add_argument("--fills", type=int, default=1_250_000)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--ahead-days", type=float, default=0.0)
    parser.add_argument("--rush-markets", type=int, default=0)
    chosen = parser.parse_args(arguments)
    options = Options(
        size="large",
        markets=chosen.markets,
        fills=chosen.fills,
        cdn=False,
        ahead_days=chosen.ahead_days,
        rush_markets=chosen.rush_markets,
    )
    answers = Answers(Service(World(build_universe(options))))
    latency = chosen.latency_ms / 1000
    asyncio.run(serve(answers, latency, lambda port: toml_for(options, port)))


if __name__ == "__main__":
    main()
