"""The current state of every captured book: the hot path's memory.

It follows the events as they are read, so it is what a book ought to be if nothing was
lost. That it is so is asked of the service once in a while: see `differences`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Level = tuple[str, float]  # side and price
Levels = dict[Level, float]


@dataclass(slots=True)
class HotBook:
    """One token's book; prices in dollars, sizes in shares, times as in bronze.

    `whole` is false until a snapshot came, and after what spoils the book.
    """

    token_id: str
    condition_id: str = ""
    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)
    whole: bool = False
    tick_size: float | None = None
    last_trade_price: float | None = None
    last_trade_size: float | None = None
    last_trade_side: str | None = None
    exchange_at_ms: int | None = None
    received_at_ns: int = 0
    event_no: int = 0

    def best(self) -> tuple[float | None, float | None]:
        """Best bid and best ask, dollars a share."""
        return max(self.bids, default=None), min(self.asks, default=None)

    def levels(self) -> Levels:
        """All levels by side and price."""
        return {
            (side, price): size
            for side, half in (("BUY", self.bids), ("SELL", self.asks))
            for price, size in half.items()
        }

    def as_json(self, depth: int | None = None) -> dict[str, Any]:
        """What a client is told; levels best first."""
        bids = sorted(self.bids.items(), reverse=True)[:depth]
        asks = sorted(self.asks.items())[:depth]
        return {
            "token_id": self.token_id,
            "condition_id": self.condition_id,
            "trusted": self.whole,
            "bids": bids,
            "asks": asks,
            "tick_size": self.tick_size,
            "last_trade": {
                "price": self.last_trade_price,
                "size": self.last_trade_size,
                "side": self.last_trade_side,
            },
            "exchange_at_ms": self.exchange_at_ms,
            "received_at_ns": self.received_at_ns,
            "event_no": self.event_no,
        }


class HotBooks:
    """The books of all captured tokens; thread safe.

    `rows` are those of book_rows: see there for the order of their columns.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._books: dict[str, HotBook] = {}
        self.on_change: Callable[[set[str]], None] | None = None

    def follow(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Apply the rows of one message."""
        changed: set[str] = set()
        with self._lock:
            cleared: HotBook | None = None
            for row in rows:
                received, number, kind, market, token, side, price, size = row[:8]
                if token is None:
                    continue
                book = self._books.get(token)
                if book is None:
                    book = self._books[token] = HotBook(token)
                changed.add(token)
                book.condition_id = market or book.condition_id
                book.received_at_ns, book.event_no = received, number
                book.exchange_at_ms = row[16] or book.exchange_at_ms
                if kind == "price_change":
                    half = book.bids if side == "BUY" else book.asks
                    if size:
                        half[price] = size
                    else:
                        half.pop(price, None)
                elif kind == "book":
                    if cleared is not book:
                        book.bids.clear()
                        book.asks.clear()
                        book.whole, cleared = True, book
                        book.tick_size = row[12] or book.tick_size
                        book.last_trade_price = row[14] or book.last_trade_price
                    if size:
                        half = book.bids if side == "BUY" else book.asks
                        half[price] = size
                elif kind == "last_trade_price":
                    book.last_trade_price, book.last_trade_size = price, size
                    book.last_trade_side = side
                elif kind == "tick_size_change":
                    book.tick_size, book.whole = row[12], False
        if self.on_change is not None and changed:
            self.on_change(changed)

    def spoil(self, tokens: Iterable[str] | None = None) -> None:
        """Say that books may be wrong until their next snapshot; null: all."""
        with self._lock:
            for token in list(self._books) if tokens is None else tokens:
                if token in self._books:
                    self._books[token].whole = False

    def forget(self, tokens: Iterable[str]) -> None:
        """Drop books that nobody listens to any more."""
        with self._lock:
            for token in tokens:
                self._books.pop(token, None)

    def keep_only(self, tokens: Container[str]) -> None:
        """Drop all others: messages of theirs came after they were left."""
        with self._lock:
            for token in [token for token in self._books if token not in tokens]:
                del self._books[token]

    def tokens(self) -> list[str]:
        """The tokens of which anything was heard."""
        with self._lock:
            return list(self._books)

    def shown(self, token: str, depth: int | None = None) -> dict[str, Any] | None:
        """The book of a token for a client; null if nothing was heard of it."""
        with self._lock:
            book = self._books.get(token)
            return None if book is None else book.as_json(depth)

    def heard_at(self, tokens: Iterable[str]) -> Iterator[tuple[str, int, bool]]:
        """Each token with when it was last heard of (unix ns; 0: never) and `whole`."""
        with self._lock:
            known = [(token, self._books.get(token)) for token in tokens]
            found = [
                (token, book.received_at_ns if book else 0, bool(book and book.whole))
                for token, book in known
            ]
        yield from found

    def differences(self, token: str, served: Levels) -> dict[Level, tuple[float, ...]]:
        """Where the book held and a served one differ: held size, served size.

        A size of 0 means that there is no such level.
        """
        with self._lock:
            book = self._books.get(token)
            held = book.levels() if book is not None else {}
        return {
            level: (held.get(level, 0.0), served.get(level, 0.0))
            for level in held.keys() | served.keys()
            if held.get(level, 0.0) != served.get(level, 0.0)
        }
