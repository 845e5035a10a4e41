"""Times of a replay, tokens by name, and the pace of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import duckdb

from settings.errors import PolylakeError, UsageError

SECOND = 1_000_000_000
STEPS = {"tick": 0, "1s": SECOND, "5s": 5 * SECOND}

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?"
)

T = TypeVar("T")


class NoSuchToken(PolylakeError):
    """Nothing was ever heard of the token."""


class NothingHeard(PolylakeError):
    """Nothing was heard of the token at that time."""


def nanoseconds(when: str | datetime | int) -> int:
    """A UTC day, an ISO time (to the nanosecond) or nanoseconds since 1970.

    A time without an offset is UTC.
    """
    if isinstance(when, int):
        return when
    if isinstance(when, datetime):
        moment, fraction = when.replace(microsecond=0), when.microsecond * 1000
    else:
        found = _ISO.fullmatch(when.strip())
        try:
            if found is None:
                raise ValueError
            offset = (found[3] or "").replace("Z", "+00:00")
            moment = datetime.fromisoformat(found[1] + offset)
        except ValueError:
            raise UsageError(
                f"{when} is no time: write YYYY-MM-DD or an ISO time such as "
                "2026-01-02T12:00:00.5."
            ) from None
        fraction = int((found[2] or "").ljust(9, "0"))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp()) * SECOND + fraction


def text(at: int) -> str:
    """Nanoseconds since 1970 as an ISO time, without zeros that say nothing."""
    moment = datetime.fromtimestamp(at // SECOND, UTC)
    digits = f"{at % SECOND:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{moment:%Y-%m-%dT%H:%M:%S}{'.' if digits else ''}{digits}Z"


def keys_of(db: duckdb.DuckDBPyConnection, tokens: Sequence[str]) -> dict[str, int]:
    """The keys of tokens; raises `NoSuchToken` of one that was never heard of."""
    rows = db.execute(
        "select token_id, token_key from silver.MarketTokenDim "
        "where list_contains(?::varchar[], token_id) and ("
        "token_key in (select token_key from silver.BookTally) or "
        "token_key in (select token_key from silver.BookSnapshotFact))",
        [list(tokens)],
    ).fetchall()
    known = {token: int(key) for token, key in rows}
    for token in tokens:
        if token not in known:
            raise NoSuchToken(
                f"No order book of the token {token} was ever captured. `warehouse "
                'query "select token_id, covered_from, covered_until from '
                'gold.book_stretches"` lists those that were; run `ingest` if it was '
                "captured since."
            )
    return {token: known[token] for token in tokens}


def all_tokens(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Every token of which anything was heard."""
    rows = db.execute(
        "select token_id, token_key from silver.MarketTokenDim "
        "where token_key in (select token_key from silver.BookTally) "
        "or token_key in (select token_key from silver.BookSnapshotFact) "
        "order by token_key"
    ).fetchall()
    return {token: int(key) for token, key in rows}


def paced(
    things: Iterable[T],
    at: Callable[[T], int],
    speed: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[T]:
    """Yield things as they happened, `speed` times as fast; late ones at once."""
    began, first = clock(), None
    for thing in things:
        now = at(thing)
        first = now if first is None else first
        wait = (now - first) / SECOND / speed - (clock() - began)
        if wait > 0:
            sleep(wait)
        yield thing
