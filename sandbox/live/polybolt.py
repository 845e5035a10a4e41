"""PolyBolt: prices with numbered messages, for those who have credentials."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from sandbox.live.connection import Connection
from sandbox.live.messages import Message, Row
from sandbox.live.prices import E18, decimal_text
from sandbox.live.ticks import Tick, recent, ticks
from sandbox.web import Json, dumps

if TYPE_CHECKING:
    from sandbox.live.hub import Hub

CREDENTIALS = {"apiKey": str(uuid.UUID(int=1)), "secret": "c2FuZGJveA==",
               "passphrase": "sandbox"}  # fmt: skip
SYMBOLS = {"btcusd": "btc", "ethusd": "eth"}
CHANNELS = {"price.crypto": "chainlink", "price.crypto.twap": "twap60"}
MOST = 64
LONGEST_FRAME = 64 << 10
SNAPSHOT_SECONDS = 120
UNAUTHORIZED, POLICY = 4001, 4008


@dataclass
class Client:
    """What one connection has said and been given."""

    authed: bool = False
    wishes: set[tuple[str, str]] = field(default_factory=set)
    seq: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)


class PolyBolt:
    """The connections of this service."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._clients: dict[Connection, Client] = {}
        hub.feeds.append(self.tell)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection from its upgrade to its end."""

        async def listen(connection: Connection) -> None:
            self._clients[connection] = Client()
            async for frame in connection.socket:
                if frame.type is WSMsgType.TEXT:
                    self.heard(connection, frame.data)

        return await self._hub.serve(request, "polybolt", listen)

    def heard(self, connection: Connection, text: str) -> None:
        """One operation of a client."""
        client = self._clients[connection]
        try:
            body: Json = json.loads(text)
            operation = str(body["op"])
        except (ValueError, KeyError, TypeError):
            connection.close(POLICY)
            return
        if len(text.encode()) > LONGEST_FRAME:
            connection.close(POLICY)
        elif operation == "ping":
            connection.raw(answer("pong", body))
        elif operation == "auth":
            self._auth(connection, client, body)
        elif operation not in ("subscribe", "unsubscribe"):
            connection.raw(answer("error", body, code="unknown_op"))
        elif not client.authed:
            connection.raw(answer("error", body, code="auth_required"))
        else:
            self._change(connection, client, body, operation)

    def _auth(self, connection: Connection, client: Client, body: Json) -> None:
        if body.get("auth") == CREDENTIALS:
            client.authed = True
            connection.raw(answer("authed", body))
        else:
            connection.raw(answer("error", body, code="auth_failed"))
            connection.close(UNAUTHORIZED)
            self._hub.forget(connection)

    def _change(
        self, connection: Connection, client: Client, body: Json, operation: str
    ) -> None:
        self._hub.pump()
        for one in body.get("subscriptions") or [body]:
            channel, wanted = str(one.get("channel")), one.get("filter") or {}
            symbol = str(wanted.get("symbol"))
            known = channel in CHANNELS and symbol in SYMBOLS
            if not known or wanted.get("window_seconds", 60) != 60:
                code = "unknown_symbol" if channel in CHANNELS else "unknown_channel"
                connection.raw(answer("error", body, code=code, channel=channel))
                continue
            wish = (channel, symbol)
            if operation == "unsubscribe":
                client.wishes.discard(wish)
                connection.keys.discard(" ".join(wish))
                connection.raw(answer("unsubscribed", body, channel=channel))
                continue
            if len(client.wishes | {wish}) > MOST:
                connection.close(POLICY)
                return
            connection.raw(answer("subscribed", body, channel=channel))
            if wish not in client.wishes:
                client.wishes.add(wish)
                connection.keys.add(" ".join(wish))
                self._snapshot(connection, client, channel, symbol)
        self._hub.relieve(connection)

    def _snapshot(
        self, connection: Connection, client: Client, channel: str, symbol: str
    ) -> None:
        now = self._hub.told_until
        heard = recent(CHANNELS[channel], SYMBOLS[symbol], now, SNAPSHOT_SECONDS)
        payload = head(channel, symbol) | {"data": [point(tick) for tick in heard]}
        rows = tuple(Row(symbol, price=decimal_text(tick.value)) for tick in heard)
        made = Message(f"{channel} snapshot", "", (), now, "", rows or (Row(symbol),))
        more = {"ts": now, "snapshot": True, "payload": payload}
        self._send(connection, client, channel, self._hub.numbered(made), more)

    def tell(self, before: int, now: int) -> None:
        """Send what has arrived since."""
        for gone in set(self._clients) - set(self._hub.connections):
            del self._clients[gone]
        wanted = {wish for client in self._clients.values() for wish in client.wishes}
        news: list[tuple[Tick, tuple[str, str], Message]] = []
        for channel, symbol in wanted:
            for tick in ticks(CHANNELS[channel], SYMBOLS[symbol], before, now):
                row = Row(symbol, price=decimal_text(tick.value))
                made = Message(channel, "", (), tick.observed, "", (row,))
                news.append((tick, (channel, symbol), self._hub.numbered(made)))
        news.sort(key=lambda one: one[:2])
        for connection, client in self._clients.items():
            for tick, wish, made in news:
                if wish in client.wishes and " ".join(wish) in connection.keys:
                    payload = head(*wish) | point(tick)
                    more = {"ts": tick.arrives, "payload": payload}
                    self._send(connection, client, wish[0], made, more)

    def _send(
        self, connection: Connection, client: Client, channel: str, made: Message,
        more: dict[str, Json],
    ) -> None:  # fmt: skip
        client.seq[channel] = client.seq.get(channel, 0) + 1
        body = {"v": 1, "channel": channel, "seq": client.seq[channel], **more}
        if connection.drop:
            client.lost[channel] = client.lost.get(channel, 0) + 1
        elif client.lost.get(channel):
            body["dropped"] = client.lost.pop(channel)
        connection.send(dumps(body).decode(), (made,))


def answer(operation: str, body: Json, **more: str) -> bytes:
    """An acknowledgement; it names the request where that had a name."""
    rid = {"rid": body["rid"]} if "rid" in body else {}
    return dumps({"op": operation, **more, **rid})


def head(channel: str, symbol: str) -> dict[str, Json]:
    """What every payload of a channel says."""
    found: dict[str, Json] = {"symbol": symbol, "source": "chainlink"}
    return found | ({"window_seconds": 60} if channel.endswith("twap") else {})


def point(tick: Tick) -> dict[str, Json]:
    """A price, its digits all in the text."""
    return {
        "timestamp": tick.observed,
        "value": tick.value / E18,
        "full_accuracy_value": decimal_text(tick.value),
    }
