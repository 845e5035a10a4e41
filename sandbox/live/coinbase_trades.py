"""Every trade of the Coinbase replica: two a second, none in a quiet minute."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sandbox.live.chance import mixed, rolls
from sandbox.live.prices import ASSETS, Floats, Ints, basis, spot

PRODUCTS = {"BTC-USD": "btc", "ETH-USD": "eth"}
BLOCK = 97  # minutes, one of which is quiet
A_MINUTE = 120
FIRST_ID = 1_000_000
EPOCH_MINUTE = 29_000_000  # minutes before it have no trades: February 2025


class Trade(NamedTuple):
    """One match; `side` is the taker's."""

    id: int
    at_us: int  # unix microseconds
    price: str
    size: str
    side: str


def quiet(asset: str, minute: int) -> bool:
    """Whether nothing is traded in this minute."""
    return minute % BLOCK == mixed(71, ASSETS.index(asset), minute // BLOCK) % BLOCK


def trades_before(asset: str, minute: int) -> int:
    """How many trades there were before a minute."""
    since = minute - EPOCH_MINUTE
    blocks = minute // BLOCK - EPOCH_MINUTE // BLOCK
    place = mixed(71, ASSETS.index(asset), minute // BLOCK) % BLOCK
    return (since - blocks - (minute % BLOCK > place)) * A_MINUTE


@lru_cache(maxsize=256)
def minute_of(asset: str, minute: int) -> tuple[Trade, ...]:
    """The trades of a minute, oldest first."""
    if quiet(asset, minute):
        return ()
    first = FIRST_ID + trades_before(asset, minute)
    numbers = np.arange(A_MINUTE)
    times, prices, sizes, buys = columns(asset, minute * A_MINUTE + numbers)
    rows = zip(times.tolist(), prices.tolist(), sizes.tolist(), buys, strict=True)
    return tuple(
        Trade(first + k, at, f"{price:.2f}", f"{size:.8f}", "buy" if buy else "sell")
        for k, (at, price, size, buy) in enumerate(rows)
    )


def columns(asset: str, halves: Ints) -> tuple[Ints, Floats, Floats, list[bool]]:
    """Time, price, size and side of the trades of some half seconds."""
    coin, keys = ASSETS.index(asset), halves.astype(np.uint64)
    offset = (rolls(72, coin, keys) * 499_999).astype(np.int64)
    times = halves * 500_000 + offset
    at = times / 1e6
    prices = spot(np.full(len(at), coin), at) * (1 + basis(at, 2_503, 3e-5))
    u = np.clip(rolls(73, coin, keys), 0.002, 0.998)
    sizes = np.round(0.01 * (u / (1 - u)) ** 1.1, 8)
    return times, np.round(prices, 2), sizes, (rolls(74, coin, keys) < 0.5).tolist()


def between(asset: str, after_us: int, upto_us: int) -> list[Trade]:
    """The trades later than one microsecond and not later than another."""
    minutes = range(after_us // 60_000_000, upto_us // 60_000_000 + 1)
    return [
        trade
        for minute in minutes
        for trade in minute_of(asset, minute)
        if after_us < trade.at_us <= upto_us
    ]


def newest(asset: str, upto_us: int) -> Trade:
    """The last trade up to a microsecond."""
    minute = upto_us // 60_000_000
    while True:
        found = [t for t in minute_of(asset, minute) if t.at_us <= upto_us]
        if found:
            return found[-1]
        minute -= 1


def sequence_of(trade: Trade) -> int:
    """The number of its message among all messages of the product."""
    return 37_475_000_000 + trade.id * 17 + mixed(75, trade.id) % 11
