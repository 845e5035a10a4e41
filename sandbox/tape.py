"""What the index can serve of the fills right now, and where to find it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from sandbox.fills import DUST, I8, Bools, Fills
from sandbox.market import NEVER, Market
from sandbox.options import DAY

WINDOW = 3 * 365 * DAY  # how far back condition and event queries reach
Keep = Callable[[I8], Bools]
PART = 200_000  # rows looked at in one go when a filter is sparse


class Tape:
    """The rows of `fills` as the service sees them; time only moves forward."""

    def __init__(self, fills: Fills, markets: list[Market], now: int) -> None:
        self.fills = fills
        self._amm = np.array([market.kind == "amm" for market in markets])
        self._count = len(markets)
        self.dropped: set[int] = set()  # sequences that are silently left out
        self.now = now
        self.changes = 0  # counts what tests changed by hand
        self._prepare()

    def _prepare(self) -> None:
        fills = self.fills
        self.static = (fills.size >= DUST) & ~self._amm[fills.market]
        self._by_market = np.argsort(fills.market, kind="stable")
        self._market_from = np.searchsorted(
            fills.market[self._by_market], np.arange(self._count + 1)
        )
        self._by_wallet: I8 | None = None
        self._wallet_from: I8 | None = None
        self._arrivals = np.argsort(fills.visible_at, kind="stable")
        self._arrival_at = fills.visible_at[self._arrivals]
        leaving = np.flatnonzero(fills.gone_at < NEVER)
        self._leaving = leaving[np.argsort(fills.gone_at[leaving], kind="stable")]
        self._arrived = self._left = 0
        self.present = np.zeros(len(fills), dtype=bool)  # indexed and not withdrawn
        self.served = np.zeros(len(fills), dtype=bool)  # and ever served at all
        self.taker_volume = np.zeros(self._count, dtype=np.int64)
        self._catch_up()

    def at(self, now: int) -> None:
        """Move to `now`: index what has arrived since, lose what was withdrawn."""
        if now > self.now:
            self.now = now
            self._catch_up()

    def _catch_up(self) -> None:
        fills = self.fills
        upto = int(np.searchsorted(self._arrival_at, self.now, side="right"))
        new = self._arrivals[self._arrived : upto]
        self._arrived = upto
        self.present[new] = True
        self._count_in(new, 1)
        gone = self._leaving[self._left :]
        gone = gone[fills.gone_at[gone] <= self.now]
        self._left += len(gone)
        here = gone[self.present[gone]]
        self.present[here] = False
        self._count_in(here, -1)
        for rows in (new, gone):
            self.served[rows] = self.present[rows] & self.static[rows]
        if self.dropped:
            at = np.searchsorted(fills.sequence, sorted(self.dropped))
            self.served[at] = False

    def _count_in(self, rows: I8, sign: int) -> None:
        takers = rows[self.fills.is_taker[rows]]
        sizes = self.fills.size[takers].astype(np.float64)
        counted = np.bincount(self.fills.market[takers], sizes, self._count)
        self.taker_volume += sign * counted.astype(np.int64)

    # -- changes that tests ask for ------------------------------------------------

    def drop(self, sequence: int) -> None:
        """Never serve the row of this sequence again, and tell nobody."""
        self.changes += 1
        self.dropped.add(sequence)
        self.served[self.row_of(sequence)] = False

    def withdraw(self, rows: I8) -> None:
        """Lose these rows now, as a chain reorganisation does."""
        self.changes += 1
        self.fills.gone_at[rows] = self.now
        here = rows[self.present[rows]]
        self.present[here] = self.served[here] = False
        self._count_in(here, -1)

    def insert(self, more: Fills) -> None:
        """Add rows that were not in the universe."""
        self.changes += 1
        self.fills = self.fills.insert(more)
        self._prepare()

    # -- where rows are ------------------------------------------------------------

    def row_of(self, sequence: int) -> int:
        """The first row at or after this sequence."""
        return int(np.searchsorted(self.fills.sequence, sequence))

    def of_market(self, market: int) -> I8:
        """The market's rows, oldest first."""
        begin, end = self._market_from[market], self._market_from[market + 1]
        return self._by_market[begin:end]

    def of_wallet(self, wallet: int) -> I8:
        """The wallet's rows, oldest first."""
        if self._by_wallet is None or self._wallet_from is None:
            self._by_wallet = np.argsort(self.fills.wallet, kind="stable")
            top = int(self.fills.wallet.max(initial=0)) + 2
            ordered = self.fills.wallet[self._by_wallet]
            self._wallet_from = np.searchsorted(ordered, np.arange(top))
        if wallet + 1 >= len(self._wallet_from):
            return np.zeros(0, dtype=np.int64)
        begin, end = self._wallet_from[wallet], self._wallet_from[wallet + 1]
        return self._by_wallet[begin:end]

    def newest(
        self, rows: I8 | None, below: int, wanted: int, keep: list[Keep], floor: int
    ) -> I8:
        """Up to `wanted` served rows under row number `below`, newest first.

        `rows` narrows to those of a market or wallet; each of `keep` tells which of
        some rows to keep; rows older than second `floor` are left out.
        """
        fills = self.fills
        lowest = int(np.searchsorted(fills.timestamp, floor))
        top = below if rows is None else int(np.searchsorted(rows, below))
        found: list[I8] = []
        count = 0
        while top > 0 and count < wanted:
            bottom = max(0, top - max(wanted * 2, 2_000 if not found else PART))
            part = np.arange(bottom, top) if rows is None else rows[bottom:top]
            part = part[part >= lowest]
            mask = self.served[part]
            for each in keep:
                mask = mask & each(part)
            hits = part[mask][::-1]
            found.append(hits)
            count += len(hits)
            if len(part) < top - bottom:
                break
            top = bottom
        if not found:
            return np.zeros(0, dtype=np.int64)
        return np.concatenate(found)[:wanted]

    def month_floor(self) -> int:
        """The first second of the previous calendar month: the bare feed's horizon."""
        today = datetime.fromtimestamp(self.now, UTC)
        year, month = today.year, today.month - 1
        if month == 0:
            year, month = year - 1, 12
        return int(datetime(year, month, 1, tzinfo=UTC).timestamp())

    def window_floor(self) -> int:
        """The first second that condition and event queries still serve."""
        return self.now - WINDOW
