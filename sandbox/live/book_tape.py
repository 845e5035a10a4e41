"""The order books of all markets over time: a pure function of market and moment.

Every 30 seconds a market's book is drawn anew around its fair price; in between,
changes lead from one such book to the next. So the book at any moment, and every
message on the way to it, can be told without knowing what came before.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sandbox.live.chance import roll
from sandbox.live.levels import Book, target, tick_of
from sandbox.live.script import EPOCH_MS, Happening, Script, Trade, play
from sandbox.market import Market

if TYPE_CHECKING:
    from sandbox.live.load import Load
    from sandbox.world import World

KEPT = 6_000  # scripts
GHOSTS = 211  # one market in so many has the ghost book 0.01 / 0.99
HOUR = 3_600


class Moment(NamedTuple):
    """A book, and the message that made it so."""

    book: Book
    named: int  # when the book last changed, unix milliseconds
    epoch: int
    place: int  # of that message in its epoch
    hashes: tuple[str, ...] | None = None  # of either token, where they are not usual


class BookTape:
    """Scripts by market and epoch, made when they are asked for."""

    def __init__(self, world: World, token_delay: int) -> None:
        self._world = world
        self._delay = token_delay
        self._scripts: dict[tuple[int, int], Script] = {}
        self._targets: dict[tuple[int, int], Book] = {}
        self.load: Load | None = None

    def life(self, market: Market) -> tuple[int, int]:
        """The milliseconds between which the market has a book."""
        return (market.created_at + self._delay) * 1_000, market.closed_at * 1_000

    def script(self, market: Market, epoch: int) -> Script:
        """What happens in one epoch."""
        key = (market.index, epoch)
        found = self._scripts.get(key)
        if found is None:
            if len(self._scripts) >= KEPT:
                for old in list(self._scripts)[: KEPT // 2]:
                    del self._scripts[old]
            found = self._scripts[key] = self._write(market, epoch)
        return found

    def moment(self, market: Market, at_ms: int) -> Moment:
        """The book right after `at_ms`; under load, as everybody has been told it."""
        found = self.load.moment(market) if self.load is not None else None
        if found is not None:
            return found
        epoch = at_ms // EPOCH_MS
        script = self.script(market, epoch)
        upto = bisect_right(script.times, at_ms)
        book = script.start.copy()
        last: Happening | None = None
        for each in script.happenings[:upto]:
            if each.kind == "change":
                last = each
                for side, price, size, _, _ in each.changes:
                    book.put(side, price, size)
            elif each.kind == "tick":
                book.tick = each.ticks[1]
        if last is not None:
            return Moment(book, last.named, epoch, last.index)
        return self._unchanged(market, book, epoch)

    def _unchanged(self, market: Market, book: Book, epoch: int) -> Moment:
        before = self.script(market, epoch - 1).happenings
        changes = [each for each in before if each.kind == "change"]
        if changes:
            return Moment(book, changes[-1].named, epoch - 1, changes[-1].index)
        return Moment(book, self.life(market)[0], 0, 0)

    def happenings(self, market: Market, after: int, upto: int) -> list[Happening]:
        """What happens later than `after` and not later than `upto`, in order."""
        begin, end = self.life(market)
        after, upto = max(after, begin - 1), min(upto, end - 1)
        found: list[Happening] = []
        for epoch in range(after // EPOCH_MS, upto // EPOCH_MS + 1):
            script = self.script(market, epoch)
            low = bisect_right(script.times, after)
            found += script.happenings[low : bisect_right(script.times, upto)]
        return found

    def next_at(self, market: Market, after: int) -> int:
        """A millisecond later than `after` up to which nothing happens."""
        begin, end = self.life(market)
        if after < begin:
            return begin
        script = self.script(market, after // EPOCH_MS)
        place = bisect_right(script.times, after)
        border = (script.epoch + 1) * EPOCH_MS
        return min(end, script.times[place] if place < len(script.times) else border)

    # -- how an epoch is made ------------------------------------------------------

    def target(self, market: Market, epoch: int) -> Book:
        """The book that the market has as an epoch starts."""
        key = (market.index, epoch)
        book = self._targets.get(key)
        if book is None:
            if len(self._targets) >= KEPT:
                self._targets.clear()
            if market.salt % GHOSTS == 7:
                book = Book({10: 100_00}, {990: 100_00}, market.tick)
            else:
                fair = self._world.fair(market, epoch * EPOCH_MS // 1_000)
                book = target(market.salt, epoch, fair, tick_of(market.tick, fair))
            self._targets[key] = book
        return book

    def _write(self, market: Market, epoch: int) -> Script:
        begin, after = self.target(market, epoch), self.target(market, epoch + 1)
        rng = random.Random(market.salt << 40 ^ epoch)
        found: list[Happening] = []
        if market.salt % GHOSTS != 7:
            messages = self._pace(market, epoch * EPOCH_MS // 1_000) * EPOCH_MS / 1_000
            found = play(rng, begin, after, epoch, messages)
        opens = self.life(market)[0]
        if opens // EPOCH_MS == epoch:
            found.append(Happening(opens, opens, "book"))
        for each in [each for each in found if each.kind == "tick"]:
            if (
                rng.random() < 0.75
            ):  # the snapshot that should follow is not always sent
                found.append(Happening(each.at, each.named, "book"))
        found += self._trades(market, epoch)
        found.sort(key=lambda each: each.at)
        for index, each in enumerate(found):
            each.index = index
        return Script(epoch, begin, found, [each.at for each in found])

    def _pace(self, market: Market, at: int) -> float:
        """Messages a second."""
        rate = self._world.options.live_rate
        if market.window:
            ahead = market.end_at - market.window - at
            return rate * (1.5 if ahead <= 0 else 0.3 if ahead < HOUR else 0.06)
        return rate * (0.08 + 0.8 * roll(market.salt, 21) ** 4)

    def _trades(self, market: Market, epoch: int) -> list[Happening]:
        """The fills of the epoch, and books after those of a second."""
        fills = self._world.tape.fills
        rows = self._world.tape.of_market(market.index)
        seconds = fills.timestamp[rows]
        low = epoch * EPOCH_MS // 1_000
        bounds = np.searchsorted(seconds, [low, low + EPOCH_MS // 1_000])
        found: list[Happening] = []
        books: dict[int, int] = {}
        for row in rows[bounds[0] : bounds[1]].tolist():
            if not fills.is_taker[row]:
                continue
            second = int(fills.timestamp[row])
            at = second * 1_000 + int(fills.match[row]) * 7_919 % 990
            price = float(fills.usdc[row] / fills.size[row])
            trade = Trade(
                int(fills.outcome[row]),
                f"{min(max(round(price, 3), 0.001), 0.999):g}",
                f"{fills.size[row] / 1e6:.6f}".rstrip("0").rstrip("."),
                "SELL" if fills.side[row] else "BUY",
                fills.transaction_hash(row),
            )
            found.append(Happening(at, at, "trade", trade=trade))
            books[second] = max(books.get(second, 0), at + 2)
        return found + [Happening(at, at, "book") for at in books.values()]
