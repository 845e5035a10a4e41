"""Gamma's and the CLOB's listings in a few lines, with bad habits to switch on."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fetcher.answer import Answer
from fetcher.errors import Gone, Refused
from fetcher.polymarket.times import unix_seconds

Item = dict[str, Any]
T0 = 1_790_000_000
SPACING = 600  # seconds between two markets, and between two events


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def market(number: int, **more: Any) -> Item:
    """A market as Gamma has it; keys that are null are absent."""
    item = {
        "id": str(number),
        "conditionId": f"0x{number:064x}",
        "slug": f"market-{number}",
        "question": f"Question {number}?",
        "closed": False,
        "createdAt": iso(T0 + number * SPACING),
        "updatedAt": iso(T0 + number * SPACING),
        "startDate": iso(T0 + number * SPACING),
        "clobTokenIds": json.dumps([str(number * 10), str(number * 10 + 1)]),
        "volumeNum": number,
        **more,
    }
    return {key: value for key, value in item.items() if value is not None}


def event(number: int, markets: Sequence[Item] = (), **more: Any) -> Item:
    return {
        "id": str(number),
        "slug": f"event-{number}",
        "title": f"Event {number}",
        "closed": bool(markets) and all(m["closed"] for m in markets),
        "createdAt": iso(T0 + number * SPACING),
        "startDate": iso(T0 + number * SPACING),
        "markets": list(markets),
        "tags": [{"id": "2", "label": "Politics", "slug": "politics"}],
        **more,
    }


class FakeGamma:
    """Keyset listings over `markets` and `events`, null sorting as the greatest.

    `hidden` ids are in no listing; parameters in `ignored` have no effect; `on_ask`
    sees each request before it is answered and may raise.
    """

    def __init__(
        self, markets: Sequence[Item] = (), events: Sequence[Item] = ()
    ) -> None:
        self.markets = list(markets)
        self.events = list(events)
        self.tags: list[Item] = [{"id": "2", "label": "Politics", "slug": "politics"}]
        self.hidden: set[str] = set()
        self.ignored: set[str] = set()
        self.asked: list[str] = []
        self.on_ask: Callable[[str], None] = lambda request: None
        self.clock: Callable[[], float] = lambda: T0 + 10_000_000
        self.refused_cursors: set[str] = set()
        self.cached: dict[str, bytes] | None = None  # first pages, once they are asked
        self._lock = threading.Lock()

    def get(
        self,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        groups: tuple[str, ...],
    ) -> Answer:
        request = path + ("?" + urlencode(list(params)) if params else "")
        with self._lock:
            self.asked.append(request)
        self.on_ask(request)
        age = None
        if self.cached is not None and "after_cursor" not in request:
            age = 299 if request in self.cached else 0
            body = self.cached.setdefault(request, self._body(path, params, request))
        else:
            body = self._body(path, params, request)
        now = datetime.fromtimestamp(self.clock(), UTC)
        return Answer(body, 200, age, None, request, now, 1)

    def _body(self, path: str, params: Any, request: str) -> bytes:
        return json.dumps(self._answer(path, params, request)).encode()

    def _answer(self, path: str, params: Any, request: str) -> Any:
        kind, _, rest = path.strip("/").partition("/")
        if kind == "tags":
            slug = rest.removeprefix("slug/")
            if not rest:
                offset = int(dict(params)["offset"])
                return self.tags[offset : offset + 100]
            return self._one([t for t in self.tags if t["slug"] == slug], request)
        items = self.markets if kind == "markets" else self.events
        if rest == "keyset":
            return self._page(kind, items, params, request)
        key = "slug" if rest.startswith("slug/") else "id"
        wanted = rest.removeprefix("slug/")
        found = self._one([i for i in items if i[key] == wanted], request)
        return found | ({"events": self._events_of(found)} if kind == "markets" else {})

    def _events_of(self, item: Item) -> list[Item]:
        return [
            {key: value for key, value in one.items() if key not in ("markets", "tags")}
            for one in self.events
            if any(m["id"] == item["id"] for m in one["markets"])
        ]

    def _one(self, items: list[Item], request: str) -> Item:
        if not items:
            raise Gone(f"{request} answered 404", status=404)
        return items[0]

    def _page(self, kind: str, items: list[Item], params: Any, request: str) -> Any:
        asked: dict[str, list[str]] = {}
        for key, value in params:
            if key not in self.ignored:
                asked.setdefault(key, []).append(value)
        field = asked.get("order", ["id"])[0]
        descends = asked.get("ascending", ["true"]) == ["false"]
        rows = [
            item
            for item in items
            if item["id"] not in self.hidden and _fits(item, asked)
        ]
        rows.sort(key=lambda i: int(i["id"]))
        rows.sort(key=lambda i: _sort_key(i, field), reverse=descends)
        start = 0
        if "after_cursor" in asked:
            cursor = asked["after_cursor"][0]
            if cursor in self.refused_cursors:
                raise Refused(f"{request} answered 422", status=422)
            key, number = json.loads(base64.b64decode(cursor))
            start = 1 + max(
                (n for n, i in enumerate(rows)
                 if [*_sort_key(i, field)] == key and i["id"] == number),
                default=-1,
            )  # fmt: skip
        limit = min(int(asked.get("limit", ["20"])[0]), 100)
        page = rows[start : start + limit]
        if kind == "markets":
            page = [i | {"events": self._events_of(i)} for i in page]
            if "include_tag" not in asked:
                page = [{k: v for k, v in i.items() if k != "tags"} for i in page]
        body: dict[str, Any] = {kind: page}
        if asked.get("include_markets") == ["false"]:
            body[kind] = [{k: v for k, v in i.items() if k != "markets"} for i in page]
        if len(page) == limit:
            last = [[*_sort_key(page[-1], field)], page[-1]["id"]]
            body["next_cursor"] = base64.b64encode(json.dumps(last).encode()).decode()
        return body


class FakeClob:
    """The CLOB's list of markets, `size` rows a page, by offsets in disguise."""

    def __init__(self, rows: Sequence[Item] = (), *, size: int = 50) -> None:
        self.rows = list(rows)
        self.size = size
        self.asked: list[str] = []
        self.before_page: Callable[[int], None] = lambda number: None

    def get(
        self, path: str, params: Sequence[tuple[str, str]] = (), *, groups: Any
    ) -> Answer:
        self.asked.append(path)
        self.before_page(len(self.asked))
        cursor = dict(params).get("next_cursor", "MA==")
        if path != "/markets":
            found = [r for r in self.rows if path.endswith(r["condition_id"])]
            if not found or not found[0]["condition_id"]:
                raise Gone(f"{path} answered 404", status=404)
            body: Any = found[0]
        else:
            assert cursor != "LTE=", "the end marker was asked for"
            offset = int(base64.b64decode(cursor))
            page = self.rows[offset : offset + self.size]
            end = offset + self.size
            more = base64.b64encode(str(end).encode()).decode()
            following = more if end < len(self.rows) else "LTE="
            body = {"data": page, "next_cursor": following, "limit": self.size}
        now = datetime.fromtimestamp(T0 + 10_000_000, UTC)
        return Answer(json.dumps(body).encode(), 200, None, None, path, now, 1)


