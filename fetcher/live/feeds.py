"""What the crypto recorder needs of a feed: what to say, and how to read what comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import orjson

Row = tuple[Any, ...]


MOST_DIGITS = 60  # of a price, before or after the point


class FeedRefused(Exception):
    """The feed says that what it was asked for is wrong."""


@dataclass(frozen=True)
class Tick:
    """One price, as bronze crypto_prices holds it, without reception and lineage."""

    exchange_at_us: int | None
    source: str
    symbol: str
    price: float
    price_text: str
    size: float | None = None
    side: str | None = None
    trade_id: int | None = None
    sequence: int | None = None
    window_seconds: int | None = None
    message_type: str = "update"
    extra: str | None = None


@dataclass
class Heard:
    """What a frame said: prices, how many messages are missing, what to answer."""

    ticks: list[Tick] = field(default_factory=list)
    missed: int = 0
    answer: list[str] = field(default_factory=list)


class Feed(Protocol):
    """One feed on one connection; it may remember what it heard on it."""

    service: str
    setting: str
    ping: str | None
    ping_seconds: float
    dead_seconds: float  # without any frame
    silent_seconds: float  # without a price

    def opening(self) -> Sequence[str]:
        """What to say first; forgets what was heard on the connection before."""

    def read(self, payload: bytes) -> Heard:
        """Read a frame. ValueError: it is not what the feed says; FeedRefused."""


def object_of(payload: bytes) -> Mapping[str, Any] | None:
    """The JSON object of a frame; null for what is none, like PONG or an empty text."""
    if payload[:1] != b"{":
        if payload.strip() in (b"", b"PONG", b"PING"):
            return None
        raise ValueError(f"{payload[:80]!r} is no JSON object")
    value: Mapping[str, Any] = orjson.loads(payload)
    return value


def plain(value: Any) -> tuple[float, str]:
    """A price as a number, and all its digits as a plain decimal; ValueError."""
    text = str(value) if isinstance(value, str | int) else repr(float(value))
    try:
        exact = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no price") from None
    if not exact.is_finite() or exact <= 0 or abs(exact.adjusted()) > MOST_DIGITS:
        raise ValueError(f"{value!r} is no price")
    digits = f"{exact:f}"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return float(exact), digits


def scaled(value: Any) -> tuple[float, str]:
    """The same of an integer that counts units of 1e-18, as Chainlink writes prices."""
    return plain(format(Decimal(int(value)).scaleb(-18), "f"))
