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
from datetime import UTC, datetime
from typing import Any

from benchmarks.measure import cpu_of
from benchmarks.prepared import Answers, serve
from sandbox.limits import SECONDS, groups_of
from sandbox.options import Options
from sandbox.service import Service
from sandbox.settings_toml import toml_for
from sandbox.universe import build_universe
from sandbox.world import World

MARKETS_AN_EVENT = (1, 85, 1, 15, 50, 1, 21, 26)
_ROUND = sum(MARKETS_AN_EVENT)
_STARTS = [sum(MARKETS_AN_EVENT[:n]) for n in range(len(MARKETS_AN_EVENT))]
OPEN_SHARE = 280_000 / 1_500_000
A_GAP = 500  # so many markets, then an id that none has
PAGE = 100
CLOB_PAGE = 1_000
FIRST_START = 1_600_000_000
_GROUPS = {
    "markets": groups_of("/gamma/markets/keyset", ("gamma_markets", "gamma_listings")),
    "events": groups_of("/gamma/events/keyset", ("gamma_events", "gamma_listings")),
    "clob": ("clob_all",),
}


class Stencil:
    """A JSON object with holes, filled a thousand times faster than it is made."""

    def __init__(self, item: Any, holes: dict[str, str]) -> None:
        text = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
        text = text.replace("%", "%%")
        for name, hole in holes.items():
            text = text.replace(name, hole)
        self._text = text.encode()

    def filled(self, values: dict[bytes, bytes]) -> bytes:
        """The object with these values in its holes."""
        return self._text % values


class Flood:
    """The catalogue: markets and events by their places from 0 on."""

    def __init__(self, markets: int, stencils: dict[bool, Any], clob: Any) -> None:
        self.markets = markets
        self.events = event_of(markets - 1) + 1
        self._first_open = event_of(int(markets * (1 - OPEN_SHARE)))
        self.closed_markets = first_of(self._first_open)
        self._stencils = {
            closed: _stencils_of(event) for closed, event in stencils.items()
        }
        self._clob = {
            closed: Stencil(_clob_item(clob, closed), _HOLES)
            for closed in (True, False)
        }
        self._step = max((time.time() - FIRST_START - 86_400) / self.events, 1.0)

    def started(self, event: int) -> int:
        """The second in which an event and its markets began."""
        return FIRST_START + int(event * self._step)

    def first_since(self, second: int) -> int:
        """The first event that began then or later."""
        event = max(0, int((second - FIRST_START) / self._step) - 2)
        while event < self.events and self.started(event) < second:
            event += 1
        return event

    def range_of(self, listing: str, closed: bool) -> tuple[int, int]:
        """The places that a listing shows, the last one excluded."""
        if listing == "events":
            return (0, self._first_open) if closed else (self._first_open, self.events)
        if closed:
            return 0, self.closed_markets
        return self.closed_markets, self.markets

    def is_closed(self, market: int) -> bool:
        """Whether the market at this place is settled."""
        return market < self.closed_markets

    def market(self, place: int, *, embedded: bool = False) -> bytes:
        """The market at this place, as Gamma has it."""
        event = event_of(place)
        kind = self._stencils[self.is_closed(place)]
        return kind["embedded" if embedded else "market"].filled(
            self._values(place, event)
        )

    def event(self, place: int) -> bytes:
        """The event at this place with its markets."""
        first = first_of(place)
        last = min(first_of(place + 1), self.markets)
        inner = b",".join(self.market(n, embedded=True) for n in range(first, last))
        head = self._stencils[self.is_closed(first)]["event"].filled(
            self._values(first, place)
        )
        return head[:-1] + b',"markets":[' + inner + b"]}"

    def clob_market(self, place: int) -> bytes:
        """The market at this place, as the CLOB has it."""
        return self._clob[self.is_closed(place)].filled(
            self._values(place, event_of(place))
        )

    def _values(self, place: int, event: int) -> dict[bytes, bytes]:
        digits = b"%077d" % (place * 7_919 + 10**76)
        start = datetime.fromtimestamp(self.started(event), UTC)
        return {
            b"id": b"%d" % id_of(place),
            b"event": b"%d" % (event + 1),
            b"hex": b"%064x" % (place * 2_654_435_761 + 2**255),
            b"n": b"%d" % place,
            b"yes": digits,
            b"no": digits[::-1],
            b"at": start.strftime("%Y-%m-%dT%H:%M:%S").encode(),
        }


