"""Load mode: so many messages a second, from bytes that are prepared once.

Every market that is listened to goes round a loop of changes that ends where it began,
so that its book can be told at any time. A message differs from that of the turn
before in its time and in the last eight digits of its hashes.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.live.book_tape import Moment
from sandbox.live.ledger import LoadNote
from sandbox.live.levels import Book
from sandbox.live.messages import Message, Row, Style, book_message, new_change
from sandbox.live.script import EPOCH_MS, Happening, play
from sandbox.live.wording import PRICES, hash_of
from sandbox.market import Market

if TYPE_CHECKING:
    from sandbox.live.hub import Hub

TURN_MESSAGES = 30.0  # about so many a turn, and the books of both tokens at its end
KEPT_DIGITS = 32
TURN_MARK, TIME_MARK = b"@" * 8, b"#" * 13
AT_ONCE = 10  # turns thought of between two looks at the sockets
LONGEST_DEBT = 1.0  # seconds of messages that are made up for after a stall


Template = tuple[bytes, int, str | None]  # its number, and the only token it is for


@dataclass(slots=True)
class Loop:
    """The endless tape of one market."""

    market: Market
    start: Book
    changes: list[Happening] = field(default_factory=list)  # none until it is due
    templates: list[Template | None] = field(default_factory=list)
    place: int = 0
    turn: int = 0
    named: int = 0  # when the book last changed


@dataclass
class Load:
    """Sends `rate` messages a second over all subscriptions of all connections."""

    hub: Hub
    rate: float
    loops: dict[int, Loop] = field(default_factory=dict)
    _order: list[int] = field(default_factory=list)
    _next: int = 0
    _debt: float = 0.0
    _since: float = field(default_factory=time.monotonic)

    def set_rate(self, rate: float) -> None:
        """Another rate from now on, and nothing made up for."""
        self.rate, self._debt, self._since = rate, 0.0, time.monotonic()

    def join(self, market: Market) -> None:
        """The market is listened to from now on."""
        if market.index not in self.loops:
            now = self.hub.told_until
            start = self.hub.world.books.target(market, now // EPOCH_MS)
            self.loops[market.index] = Loop(market, start, named=now)
        if market.index not in self._order:
            self._order.insert(
                random.Random(market.salt).randrange(len(self._order) + 1), market.index
            )

    def moment(self, market: Market) -> Moment | None:
        """The book as everybody has been told it; None where nobody listens."""
        loop = self.loops.get(market.index)
        if loop is None:
            return None
        book = loop.start.copy()
        for each in loop.changes[: loop.place]:
            for change in each.changes:
                book.put(change.side, change.price, change.size)
        last = (min(loop.place, len(loop.changes)) or max(len(loop.changes), 1)) - 1
        turn = loop.turn if loop.place else loop.turn - 1
        kept = [hash_of(t, 0, last)[:KEPT_DIGITS] for t in market.tokens]
        hashes = tuple(f"{digits}{max(turn, 0):08x}" for digits in kept)
        return Moment(book, loop.named, 0, last, hashes)

    def pump(self, now_ms: int) -> None:
        """Send what is due."""
        real = time.monotonic()
        self._debt += (real - self._since) * self.rate
        self._debt = min(self._debt, self.rate * LONGEST_DEBT)
        self._since = real
        stamp, watchers = str(now_ms).encode(), self.hub.watchers
        written = 0
        while self._debt >= 1 and self._order:
            if self._next >= len(self._order):
                self._next = 0
            index = self._order[self._next]
            listeners = watchers.get(index)
            if not listeners:
                self._order.pop(self._next)
                continue
            self._next += 1
            loop = self.loops[index]
            if not loop.changes:
                written += 1
                if written > AT_ONCE + len(self._order):
                    break  # nobody's turn is thought of yet
                if written > AT_ONCE:
                    continue
                self._write(loop)
            data, template, token = loop.templates[loop.place] or self._made(loop)
            turn = b"%08x" % loop.turn
            data = data.replace(TURN_MARK, turn).replace(TIME_MARK, stamp)
            note = LoadNote(self.hub.number(), template, now_ms, loop.turn)
            for one in listeners:
                if token is None or token in one.keys:
                    one.pass_on(data, note)
                    self._debt -= 1
            if loop.place < len(loop.changes):
                loop.named = now_ms
            loop.place += 1
            if loop.place == len(loop.templates):
                loop.place, loop.turn = 0, loop.turn + 1

    def _write(self, loop: Loop) -> None:
        """Think of a turn: orders come, and all of them go again."""
        start = loop.start
        rng = random.Random(loop.market.salt)
        made = play(rng, start, start, loop.named // EPOCH_MS, TURN_MESSAGES)
        for index, each in enumerate(made):
            each.index, each.named = index, loop.named
        loop.changes, loop.templates = made, [None] * (len(made) + 2)

    def _made(self, loop: Loop) -> tuple[bytes, int, str | None]:
        """Prepare the message of a place: a change, or one of the books at the end."""
        market, place, token = loop.market, loop.place, None
        last = min(place, len(loop.changes) - 1)
        named = loop.changes[last].named
        if place < len(loop.changes):
            made = new_change(market, loop.changes[place], 0, PRICES, Style())[0]
        else:
            outcome = place - len(loop.changes)
            token = market.tokens[outcome]
            moment = Moment(loop.start, named, 0, last)
            made = book_message(self.hub.world, market, outcome, moment, PRICES)
        text = made.text.replace(
            f'"timestamp":"{named}"', '"timestamp":"#############"'
        )
        rows: list[Row] = list(made.rows)
        for name in market.tokens:
            digest = hash_of(name, 0, last)
            text = text.replace(digest, digest[:KEPT_DIGITS] + TURN_MARK.decode())
        rows = [row._replace(hash=(row.hash or "")[:KEPT_DIGITS]) for row in rows]
        number = len(self.hub.ledger.templates)
        self.hub.ledger.templates.append(
            Message(made.event_type, made.condition, made.tokens, None, "", tuple(rows))
        )
        loop.templates[place] = (text.encode(), number, token)
        return text.encode(), number, token
