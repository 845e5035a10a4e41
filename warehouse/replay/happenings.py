"""What happens beside the books: trades, prices of an asset, gaps, other ticks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade: one that was heard, or a fill of gold.trades.

    A fill is known to the second only: `at` is that second's beginning.
    """

    at: int
    token_id: str
    side: str | None
    price: float
    size: float
    source: str


@dataclass(frozen=True, slots=True)
class Price:
    """A tick of a feed of crypto prices, as it was heard."""

    at: int
    source: str
    symbol: str
    price: float
    exchange_at: int


@dataclass(frozen=True, slots=True)
class TickSize:
    """The distance of two prices changed: what the book shows waits for a whole one."""

    at: int
    token_id: str
    old: float | None
    new: float | None


@dataclass(frozen=True, slots=True)
class Gap:
    """After `at` nobody knows what was said of the token: its book is not trusted
    until a whole one is heard."""

    at: int
    token_id: str
    reason: str
