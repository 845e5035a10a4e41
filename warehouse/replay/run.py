"""A replay: many books in the order of time, with all that happened beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import duckdb

from settings.errors import UsageError
from warehouse.replay.book import Book
from warehouse.replay.fold import Happening, Rows, Shelf
from warehouse.replay.moments import (
    STEPS,
    NothingHeard,
    all_tokens,
    keys_of,
    nanoseconds,
    text,
)
from warehouse.replay.source import Source

When = str | datetime | int

# What comes at one moment comes in this order.
_ASIDE, _ASKED, _GAP, _STEP = range(4)


@dataclass(frozen=True)
class State:
    """All that a replay knows at its end (`at`), for one that goes on from there."""

    at: int
    books: Mapping[str, Book]
    stretches: Mapping[str, int]
    changed: frozenset[str]


class Replay:
    """What was captured of some tokens (none: of all), in the order of reception.

    Iterating gives a `Book` whenever one has changed (`step` tick), or at every whole
    second or five those that changed since (`every`: all of them). It is the same
    object each time: `copy` keeps it as it is. Between them come `Trade`, `TickSize`
    and `Gap` in their order, with `prices` (btc, eth, ...) also `Price`, and with
    `fills` the takers' fills of gold.trades.

    `start` is inclusive and `end` exclusive. Books begin with the last whole one heard
    before `start`, or with `resume`, the `state()` of a replay that ended there.
    """

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        tokens: Sequence[str] | None = None,
        *,
        start: When | None = None,
        end: When | None = None,
        step: str = "tick",
        every: bool = False,
        prices: Sequence[str] = (),
        fills: bool = False,
        resume: State | None = None,
    ) -> None:
        if step not in STEPS:
            raise UsageError(f"There is no step {step}; there are {', '.join(STEPS)}.")
        self._step, self._every = STEPS[step], every
        self._assets, self._fills = prices, fills
        keys = all_tokens(db) if tokens is None else keys_of(db, tokens)
        self._names = {key: token for token, key in keys.items()}
        self._source = Source(db, None if tokens is None else list(keys.values()))
        listened = self._source.stretches()
        self._stretches = [one for one in listened if one.token in self._names]
        self._shelf = Shelf(keys, self._stretches)
        first, last = self._source.bounds() or (0, 0)
        last = max([last, *(one.end for one in self._stretches)])
        self._resume = resume
        if resume is not None:
            start = resume.at
            self._take_up(resume)
        self.start = first if start is None else nanoseconds(start)
        self.end = last + 2 if end is None else nanoseconds(end)
        if self.end < self.start:
            raise UsageError(
                f"The replay would end ({text(self.end)}) before it begins "
                f"({text(self.start)})."
            )

    @property
    def books(self) -> dict[str, Book]:
        """The books as they are now, of which anything was heard, by token."""
        books = (self._shelf.books[number] for number in self._shelf.begun)
        return {book.token_id: book for book in books}

    def state(self) -> State:
        """What is known at `end`, once the replay has come to it."""
        shelf = self._shelf
        return State(
            self.end,
            {token: book.copy() for token, book in self.books.items()},
            {shelf.books[n].token_id: walk for n, walk in shelf.stretch_of.items()},
            frozenset(shelf.books[n].token_id for n in shelf.changed),
        )

    def __iter__(self) -> Iterator[Happening]:
        if self._resume is None:
            self.open()
        for begin, end in self._source.spans(self.start, self.end):
            rows, marks = self._read(begin, end, None), self._marks(begin, end)
            yield from self._span(rows, marks)

    def open(self) -> None:
        """Fold in silence what came from the last whole books to the start."""
        openings = self._source.openings(self.start)
        begin = min(openings.values(), default=self.start)
        for first, last in self._source.spans(begin, self.start):
            tokens = [key for key, at in openings.items() if at < last]
            rows = self._read(first, last, tokens)
            at = 0
            for place, rank, thing in _placed(rows, self._of_books(first, last)):
                rows.fold(at, place)
                at = place
                self._meet(rank, thing)
            rows.fold(at, len(rows))
        self._shelf.changed.clear()

    def _read(self, begin: int, end: int, tokens: Sequence[int] | None) -> Rows:
        return Rows(
            self._shelf,
            self._source.events(begin, end, tokens),
            self._source.tick_sizes(begin, end),
        )

    def _of_books(self, begin: int, end: int) -> list[tuple[int, int, Any]]:
        """What changes books between events: the time, the rank, the thing itself."""
        # Until its end all is well.
        ends = (one for one in self._stretches if begin <= one.end + 1 < end)
        return [(one.end + 1, _GAP, one) for one in ends] + [
            (one.at, _ASKED, one) for one in self._source.asked(begin, end)
        ]

    def _marks(self, begin: int, end: int) -> list[tuple[int, int, Any]]:
        marks = self._of_books(begin, end)
        if self._assets:
            prices = self._source.prices(begin, end, self._assets)
            marks += [(one.at, _ASIDE, one) for one in prices]
        if self._fills:
            fills = self._source.fills(begin, end, self._names)
            marks += [(one.at, _ASIDE, one) for one in fills]
        if self._step:
            first = -(-begin // self._step) * self._step
            marks += [(at, _STEP, at) for at in range(first, end, self._step)]
        return marks

    def _span(
        self, rows: Rows, marks: Sequence[tuple[int, int, Any]]
    ) -> Iterator[Happening]:
        at, go_on = 0, rows.fold if self._step else rows.tell
        for place, rank, thing in _placed(rows, marks):
            if at < place:
                yield from go_on(at, place)
                at = place
            if rank == _STEP:
                yield from self._stop_at(thing)
                continue
            met = self._meet(rank, thing)
            if met is not None and not (self._step and isinstance(met, Book)):
                yield met
        yield from go_on(at, len(rows))

    def _stop_at(self, moment: int) -> Iterator[Book]:
        shelf = self._shelf
        wanted = shelf.begun if self._every else shelf.changed & shelf.begun
        for number in sorted(wanted):
            book = shelf.books[number]
            book.at = moment
            yield book
        shelf.changed.clear()

    def _meet(self, rank: int, thing: Any) -> Happening | None:
        if rank == _GAP:
            return self._shelf.end(thing)
        if rank == _ASKED:
            return self._shelf.replace(thing)
        met: Happening = thing
        return met

    def _take_up(self, state: State) -> None:
        for number, book in enumerate(self._shelf.books):
            known = state.books.get(book.token_id)
            if known is not None:
                book.at, book.trusted = known.at, known.trusted
                book.bids.update(known.bids)
                book.asks.update(known.asks)
                self._shelf.begun.add(number)
            if book.token_id in state.changed:
                self._shelf.changed.add(number)
            if book.token_id in state.stretches:
                self._shelf.stretch_of[number] = state.stretches[book.token_id]


def book_at(db: duckdb.DuckDBPyConnection, token: str, when: When) -> Book:
    """The token's book at a moment, all that was heard until then folded in.

    Raises `NothingHeard` where no whole book of it was heard before.
    """
    at = nanoseconds(when)
    replay = Replay(db, [token], start=at + 1, end=at + 1)
    replay.open()
    found = replay.books.get(token)
    if found is None:
        raise NothingHeard(
            f"No order book of the token {token} was heard before {text(at)}. "
            f"{heard_when(db, token)}"
        )
    found.at = at
    return found


def heard_when(db: duckdb.DuckDBPyConnection, token: str) -> str:
    """A sentence on when the token was listened to."""
    [key] = keys_of(db, [token]).values()
    bounds = Source(db, [key]).bounds()
    if bounds is None:
        return "Nothing was ever heard of it."
    return f"It was heard from {text(bounds[0])} to {text(bounds[1])}."


def _placed(
    rows: Rows, marks: Sequence[tuple[int, int, Any]]
) -> Iterator[tuple[int, int, Any]]:
    """The marks in their order, each with the row before which it comes."""
    ordered = sorted(marks, key=itemgetter(0, 1))
    moments = [mark[0] for mark in ordered]
    before, after = rows.places(moments, after=False), rows.places(moments, after=True)
    for (_, rank, thing), early, late in zip(ordered, before, after, strict=True):
        yield (late if rank >= _GAP else early), rank, thing
