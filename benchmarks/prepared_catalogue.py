"""A server of a catalogue of any size, cut from the replica's own answers.

`python -m benchmarks.prepared_catalogue --markets 1500000` takes events and markets of
a small replica as stencils, and writes numbers, ids, slugs and times into them as pages
are asked for, some microseconds a market: so it holds no catalogue in memory, and a
million markets cost it seconds. Markets an event are those that were captured: 1, 1, 1,
15, 21, 26, 50, 85. The newest 280,000 of 1.5 million are open. Events began a second
or more apart, in order of their ids. Now and then an id is that of no market.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import time
import urllib.parse
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from benchmarks.flood import Flood, first_of, market_of, stencils
from benchmarks.measure import cpu_of
from benchmarks.prepared import serve
from sandbox.limits import SECONDS, groups_of
from sandbox.options import Options
from sandbox.service import Service
from sandbox.settings_toml import toml_for
from sandbox.universe import build_universe
from sandbox.world import World

PAGE = 100
CLOB_PAGE = 1_000
_GROUPS = {
    "markets": groups_of("/gamma/markets/keyset", ("gamma_markets", "gamma_listings")),
    "events": groups_of("/gamma/events/keyset", ("gamma_events", "gamma_listings")),
    "clob": ("clob_all",),
}


class FloodAnswers:
    """The answers of Gamma and the CLOB to what a pass asks, and an account of it."""

    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self._began: float | None = None
        self._forget()

    def to(self, method: str, target: str, body: bytes) -> bytes:
        """The whole answer to a request."""
        path, _, query = target.partition("?")
        params = urllib.parse.parse_qs(query)
        self._began = self._began or time.monotonic()
        if path == "/_prepared":
            return _sent(json.dumps(self._account()).encode())
        if path == "/clob/markets":
            self._count("clob", path)
            return _sent(self._clob(params))
        parts = path.split("/")
        if len(parts) > 2 and parts[1] == "gamma" and parts[2] in ("markets", "events"):
            self._count(parts[2], "/".join(parts[:3] + ["keyset"] * (len(parts) == 4)))
            if parts[3:] == ["keyset"]:
                state = "closed" if params.get("closed") == ["true"] else "open"
                self._last[f"{parts[2]}, {state}"] = time.monotonic()
                return _sent(self._listing(parts[2], params))
        return _sent(b'{"type":"not found error","error":"id not found"}', 404)

    def _listing(self, listing: str, params: dict[str, list[str]]) -> bytes:
        flood, closed = self._flood, params.get("closed") == ["true"]
        low, high = flood.range_of(listing, closed)
        if "id" in params or "condition_ids" in params:
            return self._named(listing, params, low, high)
        if "after_cursor" in params:
            low = int(base64.urlsafe_b64decode(params["after_cursor"][0]))
        elif "start_date_min" in params:
            text = params["start_date_min"][0]
            since = flood.first_since(int(datetime.fromisoformat(text).timestamp()))
            low = max(low, since if listing == "events" else first_of(since))
        if params.get("ascending") != ["true"]:  # newest first: nothing is undated
            rows = range(high - 1, max(low, high - PAGE) - 1, -1)
            return self._page(listing, rows, None)
        rows = range(low, min(low + PAGE, high))
        return self._page(listing, rows, rows.stop if len(rows) == PAGE else None)

    def _named(
        self, listing: str, params: dict[str, list[str]], low: int, high: int
    ) -> bytes:
        places = [
            place
            for text in params.get("id", ())
            if (
                place := market_of(int(text)) if listing == "markets" else int(text) - 1
            )
            is not None
        ]
        return self._page(listing, [p for p in places if low <= p < high], None)

    def _page(self, listing: str, rows: Sequence[int], after: int | None) -> bytes:
        made = self._flood.event if listing == "events" else self._flood.market
        inner = b",".join(made(place) for place in rows)
        cursor = b""
        if after is not None:
            text = base64.urlsafe_b64encode(b"%d" % after)
            cursor = b',"next_cursor":"' + text + b'"'
        return b'{"%s":[%s]%s}' % (listing.encode(), inner, cursor)

    def _clob(self, params: dict[str, list[str]]) -> bytes:
        first = int(base64.b64decode(params.get("next_cursor", ["MA=="])[0]))
        last = min(first + CLOB_PAGE, self._flood.markets)
        inner = b",".join(map(self._flood.clob_market, range(first, last)))
        ended = last == self._flood.markets
        following = b"LTE=" if ended else base64.b64encode(b"%d" % last)
        return b'{"limit":1000,"count":%d,"next_cursor":"%s","data":[%s]}' % (
            last - first, following, inner,
        )  # fmt: skip

    def _forget(self) -> None:
        self._asked: Counter[str] = Counter()
        self._windows: defaultdict[str, deque[float]] = defaultdict(deque)
        self._most: Counter[str] = Counter()
        self._began = None
        self._last: dict[str, float] = {}
        self._cpu = cpu_of(os.getpid())

    def _count(self, kind: str, path: str) -> None:
        now = time.monotonic()
        self._asked[path] += 1
        for group in _GROUPS[kind]:
            window = self._windows[group]
            window.append(now)
            while window[0] <= now - SECONDS:
                window.popleft()
            self._most[group] = max(self._most[group], len(window))

    def _account(self) -> dict[str, Any]:
        told = {
            "requests": dict(self._asked),
            "most_in_10_seconds": dict(self._most),
            "seconds_until_last_page": {
                what: round(at - (self._began or at), 1)
                for what, at in self._last.items()
            },
            "server_cpu_seconds": round(cpu_of(os.getpid()) - self._cpu, 2),
        }
        self._forget()
        return told


def _sent(body: bytes, status: int = 200) -> bytes:
    head = (
        f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main(arguments: Sequence[str] | None = None) -> None:
    """Cut the stencils, and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=1_500_000)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    chosen = parser.parse_args(arguments)
    options = Options(size="large", markets=3_000, fills=3_000, cdn=False)
    service = Service(World(build_universe(options)))
    flood = Flood(chosen.markets, *stencils(service))
    late = chosen.latency_ms / 1000
    asyncio.run(serve(FloodAnswers(flood), late, lambda port: toml_for(options, port)))


if __name__ == "__main__":
    main()
