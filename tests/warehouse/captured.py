"""Rows of live capture put into silver by hand, for the tests of gold and replay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import duckdb
from exchange import NOON

SECOND = 1_000_000_000
CODES = {
    "book": 1,
    "price_change": 2,
    "last_trade_price": 3,
    "tick_size_change": 4,
    "best_bid_ask": 5,
}
Levels = Iterable[tuple[float, float]]


def nanoseconds(second: float) -> int:
    """So many seconds after noon, since 1970."""
    noon = round((NOON - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001
    return noon * SECOND + round(second * SECOND)


def moment(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


class Captured:
    """Puts into silver what was captured so many seconds after noon.

    Tokens are named by their key, and those of a market are 2n - 1 and 2n.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        self._walks: set[int] = set()
        self._is_tallied = True

    @property
    def db(self) -> duckdb.DuckDBPyConnection:
        """The warehouse, what was heard counted as ingest counts it."""
        if not self._is_tallied:
            self._db.execute("delete from silver.BookTally")
            self._db.execute(
                "insert into silver.BookTally select walk_key, token_key, count(*),"
                " min(received_at), max(received_at) from silver.BookEventFact"
                " where token_key is not null group by all"
            )
            self._is_tallied = True
        return self._db

    def ask(self, query: str) -> list[tuple]:
        return self.db.execute(query).fetchall()

    def token(self, key: int, token_id: str, market: int = 1) -> None:
        """Make a token known, and its market."""
        condition_id = f"0x{market:064x}"
        self._insert_new(
            "MarketKey", "market_key", market_key=market, condition_id=condition_id
        )
        self._insert_new(
            "MarketTokenDim",
            "token_key",
            token_key=key,
            token_id=token_id,
            market_key=market,
            condition_id=condition_id,
            is_listed=False,
        )

    def event(self, second: float, kind: str, token: int | None = 1, **more: Any):
        """One row of an event; its event_no is its time unless it is named."""
        self._is_tallied = False
        side = more.pop("side", None)
        number = more.pop("number", nanoseconds(second))
        self._insert(
            "BookEventFact",
            **{"row_no": 0, "walk_key": 901} | more,
            token_key=token,
            event_code=CODES[kind],
            event_no=number,
            is_bid=None if side is None else side == "BUY",
            received_at=nanoseconds(second),
            exchange_at=nanoseconds(second) // 1_000_000,
        )

    def book(self, second: float, bids: Levels, asks: Levels, token: int = 1, **more):
        """A `book` event: a row a level, or one for an empty book."""
        levels = [("BUY", *one) for one in bids] + [("SELL", *one) for one in asks]
        for row, (side, price, size) in enumerate(levels):
            at = {"side": side, "price": price, "size": size, "row_no": row}
            self.event(second, "book", token, **at, **more)
        if not levels:
            self.event(second, "book", token, **more)

    def change(self, second: float, side: str, price: float, size: float, **more: Any):
        """A `price_change` of one level."""
        self.event(second, "price_change", side=side, price=price, size=size, **more)

    def coverage(self, second: float, state: str, token: int | None = None, **more):
        """A row of coverage."""
        self._insert(
            "BookCoverageFact",
            **{"walk_key": 901} | more,
            token_key=token,
            state=state,
            noted_at=nanoseconds(second),
        )

    def asked(self, second: float, bids: Levels, asks: Levels, **more: Any):
        """A book that was asked for."""
        levels = [(True, *one) for one in bids] + [(False, *one) for one in asks]
        for row, (is_bid, price, size) in enumerate(levels):
            self._insert(
                "BookSnapshotFact",
                **{"token_key": 1, "walk_key": 902, "page_no": int(second)} | more,
                reason="resync",
                is_bid=is_bid,
                price=price,
                size=size,
                received_at=nanoseconds(second),
                row_no=row,
            )

    def tick(self, second: float, price: float | str, **more: Any):
        """A tick of a feed, heard as it was observed unless it is said."""
        heard = more.pop("heard", second)
        known = {"source": "chainlink", "symbol": "btc/usd", "is_snapshot": False}
        self._insert(
            "CryptoPriceFact",
            **known | {"walk_key": 903} | more,
            price=float(price),
            price_exact=str(price),
            received_at=nanoseconds(heard),
            exchange_at=moment(second),
        )

    def window(self, second: float, **columns: Any):
        """An up/down window of five minutes that begins then."""
        known = {"slug": f"btc-updown-5m-{second}", "series": "btc-5m"}
        self._insert(
            "UpdownDim",
            **known | columns,
            window_start=moment(second),
            window_end=moment(second + 300),
            source_fetched_at=moment(second),
        )

    def fault(self, ident: str, start: float, end: float | None = None, **more: Any):
        """An error of a service."""
        known = {"service": "books", "error_type": "disconnected"}
        self._insert(
            "ServiceErrorFact",
            **known | more,
            error_id=ident,
            started_at=moment(start),
            ended_at=None if end is None else moment(end),
            source_fetched_at=moment(start),
        )

    def poll(self, second: float, market: int = 1, **columns: Any):
        """A poll of the largest wallets."""
        known = {"state": "whole", "source": "positions", "walk_key": 904}
        self._insert(
            "PositionPollFact",
            **known | {"page_no": int(second), "row_no": 0} | columns,
            market_key=market,
            asked_at=nanoseconds(second),
        )

    def position(self, second: float, wallet: str, size: float, **columns: Any):
        """What a wallet was seen to hold."""
        known = {"token_key": 1, "source": "positions", "walk_key": 904}
        row = int(wallet, 16)
        self._insert(
            "PositionSnapshotFact",
            **known | {"page_no": int(second), "row_no": row} | columns,
            trader_address="0x" + wallet.rjust(40, "0"),
            size=size,
            asked_at=nanoseconds(second),
        )

    def _insert_new(self, table: str, key: str, **columns: Any) -> None:
        found = self._db.execute(
            f"select 1 from silver.{table} where {key} = ?", [columns[key]]
        ).fetchall()
        if not found:
            self._insert(table, **columns)

    def _insert(self, table: str, **columns: Any) -> None:
        walk = columns.get("walk_key")
        if walk is not None and walk not in self._walks:
            self._walks.add(walk)
            self._insert_new(
                "WalkFact", "walk_key", walk_key=walk, walk_id=f"live {walk}"
            )
        places = [
            "make_timestamp_ns(?)"
            if name in ("received_at", "noted_at", "asked_at")
            else "make_timestamp_ms(?)::timestamp_ms"
            if name == "exchange_at" and isinstance(value, int)
            else "?"
            for name, value in columns.items()
        ]
        self._db.execute(
            f"insert into silver.{table} ({', '.join(columns)})"
            f" values ({', '.join(places)})",
            list(columns.values()),
        )
