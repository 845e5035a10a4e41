"""One order book: what rests at which price, folded from events."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

TICKS = 10_000
"""Prices are kept as integers of a hundredth of a cent: no key is ever off by a bit."""

Levels = list[tuple[float, float]]


def ticks(price: float) -> int:
    """A price in dollars, as an integer of a hundredth of a cent."""
    return round(price * TICKS)


class Book:
    """What rests on both sides of one token's book at `at` (nanoseconds, UTC).

    `trusted` says whether it is known to be so: from a whole book that was heard until
    listening broke off. `bids` and `asks` are sizes by price in `ticks`.
    """

    __slots__ = ("asks", "at", "bids", "tick_size", "token_id", "trusted")

    def __init__(self, token_id: str) -> None:
        self.token_id = token_id
        self.at = 0
        self.trusted = False
        self.tick_size: float | None = None
        self.bids: dict[int, float] = {}
        self.asks: dict[int, float] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Book) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"<Book {self.token_id} at {self.at}: bid {self.best_bid}, "
            f"ask {self.best_ask}, {'' if self.trusted else 'not '}trusted>"
        )

    def set(self, side: str, price: float, size: float) -> None:
        """Let so much rest at a price of `BUY` or `SELL`; 0 takes the level away."""
        levels = self.bids if side == "BUY" else self.asks
        if size:
            levels[ticks(price)] = size
        else:
            levels.pop(ticks(price), None)

    def replace(
        self,
        bids: Iterable[tuple[float, float]],
        asks: Iterable[tuple[float, float]],
    ) -> None:
        """Let nothing rest but this."""
        for levels, new in ((self.bids, bids), (self.asks, asks)):
            levels.clear()
            levels.update((ticks(price), size) for price, size in new if size)

    @property
    def best_bid(self) -> float | None:
        """The highest bid, dollars a share; null where there is none."""
        return max(self.bids) / TICKS if self.bids else None

    @property
    def best_ask(self) -> float | None:
        """The lowest ask, dollars a share; null where there is none."""
        return min(self.asks) / TICKS if self.asks else None

    @property
    def midpoint(self) -> float | None:
        """Half of best bid and best ask; null where either is lacking."""
        if not (self.bids and self.asks):
            return None
        return (max(self.bids) + min(self.asks)) / (2 * TICKS)

    @property
    def spread(self) -> float | None:
        """Best ask less best bid; null where either is lacking."""
        if not (self.bids and self.asks):
            return None
        return (min(self.asks) - max(self.bids)) / TICKS

    def levels(self, side: str, depth: int | None = None) -> Levels:
        """Price and size of the levels of `BUY` or `SELL`, best first."""
        found = self.bids if side == "BUY" else self.asks
        prices = sorted(found, reverse=side == "BUY")[:depth]
        return [(price / TICKS, found[price]) for price in prices]

    def depth(self, side: str, depth: int | None = None) -> Levels:
        """The same with what rests at that price or a better one (cumulative)."""
        found = self.levels(side, depth)
        total = accumulate(size for _, size in found)
        return [(price, size) for (price, _), size in zip(found, total, strict=True)]

    def imbalance(self, depth: int | None = 1) -> float | None:
        """(bids - asks) / (bids + asks) of the sizes of so many levels: 1 is all bids;
        null where the book is empty."""
        bids = sum(size for _, size in self.levels("BUY", depth))
        asks = sum(size for _, size in self.levels("SELL", depth))
        return (bids - asks) / (bids + asks) if bids + asks else None

    def copy(self) -> Book:
        """The book as it is now, which later events leave alone."""
        other = Book(self.token_id)
        other.at, other.trusted = self.at, self.trusted
        other.tick_size = self.tick_size
        other.bids, other.asks = dict(self.bids), dict(self.asks)
        return other
