"""What gold.market_completeness says, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

STATUSES = ("complete", "partial", "unknown")

# reason -> what it means, and what to do about it
REASONS: dict[str, tuple[str, str]] = {
    "": (
        "the exchange names no total to compare with, and nothing else is wrong",
        "nothing to do; combo markets stay so",
    ),
    "walk_unfinished": (
        "the walk has not come to the end, or the market traded on meanwhile",
        "run `fetch --mode trades` again: it resumes",
    ),
    "windowed": (
        "only a stretch of time was asked for",
        "run `fetch --mode trades` without --since and --until",
    ),
    "service_window": (
        "fills older than three years are served for wallets only",
        "run `fetch --mode trades --deep-history`",
    ),
    "offset_cap": (
        "Data API v1 serves no rows beyond its cap",
        'fetch by v2: [apis.data] version = "v2"',
    ),
    "amm_era": (
        "what was traded with the market maker contract is not served",
        "nothing to do: only chain logs have it",
    ),
    "dust_floor": (
        "fills below 0.01 shares are never served",
        "nothing to do: less than 0.02 shares a match",
    ),
    "exchange_hole": (
        "two whole walks agree, and the exchange's own count differs",
        "nothing to do: the exchange does not serve the fill",
    ),
    "expired": (
        "older fills were let go by retention, as [retention] says",
        "nothing to do: what is left is whole; volume and P&L of before are not here",
    ),
    "missing_rows": (
        "rows are missing that were served, or that the exchange counts",
        "run `fetch repair`, then `ingest`; if it stays, `ingest --rebuild`",
    ),
    "excess_rows": (
        "more is held than the exchange counts, or than was served",
        "run `ingest --rebuild`; if it stays, `fetch --mode trades --fresh "
        "--market ID` twice, then `ingest`: what two walks do not show is withdrawn",
    ),
    "never_walked": (
        "nobody has asked for this market's fills yet",
        "run `fetch --mode trades`, or with --market ID",
    ),
}


@dataclass(frozen=True)
class Worst:
    """A market that is not complete; `shares_short` is told as of `as_of`."""

    condition_id: str
    question: str | None
    status: str
    reason: str
    trades_held: int
    shares_held: float
    shares_expected: float | None
    shares_short: float
    as_of: datetime | None


def counts(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Markets by status; every status is named."""
    return _counted(db, "gold.market_completeness")


def counts_by_ingest(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The same as it was when `ingest` ended, which takes no time to tell."""
    return _counted(db, "silver.MarketJudged")


def _counted(db: duckdb.DuckDBPyConnection, judged: str) -> dict[str, int]:
    found = dict(
        db.execute(f"select status, count(*) from {judged} group by all").fetchall()
    )
    return {status: int(found.get(status, 0)) for status in STATUSES}


def reasons(db: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int, int]]:
    """Status, reason, markets and fills held, the most frequent first; no complete."""
    return db.execute(
        "select status, reason, count(*) as markets, sum(trades_held)::bigint "
        "from gold.market_completeness where status <> 'complete' "
        "group by all order by markets desc, status, reason"
    ).fetchall()


def worst(db: duckdb.DuckDBPyConnection, limit: int) -> list[Worst]:
    """The markets that lack most; what may be our own loss comes first."""
    rows = db.execute(
        """
        select
            condition_id, question, status, reason, trades_held, shares_held,
            shares_expected, greatest(short_by, 0) as shares_short, as_of
        from (
            select condition_id, question, status, reason, as_of
            from gold.market_completeness
            where status <> 'complete'
        ) as judged
        inner join gold.market_totals using (condition_id)
        order by
            reason not in ('missing_rows', 'excess_rows'), shares_short desc,
            abs(coalesce(shares_expected, 0) - shares_held) desc,
            trades_held desc, condition_id
        limit ?
        """,
        [limit],
    ).fetchall()
    return [Worst(*row) for row in rows]


def summary(db: duckdb.DuckDBPyConnection, limit: int) -> dict[str, Any]:
    """All of it, for programs."""
    return {
        **counts(db),
        "reasons": [
            {
                "status": status,
                "reason": reason,
                "markets": markets,
                "trades_held": trades,
                "means": REASONS[reason][0],
                "mend": REASONS[reason][1],
            }
            for status, reason, markets, trades in reasons(db)
        ],
        "worst": [vars(one) for one in worst(db, limit)],
    }
