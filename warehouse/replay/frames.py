"""A replay's books as Arrow and polars: a row a book, its levels as lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl
import pyarrow as pa

from warehouse.replay.book import Book
from warehouse.replay.fold import Happening

_LEVELS = pa.list_(pa.float64())
SCHEMA = pa.schema(
    [
        ("at", pa.timestamp("ns")),
        ("token_id", pa.string()),
        ("trusted", pa.bool_()),
        ("best_bid", pa.float64()),
        ("best_ask", pa.float64()),
        ("bid_prices", _LEVELS),
        ("bid_sizes", _LEVELS),
        ("ask_prices", _LEVELS),
        ("ask_sizes", _LEVELS),
    ]
)
ROWS_A_BATCH = 10_000


def batches(
    replay: Iterable[Happening], *, depth: int | None = None
) -> Iterator[pa.RecordBatch]:
    """The books of a replay, `depth` levels of each side (none: all), best first."""
    rows: list[dict[str, Any]] = []
    for one in replay:
        if isinstance(one, Book):
            rows.append(_row(one, depth))
            if len(rows) == ROWS_A_BATCH:
                yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
                rows.clear()
    yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def to_arrow(replay: Iterable[Happening], *, depth: int | None = None) -> pa.Table:
    """All of it as one table."""
    return pa.Table.from_batches(batches(replay, depth=depth), SCHEMA)


def to_polars(replay: Iterable[Happening], *, depth: int | None = None) -> pl.DataFrame:
    """All of it as a polars frame."""
    frame = pl.from_arrow(to_arrow(replay, depth=depth))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _row(book: Book, depth: int | None) -> dict[str, Any]:
    bids, asks = book.levels("BUY", depth), book.levels("SELL", depth)
    return {
        "at": book.at,
        "token_id": book.token_id,
        "trusted": book.trusted,
        "best_bid": book.best_bid,
        "best_ask": book.best_ask,
        "bid_prices": [price for price, _ in bids],
        "bid_sizes": [size for _, size in bids],
        "ask_prices": [price for price, _ in asks],
        "ask_sizes": [size for _, size in asks],
    }
