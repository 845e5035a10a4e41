"""Walk the trades of wallets: the only way to fills older than three years.

A wallet's rows are one side of each match, so such a walk is a lower bound: what it
lacks proves nothing, and it never makes a market complete.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from fetcher.polymarket.asking import Ask, CursorRefused
from fetcher.polymarket.chain import (
    Chain,
    End,
    ended,
    new_chain,
    sides_of,
    taken,
)
from fetcher.polymarket.version import DataService
from lake.batch import Batch
from lake.storage import LocalStorage

log = logging.getLogger(__name__)

FULL_HISTORY = 1  # `start` omitted or 0 means three years


def user_chain(
    dataset: str,
    wallet: str,
    *,
    now: float,
    since: int | None = None,
    until: int | None = None,
) -> Chain:
    """A walk of one wallet's fills; here the service does honour a window."""
    filters = {"user": wallet, "taker_only": sides_of(dataset)}
    filters["start"] = str(max(since or 0, FULL_HISTORY))
    if until is not None:
        filters["end"] = str(until - 1)  # the service means it inclusively
    return new_chain(dataset, "user", filters, (), now=now)


def walk_user(
    ask: Ask,
    service: DataService,
    storage: LocalStorage,
    chain: Chain,
    *,
    deep: bool = False,
) -> Iterator[Batch]:
    """Yield the batches of a walk, from where `chain` is to its end.

    `deep` walks end at what market walks reach: together with these, that is the end.
    """
    start = chain.filter.get("start")
    windowed = "end" in chain.filter or start != str(FULL_HISTORY)
    end = End("end" if deep or not windowed else "window", 0)
    return walk_to_end(ask, service, storage, chain, end, margin_seconds=0)


def walk_to_end(
    ask: Ask,
    service: DataService,
    storage: LocalStorage,
    chain: Chain,
    end: End,
    *,
    margin_seconds: int,
) -> Iterator[Batch]:
    """Yield the batches of a walk down to the last page, which ends as `end` says.

    It speaks for seconds that are older than its first answer by the margin. A refused
    cursor ends the fragment and starts another one from the top, once.
    """
    restarted = False
    while True:
        asked_at = service.now()
        try:
            answer, page = ask(chain)
        except CursorRefused as error:
            log.warning("%s", error)
            yield ended(chain, End("cursor_refused"), now=asked_at)
            if restarted:
                raise
            restarted = True
            chain = chain.again(now=service.now())
            continue
        top = int(asked_at) - (answer.age_seconds or 0) - margin_seconds
        after = chain.after(answer, page, page, top=top)
        last = end if page.next_cursor is None else None
        yield taken(chain, after, answer, page, storage=storage, end=last)
        if last is not None:
            return
        chain = after


def wallets_of(files: Sequence[Path], conditions: Sequence[str] | None) -> list[str]:
    """The wallets that traded, in all markets or in some, from bronze."""
    if not files:
        return []
    rows = pl.scan_parquet(list(files), hive_partitioning=False)
    if conditions is not None:
        wanted = [condition.lower() for condition in conditions]
        rows = rows.filter(pl.col("condition_id").str.to_lowercase().is_in(wanted))
    wallets = rows.select(pl.col("proxy_wallet").str.to_lowercase().unique())
    return sorted(wallets.collect(engine="streaming")["proxy_wallet"].to_list())
