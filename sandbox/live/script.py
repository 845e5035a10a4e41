"""What happens to a book in one epoch: from one target to the next, by messages."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.live.levels import ASK, BID, Book, one_size

EPOCH_MS = 30_000
SNAP = 0.85  # share of changes that fall into a burst


class Change(NamedTuple):
    """The new total at a level of the first outcome's book, and the best prices."""

    side: int
    price: int
    size: int
    best_bid: int
    best_ask: int


class Trade(NamedTuple):
    """A taker's order as it was filled."""

    outcome: int
    price: str
    size: str
    side: str
    transaction_hash: str


@dataclass(slots=True)
class Happening:
    """One message to come: `at` is when it is sent, `named` what it says itself."""

    at: int
    named: int
    kind: str  # change, trade, book, tick
    index: int = 0
    changes: tuple[Change, ...] = ()
    trade: Trade | None = None
    ticks: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Script:
    """An epoch of a market: the book before it, and what happens in it."""

    epoch: int
    start: Book
    happenings: list[Happening]
    times: list[int] = field(default_factory=list)


class Step(NamedTuple):
    """A level gets a new amount, or an order of so much comes (+) or goes (-)."""

    at: int
    order: int
    side: int
    price: int
    to: int | None
    by: int


def play(
    rng: random.Random, begin: Book, after: Book, epoch: int, messages: float
) -> list[Happening]:
    """The changes of an epoch, in order of time, and those of the tick."""
    steps = moves(rng, begin, after)
    orders = max(1, int((messages * 1.6 - len(steps)) / 2 * (0.6 + 0.8 * rng.random())))
    steps += visits(rng, begin, after, orders)
    groups = folded(rng, begin, sorted(steps))
    base = epoch * EPOCH_MS
    found = [
        Happening(base + at, base + at, "change", changes=changes)
        for at, changes in groups
    ]
    for each in found:
        if rng.random() < 0.006:
            each.named -= rng.randint(1, 8)
    if begin.tick != after.tick:  # finer before prices need it, coarser after
        at = base + 1 if after.tick < begin.tick else base + EPOCH_MS - 1
        found.append(Happening(at, at, "tick", ticks=(begin.tick, after.tick)))
    return found


def moves(rng: random.Random, begin: Book, after: Book) -> list[Step]:
    """From one target to the next: levels in the way go first, all at once."""
    bid, ask = after.best()
    first = rng.randint(1_000, 7_000)
    times = sorted(rng.randint(first + 1, EPOCH_MS - 500) for _ in range(6))
    steps: list[Step] = []
    for side in (BID, ASK):
        old, new = begin.side(side), after.side(side)
        for price in sorted({*old, *new}, reverse=side == BID):
            size = new.get(price, 0)
            if size == old.get(price, 0):
                continue
            in_the_way = price >= ask if side == BID else price <= bid
            at = first if in_the_way else when(rng, times, first + 1)
            steps.append(Step(at, len(steps), side, price, size, 0))
    return steps


def visits(rng: random.Random, begin: Book, after: Book, orders: int) -> list[Step]:
    """Orders that come and go again within the epoch, none of them crossing."""
    low = min(begin.best()[0], after.best()[0])
    high = max(begin.best()[1], after.best()[1])
    tick = max(begin.tick, after.tick)
    times = sorted(
        rng.randint(200, EPOCH_MS - 400) for _ in range(max(2, orders // 10))
    )
    there = [
        sorted(set(begin.bids) & set(after.bids), reverse=True),
        sorted(set(begin.asks) & set(after.asks)),
    ]
    steps: list[Step] = []
    for _ in range(orders):
        side = BID if rng.random() < 0.5 else ASK
        away = min(int(rng.expovariate(0.33)), 40)
        price = low - away * tick if side == BID else high + away * tick
        price -= price % tick if side == BID else 0
        price += -price % tick if side == ASK else 0
        if there[side] and rng.random() < 0.8:
            price = there[side][away % len(there[side])]
        if not 0 < price < 1_000:
            continue
        size = one_size(rng.getrandbits(32), price, 0) // 2 + 100
        came = when(rng, times, 200)
        left = when(rng, times, min(came + 1 + int(rng.expovariate(1 / 2_500)), 29_600))
        order = 1_000 + len(steps)
        steps += [
            Step(came, order, side, price, None, size),
            Step(max(left, came), order + 1, side, price, None, -size),
        ]
    return steps


def when(rng: random.Random, bursts: list[int], least: int) -> int:
    """A moment not before `least`: mostly that of a burst or a little after it."""
    at = bisect_left(bursts, least)
    if at < len(bursts) and rng.random() < SNAP:
        later = bursts[min(at + int(rng.expovariate(1.4)), len(bursts) - 1)]
        return later + rng.choice((0, 0, 0, 0, 0, 1))
    return rng.randint(least, EPOCH_MS - 300) if least < EPOCH_MS - 300 else least


def folded(
    rng: random.Random, begin: Book, steps: list[Step]
) -> list[tuple[int, tuple[Change, ...]]]:
    """Steps as changes, those of one moment in messages of a few."""
    book = begin.copy()
    resting: tuple[dict[int, int], dict[int, int]] = (dict(book.bids), dict(book.asks))
    orders: tuple[dict[int, int], dict[int, int]] = ({}, {})
    groups: list[tuple[int, tuple[Change, ...]]] = []
    pending: list[Change] = []
    room = at = 0
    bid, ask = book.best()
    for step in steps:
        side, price = step.side, step.price
        if step.to is None:
            orders[side][price] = orders[side].get(price, 0) + step.by
        else:
            resting[side][price] = step.to
        size = resting[side].get(price, 0) + orders[side].get(price, 0)
        if size == book.side(side).get(price, 0):
            continue
        book.put(side, price, size)
        if price >= bid if side == BID else price <= ask:
            bid, ask = book.best()
        if pending and (step.at != at or room == 0):
            groups.append((at, tuple(pending)))
            pending = []
        if not pending:
            at, room = step.at, how_many(rng)
        pending.append(Change(side, price, size, bid, ask))
        room -= 1
    if pending:
        groups.append((at, tuple(pending)))
    return groups


def how_many(rng: random.Random) -> int:
    """Changes that a message has room for: mostly one, rarely up to 23."""
    chance = rng.random()
    if chance < 0.55:
        return 1
    if chance < 0.985:
        return 2 + int((chance - 0.55) / 0.12)
    return rng.randint(5, 23)
