"""`fetch --mode books`: the order books of markets as they are now, by cron.

The markets that the options select, else all that the lake knows to be open. A token
without a book is left out by the service, in silence: its market has a subject row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from bronze import DATASETS
from fetcher.live.book_answers import (
    MOST_TOKENS,
    ask,
    received_ns,
    served,
    snapshot_rows,
)
from fetcher.polymarket import catalogue, selection
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.planner import in_shard
from fetcher.polymarket.reading import Reading
from fetcher.polymarket.typed_rows import Misfit, Row
from fetcher.run import Job, Run

DATASET = "book_snapshots"
READ, ABSENT = "end", "absent"


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
    answer, books = ask(run.clob, tokens)
    found: set[str] = set()
    parts: list[Any] = []
    for book in books:
        one = served(book, received_ns(answer))
        if one is None:
            parts.append(book)
        elif one.token_id in markets and one.token_id not in found:
            found.add(one.token_id)
            parts += snapshot_rows(one, reason="batch")
    taken = reading.take(answer, parts, _row)
    reading.keep(one.row for one in taken)
    has_book = {markets[token] for token in found}
    for market in dict.fromkeys(markets[token] for token in tokens):
        reading.subject(market, READ if market in has_book else ABSENT)
    reading.end()


def _row(part: Any) -> Row:
    """A level as a row; the reading knows its lineage."""
    if not isinstance(part, tuple):
        raise Misfit("it is no order book")
    return dict(zip(DATASETS[DATASET].schema.names, part, strict=True))
