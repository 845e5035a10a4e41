"""What the live side holds: windows with their outcome, and every price it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from sandbox.live.prices import decimal_text
from sandbox.live.ticks import COVERAGE, ticks

if TYPE_CHECKING:
    from sandbox.world import World

WINDOWS: dict[str, type[pl.DataType]] = {
    "series": pl.String,
    "slug": pl.String,
    "condition_id": pl.String,
    "up_token_id": pl.String,
    "down_token_id": pl.String,
    "window_start": pl.Int64,
    "window_end": pl.Int64,
    "strike": pl.String,
    "final_price": pl.String,
    "strike_published": pl.Boolean,
    "outcome": pl.String,  # null until it is settled
    "closed_at": pl.Int64,
}
TICKS: dict[str, type[pl.DataType]] = {
    "feed": pl.String,  # binance, chainlink, twap30, twap60
    "asset": pl.String,
    "observed_ms": pl.Int64,
    "arrives_ms": pl.Int64,
    "price_text": pl.String,
}


def windows_frame(world: World) -> pl.DataFrame:
    """Every window of the live series that is listed by now."""
    now = world.now
    rows = [
        (
            f"{market.asset}-{market.window // 60}m", market.slug, market.condition,
            *market.tokens, market.end_at - market.window, market.end_at,
            decimal_text(market.strike), decimal_text(market.final),
            market.salt % 73 != 0,
            ("Up" if market.payouts[0] else "Down") if market.closed(now) else None,
            market.closed_at,
        )
        for market in world.listed
        if market.asset and market.created_at <= now
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=WINDOWS, orient="row")


def ticks_frame(begin_ms: int, end_ms: int, asset: str = "btc") -> pl.DataFrame:
    """Every tick that arrives in this time, corrections and what they correct."""
    rows = [
        (feed, asset, tick.observed, tick.arrives, decimal_text(tick.value))
        for feed in COVERAGE
        for tick in ticks(feed, asset, begin_ms, end_ms)
    ]
    return pl.DataFrame(rows, schema=TICKS, orient="row")
