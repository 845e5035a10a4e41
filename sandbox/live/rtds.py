"""The real-time data service: prices by topic, with all that is odd about it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import WSMsgType, web

from sandbox.live.connection import Connection
from sandbox.live.messages import Message, Row
from sandbox.live.prices import E18, decimal_text
from sandbox.live.ticks import Tick, recent, ticks
from sandbox.web import Json, dumps

if TYPE_CHECKING:
    from sandbox.live.hub import Hub

TOPICS = {
    "crypto_prices": ("binance", {"btcusdt": "btc", "ethusdt": "eth"}),
    "crypto_prices_chainlink": ("chainlink", {"btc/usd": "btc", "eth/usd": "eth"}),
    "crypto_prices_twap_thirty": ("twap30", {"btc/usd": "btc", "eth/usd": "eth"}),
    "crypto_prices_twap_sixty": ("twap60", {"btc/usd": "btc", "eth/usd": "eth"}),
}
SILENT = ("activity", "equity_prices", "comments")  # accepted, and nothing ever comes
SNAPSHOT_SECONDS = 60


class Wish(NamedTuple):
    """One subscription: a topic, a symbol, and whether updates come at all."""

    topic: str
    symbol: str
    quiet: bool


class Rtds:
    """The connections of this service and what each has subscribed to."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._wishes: dict[Connection, list[Wish]] = {}
        hub.feeds.append(self.tell)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection from its upgrade to its end."""

        async def listen(connection: Connection) -> None:
            async for frame in connection.socket:
                if frame.type is WSMsgType.TEXT and frame.data != "PING":
                    self.heard(connection, frame.data)

        return await self._hub.serve(request, "rtds", listen)

    def heard(self, connection: Connection, text: str) -> None:
        """A subscription, or its end; anything else is left unanswered."""
        try:
            body: Json = json.loads(text)
            action, asked = body["action"], list(body["subscriptions"])
            topics = [str(one["topic"]) for one in asked]
        except (ValueError, KeyError, TypeError):
            return
        if not all(topic in TOPICS or topic in SILENT for topic in topics):
            connection.raw(dumps(refusal(connection)))  # one bad topic, and none counts
            return
        self._hub.pump()
        wishes = [wish for one in asked for wish in wishes_of(one)]
        mine = self._wishes.setdefault(connection, [])
        if action == "unsubscribe":
            self._wishes[connection] = [
                one for one in mine
                if (one.topic, one.symbol) not in {(w.topic, w.symbol) for w in wishes}
            ]  # fmt: skip
            return
        connection.raw(b"")
        for wish in wishes:
            mine.append(wish)
            connection.keys.add(f"{wish.topic} {wish.symbol}")
            self.snapshot(connection, wish)
        self._hub.relieve(connection)

    def snapshot(self, connection: Connection, wish: Wish) -> None:
        """The last minute; whatever the topic, it is labelled as the one of Binance."""
        feed, symbols = TOPICS[wish.topic]
        now = self._hub.told_until
        heard = recent(feed, symbols[wish.symbol], now, SNAPSHOT_SECONDS)
        if not heard:
            return
        points = [{"timestamp": t.observed, "value": t.value / E18} for t in heard]
        body = {
            "topic": "crypto_prices",
            "type": "subscribe",
            "timestamp": now,
            "payload": {"symbol": wish.symbol, "data": points},
        }
        rows = tuple(Row(wish.symbol, price=str(point["value"])) for point in points)
        text = dumps(body).decode()
        made = Message("crypto_prices subscribe", "", (), now, text, rows)
        connection.send(text, (self._hub.numbered(made),))

    def tell(self, before: int, now: int) -> None:
        """Send what has arrived since."""
        for gone in set(self._wishes) - set(self._hub.connections):
            del self._wishes[gone]
        wanted = {
            (wish.topic, wish.symbol)
            for wishes in self._wishes.values()
            for wish in wishes
        }
        news: list[tuple[Tick, str, str, Message]] = []
        for topic, symbol in wanted:
            feed, symbols = TOPICS[topic]
            for tick in ticks(feed, symbols[symbol], before, now):
                row = Row(symbol, price=decimal_text(tick.value))
                made = Message(topic, "", (), tick.observed, "", (row,))
                news.append((tick, topic, symbol, self._hub.numbered(made)))
        news.sort(key=lambda one: one[0])
        for connection, wishes in self._wishes.items():
            open_ = {(wish.topic, wish.symbol) for wish in wishes if not wish.quiet}
            for tick, topic, symbol, made in news:
                if (topic, symbol) in open_ and f"{topic} {symbol}" in connection.keys:
                    connection.send(update(connection, tick, topic, symbol), (made,))


def wishes_of(one: Json) -> list[Wish]:
    """The symbols of a subscription: one, or all without a filter; none for a list."""
    topic, text = str(one["topic"]), one.get("filters") or ""
    if topic not in TOPICS:
        return []
    symbols = TOPICS[topic][1]
    if not text:
        return [Wish(topic, symbol, False) for symbol in symbols]
    try:
        symbol = json.loads(text)["symbol"]
    except (ValueError, KeyError, TypeError):
        return []
    quiet = any(letter.isspace() for letter in text)
    return [Wish(topic, symbol, quiet)] if symbol in symbols else []


def connection_id(connection: Connection) -> str:
    """The name of a connection, as updates carry it."""
    return base64.b64encode(f"TOWC{connection.number:06d}".encode()).decode()


def refusal(connection: Connection) -> dict[str, Json]:
    """The answer to a batch with a topic that does not exist."""
    return {
        "statusCode": 401,
        "body": {"message": "Unauthorized", "connectionId": connection_id(connection)},
    }


def update(connection: Connection, tick: Tick, topic: str, symbol: str) -> str:
    """An update: Binance's digits plain, those of Chainlink as an integer of 1e-18."""
    plain = topic == "crypto_prices"
    full = f"{tick.value // 10**10 / 1e8:.8f}" if plain else str(tick.value)
    window = {"twap_thirty": 30, "twap_sixty": 60}.get(topic[14:])
    payload: dict[str, Json] = {
        "full_accuracy_value": full,
        "symbol": symbol,
        "timestamp": tick.observed,
        "value": tick.value / E18,
    }
    if window:
        payload["window_s"] = window
    body = {
        "connection_id": connection_id(connection),
        "payload": payload,
        "timestamp": tick.arrives,
        "topic": topic,
        "type": "update",
    }
    return dumps(body).decode()
