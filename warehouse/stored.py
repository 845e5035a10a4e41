"""Add up what gold would add up again with every question: hours, days, wallets.

What each table holds, and how it is added up, stands in its file in
`warehouse/sql/silver/`. Only hours whose fills changed are added up, from all of their
fills, so that the result does not depend on how these came. What a wallet did in a
market goes on from what is known where its new fills are later than all before, and
else begins with its first fill again: either gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

import duckdb

from warehouse.connect import transaction
from warehouse.models import run_steps

STALE_HOURS_AT_ONCE = 150_000  # some million fills: held in memory meanwhile
FILLS_AT_ONCE = 2_000_000
PAIRS_AT_ONCE = 4_000_000  # of wallet and token, where all are added up

_STORED = (
    "MarketHour",
    "TokenHour",
    "MarketDay",
    "TraderDay",
    "TokenPlace",
    "TokenLast",
)
_SCRATCH = (
    "stale_fill",
    "stale_match",
    "market_category",
    "market_terms",
    "news_market",
    "open_row",
    "trader_market",
    "gone_row",
    "pair_open",
    "pair_gone",
    "pair_fill",
    "pair_sum",
    "pair_mixed",
    "pair_move",
    "pair_split",
    "pair_cost",
    "pair_fee",
    "pair_untraded",
    "total_row",
    "total_change",
)
_LAST_KEY = 2**32

Execute = Callable[[str], object]


def refresh(
    db: duckdb.DuckDBPyConnection,
    execute: Execute,
    *,
    at_once: int = STALE_HOURS_AT_ONCE,
    fills_at_once: int = FILLS_AT_ONCE,
) -> None:
    """Add up all that is stale, some days or markets at a time, in transactions.

    Gold must be there: it says which category the fills of a market count for.
    `execute` runs one statement on `db`: see `ingestion.load.Loader.execute`.
    """
    run_steps(execute, "StaleHour", "mark_replaced")
    run_steps(execute, "MarketCategory", "read")
    with transaction(db):
        run_steps(execute, "CategoryDim", "take_in")
        run_steps(execute, "MarketCategory", "take_in")
    run_steps(execute, "MarketTerms", "read")
    [(is_new,)] = db.execute("select not exists (from silver.TraderToken)").fetchall()
    run_steps(execute, "StaleTrader", "mark_everything" if is_new else "mark_replaced")
    has_totals = _has_totals(db)
    for first, last in list(_spans(db, at_once)):
        with transaction(db):
            db.execute("set variable stale_from = ?::timestamp", [first])
            db.execute("set variable stale_to = ?::timestamp", [last])
            run_steps(execute, "StaleHour", "read")
            for model in _STORED:
                run_steps(execute, model, "refresh")
            if not is_new:
                _set_markets(db, 0, _LAST_KEY)
                _add_up_wallets(db, execute, "news", has_totals)
            run_steps(execute, "StaleHour", "forget")
    for lowest, end in list(_slices(db, fills_at_once)):
        with transaction(db):
            _set_markets(db, lowest, end)
            run_steps(execute, "StaleTrader", "read")
            _add_up_wallets(db, execute, "stale", has_totals)
            run_steps(execute, "StaleTrader", "forget")
    for table in _SCRATCH:
        db.execute(f"drop table if exists temp.{table}")


def judge(
    db: duckdb.DuckDBPyConnection,
    execute: Execute,
    *,
    pairs_at_once: int = PAIRS_AT_ONCE,
) -> None:
    """Keep what gold's views say of markets that is asked for with every wallet.

    Belongs where the fills were put in a moment ago: they are not counted once more.
    """
    execute("set variable tallies_stand_for_fills = true")
    try:
        for model in ("MarketJudged", "TokenMark"):
            run_steps(execute, model, "compare")
        if _has_totals(db) and _shifted_pairs(db, execute) <= pairs_at_once:
            run_steps(execute, "TraderTotal", "read_shifted", "weigh", "take_off")
            _replace_judgement(execute)
            run_steps(execute, "TraderTotal", "put_on", "apply")
        else:
            _replace_judgement(execute)
            run_steps(execute, "TraderTotal", "forget")
            for lowest, end in list(_traders(db, pairs_at_once)):
                db.execute("set variable traders_from = ?::bigint", [lowest])
                db.execute("set variable traders_to = ?::bigint", [end])
                run_steps(execute, "TraderTotal", "build", "weigh", "put_in")
    finally:
        execute("reset variable tallies_stand_for_fills")


def _shifted_pairs(db: duckdb.DuckDBPyConnection, execute: Execute) -> int:
    """How many pairs of wallet and token are about to be told otherwise."""
    run_steps(execute, "TraderTotal", "shift")
    [(pairs,)] = db.execute("select getvariable('shifted_pairs')").fetchall()
    return int(pairs)


def _replace_judgement(execute: Execute) -> None:
    for model in ("MarketJudged", "TokenMark"):
        run_steps(execute, model, "replace")


def _has_totals(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether wallets' totals are kept up to date; in a new file they come last."""
    [(has_some,)] = db.execute("select exists (from silver.TraderTotal)").fetchall()
    return bool(has_some)


