"""Add up what gold would add up again with every question: hours and days of fills.

What each table holds, and how it is added up, stands in its file in
`warehouse/sql/silver/`. Only hours whose fills changed are added up, from all of their
fills, so that the result does not depend on how these came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import duckdb

from warehouse.connect import transaction
from warehouse.models import run_steps

STALE_HOURS_AT_ONCE = 50_000  # some million fills: what is held in memory meanwhile

_STORED = ("MarketHour", "TokenHour", "MarketDay", "TraderDay", "TokenPlace")


def refresh(
    db: duckdb.DuckDBPyConnection,
    execute: Callable[[str], object],
    *,
    at_once: int = STALE_HOURS_AT_ONCE,
) -> None:
    """Add up all hours that are stale, some days at a time, each in a transaction.

    `execute` runs one statement on `db`: see `ingestion.load.Loader.execute`.
    """
    run_steps(execute, "StaleHour", "mark_replaced")
    for first, last in list(_spans(db, at_once)):
        with transaction(db):
            db.execute("set variable stale_from = ?::timestamp", [first])
            db.execute("set variable stale_to = ?::timestamp", [last])
            run_steps(execute, "StaleHour", "read")
            for model in _STORED:
                run_steps(execute, model, "refresh")
            run_steps(execute, "StaleHour", "forget")
    for table in ("stale_fill", "stale_match"):
        db.execute(f"drop table if exists temp.{table}")


def _spans(
    db: duckdb.DuckDBPyConnection, at_once: int
) -> Iterator[tuple[datetime, datetime]]:
    """Cut the stale days into spans of so many stale hours, or of one day."""
    days = db.execute(
        "select date_trunc('day', hour_start)::timestamp, count(*) "
        "from silver.StaleHour group by all order by 1"
    ).fetchall()
    first, last, hours = None, None, 0
    for day, stale in days:
        if first is not None and last is not None and hours + stale > at_once:
            yield first, last
            first, hours = None, 0
        first = day if first is None else first
        last, hours = day + timedelta(days=1), hours + stale
    if first is not None and last is not None:
        yield first, last
