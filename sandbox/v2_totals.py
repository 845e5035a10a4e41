"""Data v2: what was traded in total, and how far the index has come."""

from __future__ import annotations

import numpy as np

from sandbox.fills import block_of
from sandbox.v2 import event_markets, events, single
from sandbox.web import Ask, Reply, Route
from sandbox.world import World, iso


def live_volume(world: World, ask: Ask) -> Reply:
    """Shares traded in the markets of up to 20 events, each match once.

    Counts all that the index has: dust, and fills older than any query reaches.
    AMM-era markets are not known here.
    """
    ids = events(ask, 20)
    _ = world.now
    rows = [
        {"condition_id": market.condition, "taker_volume": world.shares(market)}
        for market in event_markets(world, ids)
        if market.kind != "amm"
    ]
    total = round(sum(float(str(row["taker_volume"])) for row in rows), 6)
    return single({"taker_volume_total": total, "conditions": rows})


def status(world: World, ask: Ask) -> Reply:
    """How far behind the chain the index is."""
    now, lag = world.now, world.options.lag_seconds
    block = int(block_of(np.array([now - lag]))[0])
    behind = {
        "source": "auto_redeem_binary_redemption",
        "block": block - 1,
        "behind_max": 1,
    }
    mechanisms = [
        {"name": "activity_feed", "age_seconds": lag},
        {"name": "custody_balances", "age_seconds": 0, "blocks_behind": 833},
        {"name": "pnl", "age_seconds": 1, "blocks_behind": 1},
    ]
    return single(
        {
            "computed_at": iso(now),
            "age_seconds": 0,
            "serving": {
                "lag_seconds": lag,
                "worst": "activity_feed",
                "mechanisms": mechanisms,
            },
            "ingestion": {
                "cursors": 148,
                "network": "polygon",
                "chain_id": 137,
                "max_synced_block": block,
                "min_synced_block": block - 1,
                "most_lagged": behind,
                "lagging": [behind],
            },
        }
    )


ROUTES = [
    Route("GET", "/data/v2/live-volume", live_volume),
    Route("GET", "/data/v2/status", status),
]
