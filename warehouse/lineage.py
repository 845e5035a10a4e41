"""Where numbers come from: from the warehouse to bronze files and their requests.

Bronze rows carry `walk_id, page_no, row_no`, and the dataset `walks` says which request
each page answered. Which datasets a gold view rests on, the headers of the SQL files
say: its `Sources:`, and of each silver table what it `Reads`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from settings.errors import PolylakeError, UsageError
from warehouse.bronze_log import LiveDataset, datasets, open_bronze
from warehouse.models import models
from warehouse.views import gold_views

FILLS = ("trades", "taker_trades")
"""The datasets that fills come from; their files lie under the day of the fill."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HEX = re.compile(r"0x[0-9a-f]{62,64}")
_PLACE = re.compile(r"([\w.:-]+)/(\d+)(?:/(\d+))?")
_READS = re.compile(r"\bReads ((?:[^.:]|[.:]\S)*)")


class NoSuchOrigin(PolylakeError):
    """Neither the warehouse nor the lake knows what was asked about."""


@dataclass(frozen=True)
class Subject:
    """What is traced: a market, a transaction, a day, or a page of a walk.

    `days` are the days of its fills; a page has none. `tokens` and `event_id` are a
    market's: some datasets know it by these. `place` is a page's: walk, page, row.
    """

    kind: str
    value: str
    days: tuple[date, ...] = ()
    tokens: tuple[str, ...] = ()
    event_id: str | None = None
    place: tuple[str, int, int | None] | None = None


@dataclass(frozen=True)
class Span:
    """The fills meant by their time: from `since` on, before `until`."""

    since: datetime | None = None
    until: datetime | None = None

    def days(self, of: Iterable[date]) -> list[date]:
        """Those of these days that have a part in it."""
        return [
            day
            for day in of
            if (self.since is None or day >= self.since.date())
            and (self.until is None or _midnight(day) < self.until)
        ]


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
    """Tell a day, a market (condition id or slug), a transaction and a page apart."""
    given = text.strip().lower()
    if _DAY.fullmatch(given):
        day = moment_of(given).date()
        return Subject("day", given, (day,))
    market = db.execute(
        "select MarketKey.market_key, MarketKey.condition_id, MarketDim.event_id "
        "from silver.MarketKey left join silver.MarketDim using (market_key) "
        "where MarketKey.condition_id = $1 or MarketDim.slug = $1 "
        "or MarketKey.slug = $1 order by MarketKey.condition_id = $1 desc limit 1",
        [given],
    ).fetchall()
    if market:
        key, condition_id, event_id = market[0]
        tokens = db.execute(
            "select token_id from silver.MarketTokenDim where market_key = ?", [key]
        ).fetchall()
        days = _days(db, "market_key = ?", key)
        known = tuple(token for (token,) in tokens)
        return Subject("market", condition_id, days, known, event_id)
    if place := _PLACE.fullmatch(text.strip()):
        walk_id, page_no, row_no = place.groups()
        row = None if row_no is None else int(row_no)
        return Subject("page", text.strip(), place=(walk_id, int(page_no), row))
    if not _HEX.fullmatch(given):
        raise UsageError(
            f"{text} is neither a day (YYYY-MM-DD), a transaction hash, a page of a "
            "walk (WALK_ID/PAGE_NO), nor the condition id or slug of a market in the "
            "warehouse."
        )
    days = _days(db, "transaction_hash = unhex(?)", given.removeprefix("0x"))
    if not days:
        raise NoSuchOrigin(
            f"The warehouse has no market and no fill {text}. If it was fetched since, "
            "run `ingest`."
        )
    return Subject("transaction", given, days)