def clob_market(number: int, **more: Any) -> Item:
    return {
        "condition_id": f"0x{number:064x}",
        "question_id": f"0x{number:064x}",
        "market_slug": f"market-{number}",
        "closed": False,
        "tokens": [{"token_id": "1", "outcome": "Yes", "price": 0.5, "winner": False}],
        "tags": None,
        "rewards": {"rates": None, "min_size": 0, "max_spread": 0},
        **more,
    }


def _sort_key(item: Item, field: str) -> tuple[int, float]:
    value = item.get(field)
    if value is None:
        return (1, 0.0)
    if isinstance(value, str) and not value.isdigit():
        return (0, float(unix_seconds(value) or 0))
    return (0, float(value))


def _fits(item: Item, asked: dict[str, list[str]]) -> bool:
    closed = asked.get("closed", ["false"])[0] == "true"
    if bool(item.get("closed")) is not closed:
        return False
    for param, key in (("id", "id"), ("condition_ids", "conditionId")):
        if param in asked and item.get(key) not in asked[param]:
            return False
    for param, key in (("start_date", "startDate"), ("end_date", "endDate")):
        time = unix_seconds(item.get(key))
        low, high = (asked.get(f"{param}_{s}", [None])[0] for s in ("min", "max"))
        if (low or high) and time is None:
            return False
        if low and time is not None and time < (unix_seconds(low) or 0):
            return False
        if high and time is not None and time > (unix_seconds(high) or 0):
            return False
    if "volume_num_min" in asked:
        volume = item.get("volumeNum")
        if volume is None or volume < float(asked["volume_num_min"][0]):
            return False
    if "tag_id" in asked:
        return any(t["id"] in asked["tag_id"] for t in item.get("tags", ()))
    return True
