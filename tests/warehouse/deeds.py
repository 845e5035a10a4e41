"""What wallets did, as rows of silver made by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import duckdb
from exchange import NOON, put

WALLET = "0x" + "ab" * 20
BEGINNING = datetime.fromisoformat("1970-01-01")
HOUR = timedelta(hours=1)


def did(
    db: duckdb.DuckDBPyConnection,
    kind: str,
    usd: float,
    *,
    market: str | None = None,
    token: str | None = None,
    side: str | None = None,
    size: float | None = None,
    price: float = 0.0,
    hour: int = 0,
    wallet: str = WALLET,
    **columns: Any,
) -> None:
    """A row of what a wallet did, so many hours after noon."""
    put(
        db,
        "ActivityFact",
        trader_address=wallet,
        activity_type=kind,
        condition_id=market,
        token_id=token,
        transaction_hash="0xaa",
        occurrence=1,
        is_buy=None if side is None else side == "BUY",
        size=usd if size is None else size,
        price=price,
        usdc_size=usd,
        happened_at=NOON + hour * HOUR,
        first_seen_at=NOON,
        walk_key=900,
        **columns,
    )


def walked(
    db: duckdb.DuckDBPyConnection,
    dataset: str = "activity",
    *,
    walk: int = 900,
    covers_from: datetime = BEGINNING,
    outcome: str = "end",
    wallet: str = WALLET,
) -> None:
    """A walk over a wallet that ended."""
    put(
        db,
        "WalletWalk",
        walk_key=walk,
        trader_address=wallet,
        dataset=dataset,
        outcome=outcome,
        covers_from=covers_from,
        covers_to=NOON + 100 * HOUR,
        started_at=NOON + 100 * HOUR,
    )


def holds(
    db: duckdb.DuckDBPyConnection,
    token: str,
    price: float,
    *,
    market: str,
    opposite: str | None = None,
    index: int = 0,
    total_pnl: float = 0.0,
    wallet: str = WALLET,
) -> None:
    """A position of the wallet's snapshot, which is walk 901."""
    put(
        db,
        "WalletPositionFact",
        walk_key=901,
        trader_address=wallet,
        condition_id=market,
        token_id=token,
        opposite_token_id=opposite,
        asked_status="OPEN",
        outcome_index=index,
        price=price,
        total_pnl_usd=total_pnl,
        is_verified=True,
        fetched_at=NOON,
    )


def told(
    db: duckdb.DuckDBPyConnection, pnl: float, income: float = 0.0, *, hour: int = 100
) -> None:
    """A point of what the exchange says that the wallet had made."""
    put(
        db,
        "UserPnlFact",
        trader_address=WALLET,
        observed_at=NOON + hour * HOUR,
        position_pnl_usd=pnl,
        income_usd=income,
        economic_pnl_usd=pnl + income,
        fetched_at=NOON + 100 * HOUR,
        walk_key=902,
    )