def moment_of(text: str) -> datetime:
    """A UTC day or an ISO time, as a time without an offset."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text} is no day: write YYYY-MM-DD or an ISO time."
        ) from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def behind(view: str, lake: Path) -> tuple[str, ...]:
    """The datasets of the lake that a gold view or a silver table rests on."""
    name = view.removeprefix("gold.").removeprefix("silver.")
    sources = {one.name: one.sources for one in gold_views()}
    silver = models("silver")
    if name not in sources and name not in silver:
        raise UsageError(f"There is no view {view}; `warehouse views` lists them all.")
    known = datasets(lake)
    found, seen, left = set(), set(), [name]
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in sources:
            left += [source.partition(".")[2] for source in sources[name]]
        elif reads := _READS.search(" ".join(silver[name].header.split())):
            words = set(re.findall(r"\w+", reads[1]))
            left += words & set(silver)
            found |= words & known
    return tuple(sorted(found - {"walks"}))


def trace(
    db: duckdb.DuckDBPyConnection,
    lake: Path,
    subject: Subject,
    *,
    limit: int,
    among: Sequence[str] = FILLS,
    span: Span | None = None,
) -> list[Origin]:
    """Return the pages that brought the subject's rows, the latest first."""
    if subject.place is not None:
        among = _datasets_of(db, lake, subject.place[0])
    held = datasets(lake)
    if not held.intersection(among):
        open_bronze(lake, among[0])  # says what is wrong
    pages: list[tuple[Any, ...]] = []
    for name in among:
        if name in held:
            bronze = open_bronze(lake, name)
            pages += _pages(db, bronze, subject, span or Span(), limit)
    pages = sorted(pages, key=lambda page: (page[5], page[1], -page[2]), reverse=True)
    pages = pages[:limit]
    requests = _requests(db, lake, pages)
    root = lake.resolve()
    return [
        Origin(
            file=str(Path(file).relative_to(root))
            if Path(file).is_relative_to(root)
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


def _pages(
    db: duckdb.DuckDBPyConnection,
    bronze: LiveDataset,
    subject: Subject,
    span: Span,
    limit: int,
) -> list[tuple[Any, ...]]:
    """The pages of one dataset that have rows of the subject."""
    conditions, values = _rows_of(subject, bronze)
    if conditions is None:
        return []
    by_day = bronze.name in FILLS and subject.kind != "page"
    files = bronze.files(span.days(subject.days) if by_day else None)
    if not files:
        return []
    if by_day:
        for sign, moment in ((">=", span.since), ("<", span.until)):
            if moment is not None:
                conditions.append(f"timestamp {sign} epoch(?::timestamp)")
                values.append(moment)
    return db.execute(
        "select filename, walk_id, page_no, count(*), "
        "list(row_no order by row_no)[:20], min(fetched_at)::timestamp as first_at "
        "from read_parquet(?, filename = true, union_by_name = true) "
        f"where {' and '.join(conditions) or 'true'} group by all "
        "order by first_at desc, walk_id, page_no limit ?",
        [files, *values, limit],
    ).fetchall()


def _rows_of(
    subject: Subject, bronze: LiveDataset
) -> tuple[list[str] | None, list[Any]]:
    """What holds of the subject's rows; null where the dataset knows nothing of it."""
    if subject.place is not None:
        walk_id, page_no, row_no = subject.place
        if row_no is None:
            return ["walk_id = ?", "page_no = ?"], [walk_id, page_no]
        return ["walk_id = ?", "page_no = ?", "row_no = ?"], list(subject.place)
    if subject.kind == "day":
        return ([], []) if bronze.name in FILLS else (None, [])
    if subject.kind == "transaction":
        if "transaction_hash" not in bronze.columns:
            return None, []
        return ["lower(transaction_hash) = ?"], [subject.value]
    if "condition_id" in bronze.columns:
        return ["lower(condition_id) = ?"], [subject.value]
    if "token_id" in bronze.columns:
        return ["list_contains(?, token_id)"], [list(subject.tokens)]
    if bronze.name == "events" and subject.event_id is not None:
        return ["id = ?"], [subject.event_id]
    return None, []


def _datasets_of(
    db: duckdb.DuckDBPyConnection, lake: Path, walk_id: str
) -> tuple[str, ...]:
    files = open_bronze(lake, "walks").files()
    found = db.execute(
        "select distinct dataset from read_parquet(?, union_by_name = true) "
        "where kind = 'page' and walk_id = ? and dataset is not null",
        [files, walk_id],
    ).fetchall()
    if not found:
        raise NoSuchOrigin(f"No page of a walk {walk_id} is in {lake / 'walks'}.")
    return tuple(name for (name,) in found)


def _requests(
    db: duckdb.DuckDBPyConnection, lake: Path, pages: Sequence[Sequence[Any]]
) -> dict[tuple[str, int], tuple[str | None, str | None]]:
    """Request and trace id of each page, as far as `walks` has them."""
    if not pages:
        return {}
    moments = [page[5] for page in pages]
    first, last = min(moments).date(), max(moments).date()
    days = [first + timedelta(n) for n in range((last - first).days + 2)]
    files = open_bronze(lake, "walks").files(days)
    if not files:
        return {}
    found = db.execute(
        "select walk_id, page_no, request, trace_id "
        "from read_parquet(?, union_by_name = true) "
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


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())
