"""Casts bronze of captured order books, in the shapes that capture stores them in.

Tokens come in pairs, busy and quiet ones as the exchange has them (a few have most of
the events). A change names both tokens of its market, as the newer schema does; one
message in two hundred shows a whole book, one in a hundred a trade. Stretches last an
hour; each ends with a gap of ten seconds.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bronze import DATASETS
from foundry.files import Files
from lake.storage import LocalStorage

BEGIN = 1_767_312_000  # 2026-01-02, a midnight
SECOND = 1_000_000_000
HOUR = 3600
GAP = 10
LEVELS = 20  # a side, of a whole book
ROWS_AT_ONCE = 1_000_000
BOOK, CHANGE, TRADE = 0, 1, 2
_KINDS = pa.array(["book", "price_change", "last_trade_price"])
_SIDES = pa.array(["BUY", "SELL"])

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeardLake:
    """A lake of so many event rows, heard from midnight on at `rate` messages a
    second; `seed` tells apart lakes that are else alike."""

    root: Path
    rows: int
    markets: int = 200
    rate: float = 500.0
    seed: int = 1

    @property
    def tokens(self) -> list[str]:
        """The tokens, those of a market one after the other."""
        return [f"{10**76 + 7 * n}" for n in range(2 * self.markets)]

    def cast(self) -> None:
        """Write all of it."""
        files = Files(LocalStorage(self.root), "heard")
        draw = np.random.default_rng(self.seed)
        weights = 1 / np.arange(1, self.markets + 1) ** 0.8
        weights /= weights.sum()
        messages, rows, begun = 0, 0, -1
        while rows < self.rows:
            count = min(ROWS_AT_ONCE, self.rows - rows) // 3 + 1
            at = messages + np.arange(count, dtype=np.int64)
            table, hours = self._events(draw, weights, at, begun)
            files.write_days("book_events", table)
            messages, rows = messages + count, rows + table.num_rows
            begun = hours
        files.write_days("book_coverage", self._coverage(begun + 1))
        files.commit()

    def _events(
        self,
        draw: np.random.Generator,
        weights: npt.NDArray[np.float64],
        number: Ints,
        begun: int,
    ) -> tuple[pa.Table, int]:
        count = len(number)
        at = BEGIN * SECOND + (number / self.rate * SECOND).astype(np.int64)
        hour = (at // SECOND - BEGIN) // HOUR
        market = draw.choice(self.markets, count, p=weights)
        kind = draw.choice(3, count, p=[0.005, 0.985, 0.01])
        # a stretch begins with the book of each token
        fresh = np.flatnonzero(np.diff(hour, prepend=begun))
        for first in fresh.tolist():
            opening = int(min(2 * self.markets, count - first))
            kind[first : first + opening] = BOOK
            market[first : first + opening] = np.arange(opening) // 2
        is_second = draw.integers(0, 2, count)
        for first in fresh.tolist():
            opening = int(min(2 * self.markets, count - first))
            is_second[first : first + opening] = np.arange(opening) % 2
        width = np.array([2 * LEVELS, 2, 1])[kind]
        message = np.repeat(np.arange(count), width)
        row_no = np.arange(len(message)) - np.repeat(np.cumsum(width) - width, width)
        of_kind, rows = kind[message], len(message)
        mid = 10 + (market * 37 + number // 40_000) % 80
        is_sell = draw.integers(0, 2, rows)
        away = draw.geometric(0.2, rows)
        token = 2 * market[message] + is_second[message]
        book, change = of_kind == BOOK, of_kind == CHANGE
        is_sell[book] = row_no[book] // LEVELS
        away[book] = 1 + row_no[book] % LEVELS
        # the second row of a change is the other token, mirrored
        mirrored = np.flatnonzero(change & (row_no == 1))
        token[mirrored] = token[mirrored - 1] ^ 1
        is_sell[mirrored] = 1 - is_sell[mirrored - 1]
        away[mirrored] = away[mirrored - 1]
        centre = np.where(token % 2 == 0, mid[message], 100 - mid[message])
        cents = np.clip(np.where(is_sell == 1, centre + away, centre - away), 1, 99)
        size = np.round(draw.lognormal(4, 1.5, rows), 2)
        size[change & (draw.random(rows) < 0.3)] = 0.0
        size[mirrored] = size[mirrored - 1]
        received = at[message]
        order = np.lexsort((row_no, received, token))
        best_bid = np.clip(centre - 1, 1, 99) / 100
        best_ask = np.clip(centre + 1, 1, 99) / 100
        names = pa.array(self.tokens)
        markets = pa.array([f"0x{n:064x}" for n in range(1, self.markets + 1)])
        walks = pa.array([self._walk(n) for n in range(int(hour.max()) + 1)])
        hashes = _hashes(count)
        quiet = ~change[order]
        columns = {
            "received_at_ns": pa.array(received[order]),
            "event_no": pa.array(received[order] // 1024 * 1024 + 7),
            "event_type": _KINDS.take(pa.array(of_kind[order])),
            "condition_id": markets.take(pa.array(token[order] // 2)),
            "token_id": names.take(pa.array(token[order])),
            "side": _SIDES.take(pa.array(is_sell[order])),
            "price": pa.array(cents[order] / 100),
            "size": pa.array(size[order]),
            "best_bid": pa.array(best_bid[order], mask=quiet),
            "best_ask": pa.array(best_ask[order], mask=quiet),
            "tick_size": pa.array(np.full(rows, 0.01), mask=~book[order]),
            "exchange_at_ms": pa.array(received[order] // 1_000_000 - 40),
            "hash": hashes.take(pa.array(message[order])),
            "fetched_at": pa.array(received[order] // 1000).cast(
                pa.timestamp("us", tz="UTC")
            ),
            "walk_id": walks.take(pa.array(hour[message][order])),
            "page_no": pa.array(number[message][order].astype(np.int32)),
            "row_no": pa.array(row_no[order].astype(np.int32)),
        }
        return DATASETS["book_events"].filled(pa.table(columns)), int(hour.max())

    def _coverage(self, hours: int) -> pa.Table:
        rows: list[dict[str, Any]] = []
        for hour in range(hours):
            begin, walk = BEGIN + hour * HOUR, self._walk(hour)
            about = {"walk_id": walk, "page_no": 0, "row_no": 0}
            rows += [
                {"at_ns": begin * SECOND, "state": "subscribed", "token_id": token}
                | about
                for token in self.tokens
            ]
            end = (begin + HOUR - GAP) * SECOND
            broken = {"at_ns": end, "state": "broken", "reason": "disconnected"}
            rows.append(broken | about)
        return pa.Table.from_pylist(
            [row | {"fetched_at": row["at_ns"] // 1000} for row in rows],
            schema=DATASETS["book_coverage"].schema,
        )

    def _walk(self, hour: int) -> str:
        return f"heard-{self.seed}-{hour:05d}"


def _hashes(count: int) -> pa.Array:
    """So many texts of 40 hex that nobody can guess, and no writer press."""
    text = secrets.token_hex(20 * count).encode()
    ends = np.arange(0, 40 * count + 1, 40, dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.string(), count, buffers)
