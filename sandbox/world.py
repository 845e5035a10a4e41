"""The world a server answers from: the universe, its clock, and what can be served."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import numpy as np
import polars as pl

from sandbox.catalogue import Catalogue
from sandbox.clock import Clock
from sandbox.cursors import Signer
from sandbox.fills import I8
from sandbox.live.book_tape import BookTape
from sandbox.market import Event, Market
from sandbox.options import Options
from sandbox.rows import TradeRows
from sandbox.tape import Tape
from sandbox.universe import Universe

T = TypeVar("T")
BOOK_DELAY = 180  # the CLOB knows a market so long after Gamma
TOKEN_DELAY = 360  # and its tokens so long


class World:
    """One universe at a time that moves; every handler is given it."""

    def __init__(self, universe: Universe, clock: Clock | None = None) -> None:
        options = universe.options
        self.options: Options = options
        self.board_moves = options.board_moves  # still to come
        self.universe = universe
        self.catalogue: Catalogue = universe.catalogue
        speed = options.speed or float(options.live_load > 0)
        self.clock = clock or Clock(options.now, speed)
        self.tape = Tape(universe.fills, self.catalogue.markets, options.now)
        self.signer = Signer(options.seed)
        self.trade_rows = TradeRows(self)
        self.books = BookTape(self, TOKEN_DELAY)
        self.entries: tuple[int, pl.DataFrame] | None = None  # see people.py
        self._memo: dict[tuple[str, int], Any] = {}
        self._memo_stamp = (0, 0)
        self.created = np.array([m.created_at for m in self.listed], dtype=np.int64)
        self.ids = np.array([m.id for m in self.listed], dtype=np.int64)
        self.closed_at = np.array([m.closed_at for m in self.listed], dtype=np.int64)
        self.hidden = np.array([m.hidden for m in self.listed], dtype=bool)

    @property
    def now(self) -> int:
        """The present second; what the index serves is brought up to it."""
        now = self.clock.now()
        self.tape.at(now)
        return now

    @property
    def now_ms(self) -> int:
        """The present millisecond."""
        return int(self.clock.exact() * 1_000)

    @cached_property
    def listed(self) -> list[Market]:
        """Every market but the combos, those of the future included."""
        return self.catalogue.markets[: self.catalogue.listed]

    @cached_property
    def wallet_index(self) -> dict[str, int]:
        """Wallets by their address."""
        return self.universe.wallets.index()

    def event_of(self, market: Market) -> Event | None:
        """The event a market belongs to; combos have none."""
        return self.catalogue.events[market.event] if market.event >= 0 else None

    def market(self, condition: str) -> Market | None:
        """The market of a condition id in any case or padding, once it exists."""
        key = condition.lower()
        found = self.catalogue.by_condition.get(key)
        if found is None and len(key) == 66 and key.endswith("00"):
            found = self.catalogue.by_condition.get(key[:64])
        if found is None or found.created_at > self.now:
            return None
        return found

    def token(self, token_id: str) -> tuple[Market, int] | None:
        """The market and outcome of a token that exists."""
        found = self.catalogue.by_token.get(token_id)
        if found is None or found[0].created_at > self.now:
            return None
        return found

    def has_book(self, market: Market) -> bool:
        """Whether orders can rest in the market now."""
        now = self.now
        return (
            market.kind not in ("amm", "combo")
            and market.created_at + TOKEN_DELAY <= now
            and not market.closed(now)
        )

    def fair(self, market: Market, at: int) -> float:
        """What the first outcome is worth at a second."""
        where = np.array([market.index]), np.array([at])
        return float(self.universe.paths.mid(*where)[0])

    def mid(self, market: Market, outcome: int, at: int) -> float:
        """The fair price, on half ticks; after the end what the outcome pays."""
        if market.closed(at):
            return market.payouts[outcome] / 1e6
        fair = self.fair(market, at)
        half = market.tick / 2
        first = round(fair * 1000 / half) * half / 1000
        first = min(max(first, market.tick / 1000), 1 - market.tick / 1000)
        return round(first if outcome == 0 else 1 - first, 6)

    def shares(self, market: Market) -> float:
        """Shares traded so far, each match once; dust and unserved fills count."""
        return float(self.tape.taker_volume[market.index] / 1e6)

    def shares_since(self, market: Market, seconds: int) -> float:
        """Shares traded in the last `seconds`, each match once."""
        fills, now = self.tape.fills, self.now
        lowest = self.memo("row at", seconds, lambda: self._row_at(now - seconds))
        rows = self.tape.of_market(market.index)
        recent = rows[int(np.searchsorted(rows, lowest)) :]
        counted = recent[self.tape.present[recent] & fills.is_taker[recent]]
        return float(fills.size[counted].sum() / 1e6)

    def last_row(self, market: Market) -> int | None:
        """The newest served row of the market."""
        return self.memo("last row", market.index, lambda: self._last_row(market))

    def memo(self, what: str, key: int, make: Callable[[], T]) -> T:
        """What `make` gives, remembered until the clock or the tape changes."""
        stamp = (self.now, self.tape.changes)
        if stamp != self._memo_stamp:
            self._memo.clear()
            self._memo_stamp = stamp
        if (what, key) not in self._memo:
            self._memo[what, key] = make()
        found: T = self._memo[what, key]
        return found

    def _row_at(self, second: int) -> int:
        return int(np.searchsorted(self.tape.fills.timestamp, second))

    def _last_row(self, market: Market) -> int | None:
        rows: I8 = self.tape.of_market(market.index)
        served = rows[self.tape.served[rows]]
        return int(served[-1]) if len(served) else None


@lru_cache(maxsize=200_000)
def iso(at: int, micro: int = 0) -> str:
    """ISO with as many fractional digits as `micro` has, at most six."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{micro % 1_000_000:06d}".rstrip("0")
    return f"{stamp}.{digits}Z" if digits else f"{stamp}Z"


def day(at: int) -> str:
    """A date."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
