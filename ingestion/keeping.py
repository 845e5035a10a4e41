"""What retention would let go, what that means, and letting it go.

Silver holds what bronze holds: nothing goes from the one and stays in the other. What
other promises rest on is never let go, whatever its age.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from lake.expiry import Expired, expiring
from lake.lake import Lake
from settings.model import Retention
from warehouse.connect import open_to_read

TOGETHER: Mapping[str, tuple[str, ...]] = {
    "trades": ("taker_trades", "trades"),
    "prices": ("prices",),
    "open_interest": ("open_interest",),
    "leaderboard": ("leaderboard",),
    "book_events": ("book_events", "book_snapshots", "book_coverage"),
    "crypto_prices": ("crypto_prices",),
    "position_snapshots": ("position_snapshots", "position_polls"),
}
"""What each setting speaks of. Those together go in this order: the takers' rows
without the fills they name would look like lost fills, and events of which nobody
says that they were listened to like a book one may trust."""

KEPT: Mapping[str, str] = {
    "walks": "they prove completeness, and what was walked is not fetched again",
    "markets": "they are MarketDim and its history",
    "events": "they are EventDim",
    "clob_markets": "they are ClobMarketDim",
    "resolutions": "P&L of a settled market rests on its payout",
    "live_volume": "completeness rests on the exchange's own totals",
    "activity": "a wallet's P&L is exact only if all that it did is here",
    "positions": "a wallet's P&L is held against them",
    "user_pnl": "a wallet's P&L is held against it",
    "price_windows": "they say what was asked of price histories",
    "updown_windows": "they are UpdownDim",
    "service_errors": "they say when nobody listened",
}
"""The datasets that are never let go, and why."""


@dataclass(frozen=True)
class Going:
    """What would go of a dataset: all before `before`, and how much that is."""

    dataset: str
    keeps_days: int
    before: str
    days: int
    files: int
    rows: int
    bytes: int


@dataclass(frozen=True)
class Meaning:
    """What it means that fills go: how many markets and wallets lose some, and how
    many of these markets are complete now (null: no warehouse tells)."""

    markets: int
    complete_markets: int | None
    wallets: int


def going(lake: Lake, retention: Retention, *, now: float) -> list[Going]:
    """What would go now, in the order in which it goes; without what keeps all."""
    today = datetime.fromtimestamp(now, UTC).date()
    return [
        _going(lake, dataset, days, today)
        for setting, days in _limits(retention)
        for dataset in TOGETHER[setting]
    ]


def meaning(lake: Lake, plan: Iterable[Going], warehouse: Path) -> Meaning | None:
    """What it means for completeness and P&L; null where no fills go."""
    for one in plan:
        if one.dataset == "trades" and one.files:
            break
    else:
        return None
    files = expiring(lake.snapshot("trades").files, one.before)
    rows = pl.scan_parquet([lake.path_of("trades", file.name) for file in files])
    markets = _distinct(rows, "condition_id")
    wallets = _distinct(rows, "proxy_wallet")
    return Meaning(len(markets), _complete(warehouse, markets), len(wallets))


def let_go(lake: Lake, plan: Iterable[Going]) -> Iterator[Expired]:
    """Let it go, a dataset after the other; yields each as it is done.

    Each is one commit: whoever dies between two runs this again.
    """
    for one in plan:
        if one.files and (done := lake.expire(one.dataset, one.before)) is not None:
            yield done


def _limits(retention: Retention) -> Iterator[tuple[str, int]]:
    for setting in TOGETHER:
        days = getattr(retention, f"{setting}_days")
        if days:
            yield setting, days


def _going(lake: Lake, dataset: str, keeps_days: int, today: date) -> Going:
    before = (today - timedelta(days=keeps_days)).isoformat()
    files = expiring(lake.snapshot(dataset).files, before)
    return Going(
        dataset,
        keeps_days,
        before,
        days=len({file.day for file in files}),
        files=len(files),
        rows=sum(file.rows for file in files),
        bytes=sum(file.size for file in files),
    )


def _distinct(rows: pl.LazyFrame, column: str) -> pl.Series:
    found = rows.select(pl.col(column).str.to_lowercase().unique())
    return found.collect(engine="streaming")[column]


def _complete(warehouse: Path, markets: pl.Series) -> int | None:
    """How many of these are complete as of the published warehouse."""
    if not warehouse.exists():
        return None
    try:
        with open_to_read(warehouse) as db:
            going_market = pl.DataFrame({"condition_id": markets}).to_arrow()
            db.register("going_market", going_market)
            found = db.execute(
                "select count(*) from gold.market_completeness "
                "semi join going_market using (condition_id) "
                "where status = 'complete'"
            ).fetchall()
    except duckdb.Error:  # of another release: the next ingest builds it anew
        return None
    return int(found[0][0])
