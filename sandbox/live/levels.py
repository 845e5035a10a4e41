"""The book that a market tends to at some moments; between them it gets there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.live.chance import U8, Floats, mixed, roll, rolls

Levels = dict[int, int]  # thousandths of a dollar: hundredths of a share
BID, ASK = 0, 1
CENTS = np.arange(10, 1_000, 10, dtype=np.int64)
CENT_KEYS: U8 = CENTS.astype(np.uint64)
MOST = 56_426_200
EDGE = 0.04  # beyond it, and beyond 0.96, the tick is a tenth of a cent


@dataclass(slots=True)
class Book:
    """The first outcome's levels; the other outcome's book is their mirror image."""

    bids: Levels
    asks: Levels
    tick: int

    def copy(self) -> Book:
        """Another book of the same levels."""
        return Book(dict(self.bids), dict(self.asks), self.tick)

    def side(self, side: int) -> Levels:
        """The bids or the asks."""
        return self.asks if side else self.bids

    def best(self) -> tuple[int, int]:
        """Best bid and best ask; 0 and 1000 where there is none."""
        return max(self.bids, default=0), min(self.asks, default=1_000)

    def put(self, side: int, price: int, size: int) -> None:
        """So much rests at the price now."""
        levels = self.asks if side else self.bids
        if size:
            levels[price] = size
        else:
            levels.pop(price, None)


def tick_of(tick: int, fair: float) -> int:
    """The tick in force: a cent becomes a tenth of one near 0 and 1."""
    return 1 if fair > 1 - EDGE or fair < EDGE else tick


def spread_of(salt: int, epoch: int) -> int:
    """Ticks between best bid and best ask; it lasts for some epochs."""
    chance = roll(salt, 11, epoch // 4)
    if chance < 0.55:
        return 1
    if chance < 0.82:
        return 2
    return 3 + int(mixed(salt, 12, epoch // 4) % (3 if chance < 0.98 else 20))


def target(salt: int, epoch: int, fair: float, tick: int) -> Book:
    """The book at the start of an epoch, around the fair price."""
    spread = spread_of(salt, epoch) * tick
    bid = int((fair * 1_000 - spread / 2) // tick) * tick
    bid = min(max(bid, tick), 1_000 - 2 * tick)
    ask = min(bid + spread, 1_000 - tick)
    own = rolls(salt, 13, CENT_KEYS)
    pace = 2 + (own * 6).astype(np.int64)  # epochs that a level stays as it is
    age = ((epoch + (own * 1_000).astype(np.int64)) // pace).astype(np.uint64)
    there = rolls(salt, 14, CENT_KEYS, age // np.uint64(4))
    size = sizes(salt, CENT_KEYS, age)
    book = Book({}, {}, tick)
    for side, touch in ((BID, bid), (ASK, ask)):
        away = (touch - CENTS if side == BID else CENTS - touch) / 10
        chosen = (away >= 0) & (there < density(away))
        prices, amounts = CENTS[chosen].tolist(), size[chosen].tolist()
        levels = book.side(side)
        levels.update(zip(prices, amounts, strict=True))
        near = (0, 1, 3, 6) if tick == 1 else (0,)
        sign = -1 if side == BID else 1
        for step in near:  # the touch itself, and prices between the cents
            price = touch + sign * step
            if 0 < price < 1_000 and (step == 0 or roll(salt, 15, price, epoch) < 0.3):
                levels.setdefault(price, one_size(salt, price, epoch // 3))
    return book


def density(away: Floats) -> Floats:
    """The chance of a level so many cents from the touch; walls lie far out."""
    return np.where(
        away <= 3, 0.72, np.where(away <= 10, 0.32, np.where(away > 44, 0.4, 0.06))
    )


def sizes(salt: int, prices: U8, age: U8) -> Floats:
    """What rests at each price: median 1,500 shares, heavy-tailed, mostly whole."""
    u = np.clip(rolls(salt, 16, prices, age), 0.002, 0.991)
    shares = np.clip(1_500 * (u / (1 - u)) ** 1.15, 1, MOST / 100)
    whole = rolls(salt, 17, prices, age) < 0.6
    cents = np.where(whole, np.round(shares) * 100, np.round(shares * 100))
    result: Floats = cents.astype(np.int64)
    return result


def one_size(salt: int, price: int, age: int) -> int:
    """The same for one level."""
    u = min(max(roll(salt, 16, price, age), 0.002), 0.991)
    shares = min(max(1_500 * (u / (1 - u)) ** 1.15, 1), MOST / 100)
    whole = roll(salt, 17, price, age) < 0.6
    return int(round(shares) * 100 if whole else round(shares * 100))
