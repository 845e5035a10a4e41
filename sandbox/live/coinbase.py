"""Coinbase Exchange's WebSocket feed: ticker and heartbeat."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from sandbox.live.chance import roll
from sandbox.live.coinbase_trades import (
    PRODUCTS,
    Trade,
    between,
    newest,
    sequence_of,
)
from sandbox.live.connection import Connection
from sandbox.live.messages import Message, Row
from sandbox.live.prices import spot_of
from sandbox.web import Json, dumps

if TYPE_CHECKING:
    from sandbox.live.hub import Hub

CHANNELS = ("ticker", "heartbeat")
MERGED = 0.08  # share of trades without a ticker of their own: cascades


class Coinbase:
    """The connections of this service and what each has subscribed to."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._channels: dict[Connection, dict[str, set[str]]] = {}
        hub.feeds.append(self.tell)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection from its upgrade to its end."""

        async def listen(connection: Connection) -> None:
            late = asyncio.get_running_loop().call_later(
                self._hub.patience, self.dismiss, connection
            )
            async for frame in connection.socket:
                if frame.type is WSMsgType.TEXT:
                    self.heard(connection, frame.data)
            late.cancel()

        return await self._hub.serve(request, "coinbase", listen)

    def dismiss(self, connection: Connection) -> None:
        """Close on a client that has subscribed to nothing in time."""
        if connection not in self._channels and not connection.gone:
            connection.close(1008)
            self._hub.forget(connection)

    def heard(self, connection: Connection, text: str) -> None:
        """A subscription, its end, or something that is refused in words."""
        try:
            body: Json = json.loads(text)
            kind, wanted = body["type"], pairs_of(body)
        except (ValueError, KeyError, TypeError):
            connection.raw(dumps({"type": "error", "message": "Malformed JSON"}))
            return
        problem = fault_of(kind, wanted)
        if problem is not None:
            reason = {"message": "Failed to subscribe", "reason": problem}
            connection.raw(dumps({"type": "error", **reason}))
            return
        self._hub.pump()
        mine = self._channels.setdefault(connection, {})
        fresh = []
        for channel, product in wanted:
            products = mine.setdefault(channel, set())
            if kind == "unsubscribe":
                products.discard(product)
            elif product not in products:
                products.add(product)
                fresh.append((channel, product))
        connection.keys = {f"{c} {p}" for c, ps in mine.items() for p in ps}
        listed = [
            {"name": c, "product_ids": sorted(ps)} for c, ps in mine.items() if ps
        ]
        connection.raw(dumps({"type": "subscriptions", "channels": listed}))
        for channel, product in fresh:
            if channel == "ticker":
                self.first(connection, product)
        self._hub.relieve(connection)

    def first(self, connection: Connection, product: str) -> None:
        """The last trade at once; it may lack what made it one."""
        now = self._hub.told_until
        trade = newest(PRODUCTS[product], now * 1_000)
        body = ticker(product, trade)
        if connection.number % 2 == 0:
            for key in ("trade_id", "last_size", "side"):
                del body[key]
        self._send([connection], product, trade, body, "ticker")

    def tell(self, before: int, now: int) -> None:
        """Send the tickers of the trades since, and a heartbeat a second."""
        for gone in set(self._channels) - set(self._hub.connections):
            del self._channels[gone]
        for product, asset in PRODUCTS.items():
            for channel, news in (
                ("ticker", self._tickers),
                ("heartbeat", self._beats),
            ):
                listeners = [
                    one
                    for one, channels in self._channels.items()
                    if product in channels.get(channel, ())
                    and f"{channel} {product}" in one.keys
                ]
                if listeners:
                    news(listeners, product, asset, before, now)

    def _tickers(
        self, to: list[Connection], product: str, asset: str, before: int, now: int
    ) -> None:
        for trade in between(asset, before * 1_000, now * 1_000):
            if roll(76, trade.id) >= MERGED:
                self._send(to, product, trade, ticker(product, trade), "ticker")

    def _beats(
        self, to: list[Connection], product: str, asset: str, before: int, now: int
    ) -> None:
        for second in range(before // 1_000 + 1, now // 1_000 + 1):
            trade = newest(asset, second * 1_000_000)
            body = {
                "type": "heartbeat",
                "sequence": sequence_of(trade) + 1,
                "last_trade_id": trade.id,
                "product_id": product,
                "time": rfc3339(second * 1_000_000 + 459_463),
            }
            self._send(to, product, trade, body, "heartbeat")

    def _send(
        self, to: list[Connection], product: str, trade: Trade, body: Json, kind: str
    ) -> None:
        text = dumps(body).decode()
        price = trade.price if kind == "ticker" else None
        row = Row(product, trade.side, price, trade.size, str(trade.id))
        made = Message(kind, "", (), trade.at_us // 1_000, text, (row,))
        self._hub.numbered(made)
        for connection in to:
            connection.send(text, (made,))


def pairs_of(body: Json) -> list[tuple[str, str]]:
    """Channels with products; a channel may bring products of its own."""
    common = [str(one) for one in body.get("product_ids", [])]
    pairs = []
    for one in body["channels"]:
        named = isinstance(one, dict)
        products = [str(p) for p in one.get("product_ids", common)] if named else common
        pairs += [(str(one["name"] if named else one), product) for product in products]
    return pairs


def fault_of(kind: str, wanted: list[tuple[str, str]]) -> str | None:
    """What is wrong with a request, in the words of the service."""
    if kind not in ("subscribe", "unsubscribe"):
        return f"Type {kind!r} is not supported"
    if not wanted:
        return "No channels or products"
    for channel, product in wanted:
        if channel not in CHANNELS:
            return f"{channel} is not a valid channel"
        if product not in PRODUCTS:
            return f"{product} is not a valid product"
    return None


def ticker(product: str, trade: Trade) -> dict[str, Json]:
    """The message of a match."""
    price = float(trade.price)
    before = spot_of(PRODUCTS[product], trade.at_us // 60_000_000 * 60 - 86_400)
    return {
        "type": "ticker", "sequence": sequence_of(trade), "product_id": product,
        "price": trade.price, "open_24h": f"{before:.2f}",
        "volume_24h": f"{8_231.5 + trade.id % 997:.8f}",
        "low_24h": f"{min(price, before) * 0.993:.2f}",
        "high_24h": f"{max(price, before) * 1.006:.2f}",
        "volume_30d": f"{231_118.25 + trade.id % 9_973:.8f}",
        "best_bid": f"{price - 0.01:.2f}", "best_bid_size": trade.size,
        "best_ask": f"{price:.2f}", "best_ask_size": "0.18600000",
        "side": trade.side, "time": rfc3339(trade.at_us), "trade_id": trade.id,
        "last_size": trade.size,
    }  # fmt: skip


def rfc3339(at_us: int) -> str:
    """A time with microseconds."""
    stamp = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{at_us % 1_000_000:06d}Z"
