"""PolyBolt: prices whose messages are numbered, for those who have credentials."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fetcher.live.feeds import FeedRefused, Heard, Tick, object_of, plain

SOURCE = "polybolt"
SPOT, AVERAGE = "price.crypto", "price.crypto.twap"
WINDOW_SECONDS = 60
VARIABLES = (
    "POLYLAKE_POLYBOLT_KEY",
    "POLYLAKE_POLYBOLT_SECRET",
    "POLYLAKE_POLYBOLT_PASSPHRASE",
)


@dataclass(frozen=True)
class Credentials:
    """What the CLOB gave; none of it is ever shown."""

    key: str = field(repr=False)
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Credentials | None:
        """Those that the environment has, if it has all three."""
        found = [environment.get(name, "") for name in VARIABLES]
        return cls(*found) if all(found) else None


class PolyBolt:
    """Spot prices and one-minute averages of some assets (btc, eth).

    `seq` counts a channel's messages on one connection, so what is missing is known.
    """

    service = SOURCE
    setting = "apis.polybolt.url"
    ping: str | None = None  # the server pings
    ping_seconds = 0.0
    dead_seconds = 60.0
    silent_seconds = 30.0

    def __init__(self, assets: Sequence[str], credentials: Credentials) -> None:
        self._assets = list(assets)
        self._credentials = credentials
        self._seq: dict[str, int] = {}

    def opening(self) -> Sequence[str]:
        """Say who asks; what is asked for follows once that is accepted."""
        self._seq.clear()
        own = self._credentials
        auth = {
            "apiKey": own.key,
            "secret": own.secret,
            "passphrase": own.passphrase,
        }
        return [json.dumps({"op": "auth", "rid": "1", "auth": auth})]

    def read(self, payload: bytes) -> Heard:
        """Read a frame."""
        message = object_of(payload)
        if message is None:
            return Heard()
        said = {message.get(key) for key in ("op", "type", "event", "status")}
        if "authed" in said:
            return Heard(answer=[self._subscription()])
        if "error" in said or message.get("error"):
            raise FeedRefused(_why(message))
        if "subscribed" in said:  # it names the channel, and has no price
            return Heard()
        channel, content = message.get("channel"), message.get("payload")
        if not isinstance(channel, str):
            return Heard()  # an acknowledgement
        missed = int(message.get("dropped") or 0) + self._skipped(channel, message)
        is_snapshot = bool(message.get("snapshot"))
        return Heard(list(self._ticks(channel, content, is_snapshot, message)), missed)

    def _subscription(self) -> str:
        wanted = [
            {"channel": channel, "filter": {"symbol": f"{asset}usd", **more}}
            for asset in self._assets
            for channel, more in (
                (SPOT, {"source": "chainlink"}),  # the default has changed before
                (AVERAGE, {"window_seconds": WINDOW_SECONDS}),
            )
        ]
        return json.dumps({"op": "subscribe", "rid": "2", "subscriptions": wanted})

    def _skipped(self, channel: str, message: Mapping[str, Any]) -> int:
        seq = message.get("seq")
        if not isinstance(seq, int):
            return 0
        before = self._seq.get(channel)
        self._seq[channel] = seq
        return 0 if before is None else max(0, seq - before - 1)

    def _ticks(
        self, channel: str, content: Any, is_snapshot: bool, message: Mapping[str, Any]
    ) -> Iterator[Tick]:
        points = content
        shared: Mapping[str, Any] = {}
        if isinstance(content, dict):
            shared = content
            points = content.get("data", [content])
        if not isinstance(points, list):
            raise ValueError(f"a payload of {type(content).__name__} on {channel}")
        for point in points:
            both = {**shared, **point}
            price, digits = plain(both.get("full_accuracy_value") or both["value"])
            yield Tick(
                exchange_at_us=int(both["timestamp"]) * 1_000,
                source=SOURCE,
                symbol=str(both["symbol"]),
                price=price,
                price_text=digits,
                sequence=message.get("seq"),
                window_seconds=WINDOW_SECONDS if channel == AVERAGE else None,
                message_type="snapshot" if is_snapshot else "update",
                extra=json.dumps({"source": both["source"]})
                if "source" in both
                else None,
            )


def _why(message: Mapping[str, Any]) -> str:
    told = [message.get(key) for key in ("code", "error", "message", "reason")]
    said = ": ".join(str(one)[:200] for one in told if one not in (None, ""))
    if "auth" in said:
        said += f". Check {', '.join(VARIABLES)} in the environment"
    return said or "it said error, and no more"
