"""What a replay reads of a warehouse: events span by span, and all that is beside them.

Events are read unsorted, as they are stored, and put in order here: a token's events
lie together there and in order, so that this costs a third of what the database takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from warehouse.replay.book import TICKS
from warehouse.replay.happenings import Price, Trade
from warehouse.replay.moments import SECOND

BOOK, CHANGE, TRADE, TICK_SIZE = 1, 2, 3, 4
ROWS_AT_ONCE = 1_000_000
_SPAN = 60 * SECOND
_TOKEN = 20  # bits of a row's word before the token: side, type, price
_MOST_TICKS = 2**16 - 1
_IN_ORDER = "order by event_no, token_key, row_no"

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """The events of a span in the order of reception, a column an array.

    `clock` never goes back; `token` is the token's key. `stored_walk` is in the order
    of storage, in which a row has the place `stored_at`: few ask for it.
    """

    event_no: Ints
    clock: Ints
    token: Ints
    is_bid: Ints
    code: Ints
    tick: Ints
    size: npt.NDArray[np.float64]
    stored_at: Ints
    stored_walk: Ints

    def __len__(self) -> int:
        return len(self.event_no)

    def walk(self, place: int) -> int:
        """The stretch of a row."""
        return int(self.stored_walk[self.stored_at[place]])


@dataclass(frozen=True)
class Asked:
    """A whole book that the service was asked for."""

    at: int
    token: int
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Stretch:
    """A token was listened to without a break, and how that ended."""

    token: int
    walk: int
    begin: int
    end: int
    reason: str


class Source:
    """Reads what was captured of some tokens, named by their keys; none: of all."""

    def __init__(
        self, db: duckdb.DuckDBPyConnection, tokens: Sequence[int] | None
    ) -> None:
        self._db = db
        self._tokens = tokens

    def events(self, begin: int, end: int, tokens: Sequence[int] | None) -> Events:
        """The events heard from `begin` until before `end`."""
        found = self.stored(begin, end, tokens)
        order = np.argsort(found["event_no"], kind="stable")
        number, word = found["event_no"][order], found["word"][order]
        token = word >> _TOKEN
        same = number[1:] == number[:-1]
        if bool(np.any(same & (token[1:] < token[:-1]))):  # a message in two files
            found = self.stored(begin, end, tokens, _IN_ORDER)
            order = np.arange(len(found["event_no"]))
            number, word = found["event_no"], found["word"]
            token = word >> _TOKEN
        return Events(
            event_no=number,
            clock=np.maximum.accumulate(found["clock"][order]),
            token=token,
            is_bid=word & 1,
            code=(word >> 1) & 7,
            tick=(word >> 4) & _MOST_TICKS,
            size=found["size"][order],
            stored_at=order,
            stored_walk=found["walk"],
        )

    def stored(
        self,
        begin: int,
        end: int,
        tokens: Sequence[int] | None = None,
        order: str = "",
    ) -> dict[str, Any]:
        """The same as they are stored, with what is small packed into one word."""
        # Few columns: to put them in order is what costs most.
        return self._db.execute(
            "select event_no, epoch_ns(received_at) as clock,"
            f" (token_key::bigint << {_TOKEN}) + (least(greatest("
            f"coalesce(round(price * {TICKS}), 0), 0), {_MOST_TICKS})::bigint << 4)"
            " + (event_code::bigint << 1) + coalesce(is_bid, true)::bigint as word,"
            " coalesce(size, 0) as size, walk_key as walk"
            " from silver.BookEventFact where event_code <= 4"
            f" and {self._of(tokens)} and {_BETWEEN} {order}",
            [begin, end],
        ).fetchnumpy()

    def count(self, begin: int, end: int, tokens: Sequence[int] | None) -> int:
        """How many rows `events` would give."""
        [(rows,)] = self._db.execute(
            "select count(*) from silver.BookEventFact where event_code <= 4"
            f" and {self._of(tokens)} and {_BETWEEN}",
            [begin, end],
        ).fetchall()
        return int(rows)

    def spans(
        self, begin: int, end: int, tokens: Sequence[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        """Cut a time into spans of about as many rows as are read at once."""
        width = _SPAN
        while begin < end:
            until = min(begin + width, end)
            rows = self.count(begin, until, tokens)
            if rows > 2 * ROWS_AT_ONCE and width > 1:
                width = max(width // 4, 1)
                continue
            yield begin, until
            begin = until
            width = width * 4 if rows < ROWS_AT_ONCE // 2 else width

    def bounds(self) -> tuple[int, int] | None:
        """From when and until when anything was heard; null: nothing was."""
        found = self._db.execute(
            "select epoch_ns(min(first_at)), epoch_ns(max(last_at)) from ("
            " select first_received_at as first_at, last_received_at as last_at"
            f" from silver.BookTally where {self._of()} union all"
            " select received_at, received_at from silver.BookSnapshotFact"
            f" where {self._of()})"
        ).fetchall()
        [(first, last)] = found
        return None if first is None else (int(first), int(last))

    def openings(self, before: int) -> dict[int, int]:
        """When the last whole book of each token was heard before; of those of which
        none was, when the first was asked for."""
        bounds = self.bounds()
        found: dict[int, int] = {}
        if bounds is None:
            return found
        width, end = 600 * SECOND, before
        while end > bounds[0] and not self._are_all(found):
            begin = max(end - width, bounds[0])
            heard = self._books(
                "max", f"BookEventFact where event_code = {BOOK}", begin, end
            )
            found = heard | found
            width, end = width * 6, begin
        if self._are_all(found):
            return found
        return self._books("min", "BookSnapshotFact where true", 0, before) | found

    def _are_all(self, found: Iterable[int]) -> bool:
        return self._tokens is not None and set(self._tokens) <= set(found)

    def _books(self, which: str, of: str, begin: int, end: int) -> dict[int, int]:
        rows = self._db.execute(
            f"select token_key, epoch_ns({which}(received_at)) from silver.{of}"
            f" and {self._of()} and {_BETWEEN} group by token_key",
            [begin, end],
        ).fetchall()
        return dict(rows)

    def stretches(self) -> list[Stretch]:
        """When the tokens were listened to, the first first."""
        rows = self._db.execute(
            "select token_key, stretch_key, epoch_ns(covered_from),"
            " epoch_ns(covered_until), reason from gold.book_stretches"
            " inner join (select token_id, token_key from silver.MarketTokenDim)"
            f" using (token_id) where {self._of()}"
            " order by covered_from, token_key, stretch_key",
        ).fetchall()
        return [Stretch(*row) for row in rows]

    def asked(self, begin: int, end: int) -> list[Asked]:
        """The books that were asked for."""
        rows = self._db.execute(
            "select epoch_ns(received_at), token_key,"
            + ",".join(
                " list((price, size) order by row_no) filter"
                f" (where {side} and price is not null)"
                for side in ("is_bid", "not is_bid")
            )
            + f" from silver.BookSnapshotFact where {self._of()} and {_BETWEEN}"
            " group by received_at, token_key, walk_key, page_no order by 1, 2",
            [begin, end],
        ).fetchall()
        return [
            Asked(at, token, tuple(bids or ()), tuple(asks or ()))
            for at, token, bids, asks in rows
        ]

    def tick_sizes(
        self, begin: int, end: int
    ) -> dict[tuple[int, int], tuple[float | None, float | None]]:
        """Old and new tick size by the token and event_no of the change."""
        rows = self._db.execute(
            "select token_key, event_no, old_tick_size, tick_size"
            f" from silver.BookEventFact where event_code = {TICK_SIZE}"
            f" and {self._of()} and {_BETWEEN}",
            [begin, end],
        ).fetchall()
        return {(token, number): (old, new) for token, number, old, new in rows}

    def fills(self, begin: int, end: int, names: dict[int, str]) -> Iterable[Trade]:
        """Takers' fills of gold.trades, in their order."""
        rows = self._db.execute(
            "select epoch_ns(traded_at), token_key, is_buy, price, size"
            f" from silver.TradeFact where {self._of()} and withdrawn_at is null"
            " and coalesce(is_taker, true) and traded_at >= make_timestamp(?)"
            " and traded_at < make_timestamp(?)"
            " order by traded_at, order_in_second, market_key",
            [-(-begin // 1000), -(-end // 1000)],
        ).fetchall()
        for at, token, is_buy, price, size in rows:
            side = "BUY" if is_buy else "SELL"
            yield Trade(at, names[token], side, price, size, "fill")

    def prices(self, begin: int, end: int, assets: Sequence[str]) -> Iterable[Price]:
        """Ticks of the assets (btc, eth, ...) as they were heard."""
        rows = self._db.execute(
            "select epoch_ns(received_at), source, symbol, price,"
            " epoch_ns(exchange_at) from silver.CryptoPriceFact"
            f" where {_BETWEEN} and regexp_extract(lower(symbol),"
            " '^([a-z0-9]+?)[-/_]?usd[tc]?$', 1) in (select unnest(?::varchar[]))"
            " order by received_at, exchange_at, source, symbol, price",
            [begin, end, list(assets)],
        ).fetchall()
        return [Price(*row) for row in rows]

    def _of(self, tokens: Sequence[int] | None = None) -> str:
        wanted = self._tokens if tokens is None else tokens
        if wanted is None:
            return "token_key is not null"
        return f"token_key in ({', '.join(map(str, wanted)) or 'null'})"


_BETWEEN = (
    "received_at >= make_timestamp_ns(?::bigint)"
    " and received_at < make_timestamp_ns(?::bigint)"
)
