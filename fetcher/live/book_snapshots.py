"""`fetch --mode books`: the order books of markets as they are now, by cron.

The markets that the options select, else all that the lake knows to be open. A token
without a book is left out by the service, in silence: its market has a subject row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from fetcher.live.book_answers import GROUPS, MOST_TOKENS, books_of, served
from fetcher.polymarket import catalogue, selection
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.planner import in_shard
from fetcher.polymarket.reading import Reading
from fetcher.polymarket.typed_rows import Misfit, Row
from fetcher.run import Job, Run

DATASET = "book_snapshots"
READ, ABSENT = "end", "absent"
# Of a row as served() gives it: the columns of bronze, without reception and lineage.
_COLUMNS = ("condition_id", "token_id", "side", "price", "size")
_OF_BOOK = (
    "tick_size",
    "min_order_size",
    "last_trade_price",
    "hash",
    "exchange_at_ms",
)


def fetch_books(run: Run) -> None:
    """Ask for the books of the run's markets, 500 tokens a request."""
    tokens = dict(_tokens(run))
    jobs = [
        Job(f"{len(some)} books, from {some[0]}", partial(_read, run, some, tokens))
        for some in chunks(tokens, MOST_TOKENS)
    ]
    run.jobs(DATASET, jobs, total=len(jobs))


def _tokens(run: Run) -> Iterator[tuple[str, str]]:
    chosen = selection.chosen(run)
    for market in catalogue.of(run).each() if chosen is None else chosen:
        if not market.closed and in_shard(market.condition_id, run.options.shard):
            for token in market.token_ids:
                yield token, market.condition_id


def _read(run: Run, tokens: Sequence[str], markets: dict[str, str]) -> None:
    run.check()
    reading = Reading(run, DATASET, {"tokens": len(tokens)}, strategy="snapshot")
    body = json.dumps([{"token_id": token} for token in tokens]).encode()
    answer, books = run.clob.load("/books", (), books_of, groups=GROUPS, body=body)
    received_ns = int(answer.fetched_at.timestamp() * 1e9)
    found: set[str] = set()
    parts: list[Any] = []
    for book in books:
        one = served(book, received_ns)
        if one is None:
            parts.append(book)
        elif one.token_id in markets and one.token_id not in found:
            found.add(one.token_id)
            parts += one.rows
    taken = reading.take(answer, parts, partial(_row, received_ns=received_ns))
    reading.keep(one.row for one in taken)
    has_book = {markets[token] for token in found}
    for market in dict.fromkeys(markets[token] for token in tokens):
        reading.subject(market, READ if market in has_book else ABSENT)
    reading.end()


def _row(part: Any, *, received_ns: int) -> Row:
    if not isinstance(part, tuple):
        raise Misfit("it is no order book")
    return {
        "received_at_ns": received_ns,
        "reason": "batch",
        **dict(zip(_COLUMNS, part[3:8], strict=True)),
        **dict(zip(_OF_BOOK, part[12:17], strict=True)),
        "extra": part[20],
    }
