"""A catalogue of any size, written by filling the holes of a few objects."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from benchmarks.prepared import Answers
from sandbox.service import Service

MARKETS_AN_EVENT = (1, 85, 1, 15, 50, 1, 21, 26)
_ROUND = sum(MARKETS_AN_EVENT)
_STARTS = [sum(MARKETS_AN_EVENT[:n]) for n in range(len(MARKETS_AN_EVENT))]
OPEN_SHARE = 280_000 / 1_500_000
A_GAP = 500  # so many markets, then an id that none has
FIRST_START = 1_600_000_000


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
