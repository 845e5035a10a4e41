"""Where numbers come from: from fills of the warehouse to bronze files and requests.

Bronze rows carry `walk_id, page_no, row_no`, and the dataset `walks` says which request
each page answered. Only the files that a dataset's Delta log lists are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from settings.errors import PolylakeError, UsageError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HEX = re.compile(r"0x[0-9a-f]{62,64}")


class NoSuchOrigin(PolylakeError):
    """Neither the warehouse nor the lake knows what was asked about."""


@dataclass(frozen=True)
class Subject:
    """What is traced: one market, one transaction, or one day; and its days."""

    kind: str
    value: str
    days: tuple[date, ...]


@dataclass(frozen=True)
class Origin:
    """One page of one walk in one bronze file, and the request it answered.

    `rows` of it belong to what is traced; `row_nos` are the first of their places.
    """

    file: str
    walk_id: str
    page_no: int
    rows: int
    row_nos: tuple[int, ...]
    fetched_at: datetime
    request: str | None
    trace_id: str | None


def find_subject(db: duckdb.DuckDBPyConnection, text: str) -> Subject:
    """Tell a day, a market (condition id or slug) and a transaction hash apart."""
    given = text.strip().lower()
    if _DAY.fullmatch(given):
        try:
            return Subject("day", given, (date.fromisoformat(given),))
        except ValueError:
            raise UsageError(f"{text} is no day: write YYYY-MM-DD.") from None
    market = db.execute(
        "select MarketKey.market_key, MarketKey.condition_id from silver.MarketKey "
        "left join silver.MarketDim using (market_key) "
        "where MarketKey.condition_id = $1 or MarketDim.slug = $1 "
        "or MarketKey.slug = $1 order by MarketKey.condition_id = $1 desc limit 1",
        [given],
    ).fetchall()
    if market:
        key, condition_id = market[0]
        days = _days(db, "market_key = ?", key)
        return Subject("market", condition_id, days)
    if not _HEX.fullmatch(given):
        raise UsageError(
            f"{text} is neither a day (YYYY-MM-DD), a transaction hash, nor the "
            "condition id or slug of a market in the warehouse."
        )
    days = _days(db, "transaction_hash = unhex(?)", given.removeprefix("0x"))
    if not days:
        raise NoSuchOrigin(
            f"The warehouse has no market and no fill {text}. If it was fetched since, "
            "run `ingest`."
        )
    return Subject("transaction", given, days)


def trace(
    db: duckdb.DuckDBPyConnection, lake: Path, subject: Subject, *, limit: int
) -> list[Origin]:
    """Return the pages that brought the subject's rows, the latest first."""
    files = live_files(lake, "trades", subject.days)
    if not files:
        return []
    column = {"market": "condition_id", "transaction": "transaction_hash"}
    chosen = (
        f"where lower({column[subject.kind]}) = ?" if subject.kind in column else ""
    )
    pages = db.execute(
        "select filename, walk_id, page_no, count(*), "
        "list(row_no order by row_no)[:20], min(fetched_at)::timestamp as first_at "
        f"from read_parquet(?, filename = true) {chosen} group by all "
        "order by first_at desc, walk_id, page_no limit ?",
        [files, *([subject.value] if chosen else []), limit],
    ).fetchall()
    requests = _requests(db, lake, pages)
    return [
        Origin(
            file=str(Path(file).relative_to(lake.resolve()))
            if Path(file).is_relative_to(lake.resolve())
            else file,
            walk_id=walk_id,
            page_no=page_no,
            rows=rows,
            row_nos=tuple(row_nos),
            fetched_at=fetched_at,
            request=requests.get((walk_id, page_no), (None, None))[0],
            trace_id=requests.get((walk_id, page_no), (None, None))[1],
        )
        for file, walk_id, page_no, rows, row_nos, fetched_at in pages
    ]


def live_files(lake: Path, dataset: str, days: Sequence[date]) -> list[str]:
    """The files of a dataset that its log lists for these days."""
    try:
        table = DeltaTable(lake / dataset)
    except TableNotFoundError:
        raise NoSuchOrigin(
            f"There is no dataset {dataset} in {lake}: is [paths] lake the lake that "
            "this warehouse was built from?"
        ) from None
    wanted = [day.isoformat() for day in days]
    return sorted(table.file_uris(file_pruning_predicate=[("dt", "in", wanted)]))


def _requests(
    db: duckdb.DuckDBPyConnection, lake: Path, pages: Sequence[Sequence[Any]]
) -> dict[tuple[str, int], tuple[str | None, str | None]]:
    """Request and trace id of each page, as far as `walks` has them."""
    if not pages:
        return {}
    moments = [page[5] for page in pages]
    first, last = min(moments).date(), max(moments).date()
    days = [first + timedelta(n) for n in range((last - first).days + 2)]
    files = live_files(lake, "walks", days)
    if not files:
        return {}
    found = db.execute(
        "select walk_id, page_no, request, trace_id from read_parquet(?) "
        "where kind = 'page' and list_contains(?, walk_id)",
        [files, sorted({page[1] for page in pages})],
    ).fetchall()
    return {(walk, page): (request, trace) for walk, page, request, trace in found}


def _days(
    db: duckdb.DuckDBPyConnection, condition: str, value: object
) -> tuple[date, ...]:
    rows = db.execute(
        "select distinct traded_at::date as day from silver.TradeFact "
        f"where {condition} order by day",
        [value],
    ).fetchall()
    return tuple(day for (day,) in rows)
