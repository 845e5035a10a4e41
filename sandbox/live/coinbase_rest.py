"""Coinbase Exchange's REST side: candles, trades and the ticker of a product."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from sandbox.live.coinbase import rfc3339
from sandbox.live.coinbase_trades import (
    A_MINUTE,
    FIRST_ID,
    PRODUCTS,
    Trade,
    columns,
    minute_of,
    newest,
    quiet,
    trades_before,
)
from sandbox.web import Ask, Json, Problem, Reply, Route, reply

if TYPE_CHECKING:
    from sandbox.world import World

GRANULARITIES = (60, 300, 900, 3_600, 21_600, 86_400)
MOST_BUCKETS = 300
FINEST = 1_200  # trades looked at in a bucket; of a longer one, some


def refused(text: str, status: int = 400) -> Problem:
    """An error in the form of this service."""
    return Problem(reply({"message": text}, status))


def asset_of(ask: Ask) -> str:
    """The asset of the product asked for."""
    product = ask.match["product"]
    if product not in PRODUCTS:
        raise refused("NotFound", 404)
    return PRODUCTS[product]


def moment(text: str) -> int:
    """ISO 8601 or Unix seconds."""
    try:
        if text.isdigit():
            return int(text)
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise refused("Invalid start/end") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def candles(world: World, ask: Ask) -> Reply:
    """`[time, low, high, open, close, volume]`, newest first, without empty buckets."""
    asset, now = asset_of(ask), world.now
    text = ask.one("granularity") or "60"
    if not text.isdigit() or int(text) not in GRANULARITIES:
        raise refused("Unsupported granularity")
    step = int(text)
    start, end = ask.one("start"), ask.one("end")
    if start is None or end is None:  # one of them alone is ignored
        low, high = now - (MOST_BUCKETS - 1) * step, now
    else:
        low, high = moment(start), moment(end)
    if (high - low) // step > MOST_BUCKETS:
        raise refused(
            "granularity too small for the requested time range. "
            "Count of aggregations requested exceeds 300"
        )
    return reply(buckets(asset, low // step * step, min(high, now), step, now)[::-1])


def buckets(asset: str, low: int, high: int, step: int, now: int) -> list[list[Json]]:
    """The buckets that begin from `low` to `high`, oldest first, the last as it is."""
    minutes = range(low // 60, (high // step + 1) * step // 60)
    traded = [minute for minute in minutes if not quiet(asset, minute)]
    if not traded:
        return []
    share = max(1, step * 2 // FINEST)
    busy = np.array(traded, dtype=np.int64)[:, None] * A_MINUTE
    halves = (busy + np.arange(0, A_MINUTE, min(share, A_MINUTE))).ravel()
    times, prices, sizes, _ = columns(asset, halves)
    done = int(np.searchsorted(times, now * 1_000_000 + 999_999, side="right"))
    if not done:
        return []
    starts = halves[:done] // 2 // step * step
    prices, sizes = prices[:done], sizes[:done]
    at, first = np.unique(starts, return_index=True)
    last = np.append(first[1:], done) - 1
    rows = zip(
        at.tolist(),
        np.minimum.reduceat(prices, first).tolist(),
        np.maximum.reduceat(prices, first).tolist(),
        prices[first].tolist(),
        prices[last].tolist(),
        (np.add.reduceat(sizes, first) * share).round(8).tolist(),
        strict=True,
    )
    return [list(row) for row in rows]


def trades(world: World, ask: Ask) -> Reply:
    """Newest first; `after` gives older ones than an id, `before` newer ones."""
    asset = asset_of(ask)
    last = newest(asset, world.now_ms * 1_000)
    limit = min(int(ask.one("limit") or 1_000), 1_000)
    top = int(ask.one("after") or last.id + 1) - 1
    bottom = max(int(ask.one("before") or 0), top - limit)
    rows = [row(one) for one in by_ids(asset, bottom + 1, min(top, last.id), last)]
    if not rows:
        return reply([])
    cursors = (
        ("CB-BEFORE", str(rows[0]["trade_id"])),
        ("CB-AFTER", str(rows[-1]["trade_id"])),
    )
    return reply(rows, 200, *cursors)


def by_ids(asset: str, low: int, high: int, last: Trade) -> list[Trade]:
    """The trades of some ids, newest first."""
    minute = last.at_us // 60_000_000
    minute -= max(0, (trades_before(asset, minute) + FIRST_ID - high) // A_MINUTE)
    found: list[Trade] = []
    while len(found) <= high - low and minute > 0:
        part = minute_of(asset, minute)
        found += [one for one in reversed(part) if low <= one.id <= high]
        if part and part[0].id <= low:
            break
        minute -= 1
    return found


def row(trade: Trade) -> dict[str, Json]:
    """A trade; `side` is the maker's here."""
    return {
        "trade_id": trade.id,
        "side": "sell" if trade.side == "buy" else "buy",
        "size": trade.size,
        "price": trade.price,
        "time": rfc3339(trade.at_us),
    }


def ticker(world: World, ask: Ask) -> Reply:
    """The last trade and the best prices."""
    trade = newest(asset_of(ask), world.now_ms * 1_000)
    return reply(
        {
            "ask": trade.price,
            "bid": f"{float(trade.price) - 0.01:.2f}",
            "volume": f"{8_231.5 + trade.id % 997:.8f}",
            "trade_id": trade.id,
            "price": trade.price,
            "size": trade.size,
            "time": rfc3339(trade.at_us),
            "rfq_volume": "120.5",
        }
    )


BASE = "/coinbase-rest/products/{product}"
ROUTES = [
    Route("GET", f"{BASE}/candles", candles),
    Route("GET", f"{BASE}/trades", trades),
    Route("GET", f"{BASE}/ticker", ticker),
]