_HOLES = {
    "MARKET-ID": "%(id)s", "EVENT-ID": "%(event)s", "0xHEX": "0x%(hex)s",
    "NUMBER": "%(n)s", "YES-TOKEN": "%(yes)s", "NO-TOKEN": "%(no)s",
    "AT-TIME": "%(at)s",
}  # fmt: skip


def event_of(market: int) -> int:
    """The event that a market belongs to."""
    rounds, rest = divmod(market, _ROUND)
    inner = max(n for n, start in enumerate(_STARTS) if start <= rest)
    return rounds * len(MARKETS_AN_EVENT) + inner


def first_of(event: int) -> int:
    """An event's first market."""
    rounds, inner = divmod(event, len(MARKETS_AN_EVENT))
    return rounds * _ROUND + _STARTS[inner]


def id_of(market: int) -> int:
    """A market's id."""
    return market + market // A_GAP + 1


def market_of(number: int) -> int | None:
    """The market that has an id, or null."""
    place = number - 1 - (number - 1) // (A_GAP + 1)
    return place if place >= 0 and id_of(place) == number else None


def _market_item(item: Any) -> Any:
    item = {key: value for key, value in item.items() if key != "events"}
    item |= {
        "id": "MARKET-ID",
        "conditionId": "0xHEX",
        "questionID": "0xHEX",
        "slug": item["slug"] + "-NUMBER",
        "question": item["question"] + " NUMBER",
        "clobTokenIds": '["YES-TOKEN", "NO-TOKEN"]',
        "startDate": "AT-TIME.532141Z",
        "createdAt": "AT-TIME.532141Z",
    }
    return item


def _event_item(event: Any) -> Any:
    return {
        **{key: value for key, value in event.items() if key != "markets"},
        "id": "EVENT-ID",
        "slug": event["slug"] + "-EVENT-ID",
        "ticker": event["slug"] + "-EVENT-ID",
        "title": event["title"] + " EVENT-ID",
        "startDate": "AT-TIMEZ",
        "creationDate": "AT-TIMEZ",
    }


def _clob_item(item: Any, closed: bool) -> Any:
    tokens = [
        token | {"token_id": name}
        for token, name in zip(item["tokens"], ("YES-TOKEN", "NO-TOKEN"), strict=True)
    ]
    return item | {
        "condition_id": "0xHEX",
        "question_id": "0xHEX",
        "market_slug": item["market_slug"] + "-NUMBER",
        "question": item["question"] + " NUMBER",
        "closed": closed,
        "tokens": tokens,
    }


def _stencils_of(event: Any) -> dict[str, Stencil]:
    market = event["markets"][0]
    alone = _event_item(event)
    return {
        "embedded": Stencil(_market_item(market), _HOLES),
        "market": Stencil(_market_item(market) | {"events": [alone]}, _HOLES),
        "event": Stencil(alone, _HOLES),
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


def stencils(service: Service) -> tuple[dict[bool, Any], Any]:
    """An open and a closed event of the replica, and a market as the CLOB has it."""
    answers = Answers(service)
    found: dict[bool, Any] = {}
    for closed in (False, True):
        asked = f"/gamma/events/keyset?limit=100&closed={str(closed).lower()}&order=id"
        events = _body(answers, f"{asked}&ascending=false")["events"]
        found[closed] = next(
            event
            for event in events
            if event["markets"] and all("clobTokenIds" in m for m in event["markets"])
        )
    rows = _body(answers, "/clob/markets")["data"]
    return found, next(row for row in rows if len(row["tokens"]) == 2)


def _body(answers: Answers, target: str) -> Any:
    return json.loads(answers.to("GET", target, b"").partition(b"\r\n\r\n")[2])


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
