"""New matches in the past: what a late index brings below rows already served."""

from __future__ import annotations

import numpy as np

from sandbox.fills import BUY, I8, SELL, Fills, block_of, forever
from sandbox.world import World


def late_match(world: World, rows: I8, at: int, count: int) -> list[int]:
    """Add `count` matches of one maker each at about second `at`; their sequences.

    Each repeats the market, price and outcome of one of `rows`, under a new hash.
    """
    tape = world.tape
    fills = tape.fills
    near = np.searchsorted(fills.timestamp[rows], at)
    like = rows[max(0, int(near) - 1) :][:1]
    if len(like) == 0:
        raise ValueError("no served row to repeat")
    row = int(like[0])
    rng = np.random.default_rng([world.options.seed, len(fills), at])
    two = 2 * count
    timestamp = np.full(two, at, dtype=np.int64)
    taken = fills.sequence[fills.timestamp == at].max(initial=0)
    base = max(int(taken), int(block_of(timestamp[:1])[0]) * 10_000_000_000 + 77)
    side = np.tile(np.array([SELL, BUY], dtype=np.uint8), count)
    size = np.repeat(rng.integers(1_000_000, 9_000_000, count), 2)
    more = Fills(
        timestamp=timestamp,
        sequence=base + 11 * (1 + np.arange(two, dtype=np.int64)),
        match=np.repeat(np.arange(count), 2).astype(np.int32),
        market=np.full(two, fills.market[row], dtype=np.int32),
        outcome=np.full(two, fills.outcome[row], dtype=np.uint8),
        side=side,
        wallet=rng.integers(0, world.universe.wallets.count, two).astype(np.int32),
        size=size,
        usdc=size * 43 // 100,
        fee=np.zeros(two, dtype=np.int64),
        is_taker=side == BUY,
        visible_at=np.full(two, world.now, dtype=np.int64),
        gone_at=forever(two),
        hashes=rng.bytes(32 * count),
    )
    tape.insert(more)
    sequences: list[int] = more.sequence.tolist()
    return sequences
