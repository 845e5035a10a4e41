"""Polymarket's price relay (RTDS): Chainlink, its average, and Binance.

Each topic has a connection of its own: a topic that falls silent does so without a
word, one that is refused takes the others of its batch along, and the first message of
Chainlink's is labelled as Binance's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fetcher.live.feeds import FeedRefused, Heard, Tick, object_of, plain, scaled


@dataclass(frozen=True)
class Topic:
    """One of the relay's price topics."""

    name: str
    kind: str  # the type to subscribe to
    source: str
    symbol: str  # with the asset in it
    is_scaled: bool  # prices come as integers of 1e-18, too
    window_seconds: int | None = None


CHAINLINK = Topic("crypto_prices_chainlink", "*", "chainlink", "{}/usd", True)
TWAP = Topic("crypto_prices_twap_sixty", "*", "chainlink_twap", "{}/usd", True, 60)
BINANCE = Topic("crypto_prices", "update", "binance", "{}usdt", False)
TOPICS = (CHAINLINK, TWAP, BINANCE)


class Rtds:
    """One topic of the relay, for some assets (btc, eth)."""

    setting = "apis.rtds.url"
    ping: str | None = "PING"
    ping_seconds = 5.0
    dead_seconds = 30.0
    silent_seconds = 30.0

    def __init__(self, topic: Topic, assets: Sequence[str]) -> None:
        self.topic = topic
        self.service = f"rtds_{topic.source}"
        self._assets = list(assets)

    def opening(self) -> Sequence[str]:
        """Subscribe to one symbol at a time: a list of them yields nothing."""
        return [
            json.dumps(
                {
                    "action": "subscribe",
                    "subscriptions": [
                        {
                            "topic": self.topic.name,
                            "type": self.topic.kind,
                            # with a blank in it updates stop, and nobody says so
                            "filters": json.dumps(
                                {"symbol": self.topic.symbol.format(asset)},
                                separators=(",", ":"),
                            ),
                        }
                    ],
                }
            )
            for asset in self._assets
        ]

    def read(self, payload: bytes) -> Heard:
        """Read a frame; an empty one is an acknowledgement."""
        message = object_of(payload)
        if message is None:
            return Heard()
        content = message.get("payload")
        if not isinstance(content, dict):
            if "topic" in message:
                raise ValueError("a message without a payload")
            raise FeedRefused(json.dumps(message)[:200])
        return Heard(list(self._ticks(str(message.get("type")), content)))

    def _ticks(self, kind: str, content: Mapping[str, Any]) -> Iterator[Tick]:
        points = content.get("data")
        if kind != "subscribe" and not isinstance(points, list):
            yield self._tick(content, content, "update")
            return
        for point in points if isinstance(points, list) else ():
            yield self._tick(content, point, "snapshot")

    def _tick(
        self, content: Mapping[str, Any], point: Mapping[str, Any], kind: str
    ) -> Tick:
        topic = self.topic
        full = point.get("full_accuracy_value")
        if full is None:
            price, digits = plain(point["value"])
        else:
            price, digits = scaled(full) if topic.is_scaled else plain(full)
        window = point.get("window_s", topic.window_seconds)
        return Tick(
            exchange_at_us=int(point["timestamp"]) * 1_000,
            source=topic.source,
            symbol=str(content["symbol"]),
            price=price,
            price_text=digits,
            window_seconds=None if window is None else int(window),
            message_type=kind,
        )
