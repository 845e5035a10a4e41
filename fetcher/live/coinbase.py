"""Coinbase's ticker: the price of each match, and a heartbeat a second."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fetcher.live.feeds import FeedRefused, Heard, Tick, object_of, plain

SOURCE = "coinbase"
_READ = {
    *("type", "sequence", "product_id", "price", "side", "time", "trade_id"),
    "last_size",
}


class Coinbase:
    """The ticker of some products, like BTC-USD.

    A ticker comes on matches only and merges those that cascade, so its sequence leaps
    and proves nothing. What is missing is told by the heartbeat: a last trade that two
    heartbeats in a row name and no ticker did.
    """

    service = SOURCE
    setting = "apis.coinbase.url"
    ping: str | None = None
    ping_seconds = 0.0
    dead_seconds = 5.0  # heartbeats come every second
    silent_seconds = 120.0  # matches do not

    def __init__(self, products: Sequence[str]) -> None:
        self._products = list(products)
        self._unknown: set[str] = set()
        self._last: dict[str, int] = {}
        self._unseen: dict[str, int] = {}

    def opening(self) -> Sequence[str]:
        """Subscribe, within the five seconds that Coinbase gives.

        It refuses all products for one that it does not know: that one is left out.
        """
        self._last.clear()
        self._unseen.clear()
        asked = {
            "type": "subscribe",
            "product_ids": [one for one in self._products if one not in self._unknown]
            or self._products,
            "channels": ["ticker", "heartbeat"],
        }
        return [json.dumps(asked)]

    def read(self, payload: bytes) -> Heard:
        """Read a frame."""
        message = object_of(payload)
        kind = None if message is None else message.get("type")
        if message is None or kind == "subscriptions":
            return Heard()
        if kind == "error":
            why = ": ".join(
                str(message[key]) for key in ("message", "reason") if message.get(key)
            )
            self._unknown.update(one for one in self._products if one in why.split())
            raise FeedRefused(why or "it said error, and no more")
        if kind == "heartbeat":
            return Heard(missed=self._missed(message))
        if kind != "ticker":
            raise ValueError(f"a message of type {kind!r}")
        return Heard([self._tick(message)])

    def _tick(self, message: Mapping[str, Any]) -> Tick:
        price, digits = plain(message["price"])
        product = str(message["product_id"])
        trade = message.get("trade_id")
        if isinstance(trade, int):
            self._last[product] = max(trade, self._last.get(product, 0))
        size = message.get("last_size")
        at = message.get("time")
        more = {key: message[key] for key in message if key not in _READ}
        return Tick(
            exchange_at_us=None if at is None else microseconds(str(at)),
            source=SOURCE,
            symbol=product,
            price=price,
            price_text=digits,
            size=None if size is None else float(size),
            side=message.get("side"),
            trade_id=trade if isinstance(trade, int) else None,
            sequence=message.get("sequence"),
            extra=json.dumps(more, separators=(",", ":")) if more else None,
        )

    def _missed(self, message: Mapping[str, Any]) -> int:
        product, last = str(message.get("product_id")), message.get("last_trade_id")
        known = self._last.get(product)
        if known is None or not isinstance(last, int) or last <= known:
            self._unseen.pop(product, None)
            return 0
        if self._unseen.get(product) is None:
            self._unseen[product] = last
            return 0
        self._last[product] = last
        del self._unseen[product]
        return 1


def microseconds(text: str) -> int:
    """Unix microseconds of an RFC 3339 time; ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