def _add_up_wallets(
    db: duckdb.DuckDBPyConnection,
    execute: Execute,
    which: Literal["news", "stale"],
    has_totals: bool,
) -> None:
    """Add up the wallets that have `news`, or those that are `stale`."""
    run_steps(execute, "TraderToken", f"read_{which}", "add_up")
    if which == "news":
        run_steps(execute, "TraderToken", "part")
    run_steps(execute, "TraderToken", "weigh", "describe", "tell_new")
    if has_totals:
        run_steps(execute, "TraderTotal", f"before_{which}", "weigh", "take_off")
        run_steps(execute, "TraderTotal", "after", "put_on")
    run_steps(execute, "TraderToken", f"store_{which}")
    [(is_any,)] = db.execute("select exists (from pair_sum)").fetchall()
    if is_any:  # a large insert: not held twice
        run_steps(db.execute, "TraderToken", "insert_new")
    if has_totals:
        run_steps(execute, "TraderTotal", "apply")
    run_steps(execute, "MarketTerms", "keep")


def _set_markets(db: duckdb.DuckDBPyConnection, lowest: int, end: int) -> None:
    db.execute("set variable pairs_from = ?::bigint", [lowest])
    db.execute("set variable pairs_to = ?::bigint", [end])


def _spans(
    db: duckdb.DuckDBPyConnection, at_once: int
) -> Iterator[tuple[datetime, datetime]]:
    """Cut the stale days into spans of so many stale hours, or of one day."""
    days = db.execute(
        "select date_trunc('day', hour_start)::timestamp, count(*) "
        "from silver.StaleHour group by all order by 1"
    ).fetchall()
    for first, last in _cut(days, at_once):
        yield first, last + timedelta(days=1)


def _slices(db: duckdb.DuckDBPyConnection, at_once: int) -> Iterator[tuple[int, int]]:
    """Cut the stale wallets' markets into ranges of so many fills, or of one market.

    A wallet that is stale by itself is taken to have some twenty fills there.
    """
    markets = db.execute(
        "select StaleTrader.market_key, sum(if(trader_key is null, fills, 20)) "
        "from silver.StaleTrader left join ("
        " select market_key, sum(trades) as fills from silver.MarketDay group by all"
        ") as held using (market_key) group by all order by 1"
    ).fetchall()
    for lowest, highest in _cut(markets, at_once):
        yield lowest, highest + 1


def _traders(db: duckdb.DuckDBPyConnection, at_once: int) -> Iterator[tuple[int, int]]:
    """Cut the wallets into ranges of so many pairs, or of as many as lie together."""
    pairs = db.execute(
        "select trader_key // 4096, count(*) from silver.TraderToken "
        "group by all order by 1"
    ).fetchall()
    for lowest, highest in _cut(pairs, at_once):
        yield lowest * 4096, (highest + 1) * 4096


def _cut(
    weights: Iterable[tuple[Any, int | None]], at_once: int
) -> Iterator[tuple[Any, Any]]:
    """Yield the first and the last of runs that weigh so much at most, or are one."""
    run: list[Any] = []
    weight = 0
    for key, more in weights:
        if run and weight + (more or 0) > at_once:
            yield run[0], run[-1]
            run, weight = [], 0
        run, weight = [*run[:1], key], weight + (more or 0)
    if run:
        yield run[0], run[-1]
