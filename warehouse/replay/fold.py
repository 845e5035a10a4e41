"""The fold: rows of events into books. The hot path of a replay.

A row costs a pass of a loop over prepared lists, in which every row stands with the
side of the book that it changes and, where it ends a message, with the book itself.
Only the first row of a whole book, trades and tick sizes take the way around.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from warehouse.replay.book import TICKS, Book
from warehouse.replay.happenings import Gap, Price, TickSize, Trade
from warehouse.replay.source import (
    BOOK,
    CHANGE,
    TICK_SIZE,
    TRADE,
    Asked,
    Events,
    Stretch,
)

Happening = Book | Trade | Price | TickSize | Gap

_BLOCK = 4096  # rows that are lists at a time: what the processor keeps at hand
# Shared, so that the keys of all books are a few thousand objects and not millions.
_PRICES: npt.NDArray[np.object_] = np.array(range(2**16), dtype=object)


class Shelf:
    """The books of a replay, by number, and what is known of the trust in them.

    `begun` are those of which anything was heard, `changed` those that changed since
    the last step.
    """

    def __init__(self, keys: Mapping[str, int], stretches: Iterable[Stretch]) -> None:
        self.books = [Book(token) for token in keys]
        self.begun: set[int] = set()
        self.changed: set[int] = set()
        self.stretch_of: dict[int, int] = {}
        self.number_of = np.zeros(max(keys.values(), default=0) + 1, dtype=np.int64)
        for number, key in enumerate(keys.values()):
            self.number_of[key] = number
        self._covers: dict[int, list[Stretch]] = {}
        for one in stretches:
            self._covers.setdefault(int(self.number_of[one.token]), []).append(one)
        self.objects = np.empty(len(self.books), dtype=object)
        self.sides = np.empty(2 * len(self.books), dtype=object)
        for number, book in enumerate(self.books):
            self.objects[number] = book
            self.sides[2 * number] = book.asks
            self.sides[2 * number + 1] = book.bids

    def begin(self, number: int, stretch: int, at: int) -> Book:
        """A whole book is heard: forget what was before; trust it if it is covered."""
        book = self.books[number]
        book.bids.clear()
        book.asks.clear()
        book.trusted = any(
            one.walk == stretch and one.begin <= at <= one.end
            for one in self._covers.get(number, ())
        )
        self.stretch_of[number] = stretch
        return book

    def end(self, stretch: Stretch) -> Gap | None:
        """The listening to a token ends; null where its book did not rest on it."""
        number = int(self.number_of[stretch.token])
        book = self.books[number]
        if self.stretch_of.get(number) != stretch.walk or not book.trusted:
            return None
        book.trusted = False
        self.changed.add(number)
        return Gap(stretch.end, book.token_id, stretch.reason)

    def replace(self, asked: Asked) -> Book | None:
        """A book was asked for: it stands where what was heard is not trusted, and is
        trusted itself while someone listens."""
        number = int(self.number_of[asked.token])
        book = self.books[number]
        if book.trusted:
            return None
        book.replace(asked.bids, asked.asks)
        book.at = asked.at
        for one in self._covers.get(number, ()):
            if one.begin <= asked.at < one.end:
                self.stretch_of[number] = one.walk
                book.trusted = True
        self.begun.add(number)
        self.changed.add(number)
        return book


class Rows:
    """The events of a span, prepared to be folded into the books of a shelf."""

    def __init__(
        self,
        shelf: Shelf,
        events: Events,
        tick_sizes: Mapping[tuple[int, int], tuple[float | None, float | None]],
    ) -> None:
        self._shelf, self._events, self._tick_sizes = shelf, events, tick_sizes
        code, number = events.code, shelf.number_of[events.token]
        last = np.ones(len(events), dtype=bool)
        last[:-1] = (events.event_no[1:] != events.event_no[:-1]) | (
            number[1:] != number[:-1]
        )
        first = np.ones(len(events), dtype=bool)
        first[1:] = last[:-1]
        around = (code > CHANGE) | ((code == BOOK) & first)
        self._number = number
        self._sides = shelf.sides[2 * number + events.is_bid]
        self._sides[around] = None
        self._keys = _PRICES[events.tick]
        self._keys[around] = np.flatnonzero(around).astype(object)
        self._told = shelf.objects[number]
        self._told[~last] = None

    def __len__(self) -> int:
        return len(self._events)

    def places(self, moments: Sequence[int], *, after: bool) -> list[int]:
        """Before which rows these moments come; `after`: after those of the moment."""
        side: str = "right" if after else "left"
        found = np.searchsorted(self._events.clock, np.array(moments), side)  # type: ignore[call-overload]
        return [int(place) for place in found]

    def tell(self, begin: int, end: int) -> Iterator[Happening]:
        """Fold the rows from `begin` to before `end`, and give what they did."""
        self._shelf.begun.update(self.touched(begin, end))
        for at in range(begin, end, _BLOCK):
            block = slice(at, min(at + _BLOCK, end))
            for levels, key, size, book, moment in zip(
                self._sides[block].tolist(),
                self._keys[block].tolist(),
                self._events.size[block].tolist(),
                self._told[block].tolist(),
                self._events.clock[block].tolist(),
                strict=True,
            ):
                if levels is None:
                    happened = self._go_around(key)
                    if happened is not None:
                        yield happened
                        continue
                elif size:
                    levels[key] = size
                else:
                    levels.pop(key, None)
                if book is not None:
                    book.at = moment
                    yield book

    def fold(self, begin: int, end: int) -> list[Happening]:
        """The same in silence; gives only what is not a change of a book."""
        happenings: list[Happening] = []
        for at in range(begin, end, _BLOCK):
            block = slice(at, min(at + _BLOCK, end))
            for levels, key, size in zip(
                self._sides[block].tolist(),
                self._keys[block].tolist(),
                self._events.size[block].tolist(),
                strict=True,
            ):
                if levels is None:
                    happened = self._go_around(key)
                    if happened is not None:
                        happenings.append(happened)
                elif size:
                    levels[key] = size
                else:
                    levels.pop(key, None)
        touched = self.touched(begin, end)
        self._shelf.begun |= touched
        self._shelf.changed |= touched
        return happenings

    def touched(self, begin: int, end: int) -> set[int]:
        """The numbers of the books that these rows change."""
        changing = self._events.code[begin:end] <= CHANGE
        counts = np.bincount(self._number[begin:end][changing])
        return set(np.flatnonzero(counts).tolist())

    def _go_around(self, place: int) -> Trade | TickSize | None:
        events = self._events
        number, code = int(self._number[place]), int(events.code[place])
        at = int(events.clock[place])
        if code == BOOK:
            book = self._shelf.begin(number, events.walk(place), at)
            if events.size[place]:
                levels = book.bids if events.is_bid[place] else book.asks
                levels[int(events.tick[place])] = float(events.size[place])
            return None
        book = self._shelf.books[number]
        if code == TRADE:
            side = "BUY" if events.is_bid[place] else "SELL"
            price = int(events.tick[place]) / TICKS
            return Trade(
                at, book.token_id, side, price, float(events.size[place]), "stream"
            )
        assert code == TICK_SIZE
        book.trusted = False
        self._shelf.changed.add(number)
        key = int(events.token[place]), int(events.event_no[place])
        return TickSize(at, book.token_id, *self._tick_sizes.get(key, (None, None)))
