"""What price histories would cost: points and requests, before anything is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from fetcher.polymarket.price_history import TOKENS_A_REQUEST, ladder, service_skew
from fetcher.polymarket.price_walk import DAY, Need, new_walk
from fetcher.polymarket.prices import PriceWork
from fetcher.run import Run

# As documented: for so many days the exchange keeps points of fewer minutes than this.
KEPT_DAYS = ((5, 7), (30, 60), (180, 90))
USUAL_DAYS = 3  # that a market lives


@dataclass(frozen=True)
class PriceCost:
    """Tokens to ask for, the points that they may have, and the requests it takes."""

    tokens: int
    points: int
    requests: int


def price_cost(run: Run) -> PriceCost:
    """The cost of what is left to fetch of the markets, by the exchange's clock."""
    fidelity = run.settings.prices.fidelity_minutes
    skew = service_skew(run.clob, run.clock)
    now = run.clock() + skew
    return cost_of(PriceWork(run, skew).left(), now=now, fidelity=fidelity)


def usual_cost(markets: int, *, fidelity: int) -> PriceCost:
    """The cost of so many markets of which nothing is known."""
    points = markets * USUAL_DAYS * DAY // (180 * 60)
    requests = ceil(markets / TOKENS_A_REQUEST) * len(ladder(fidelity))
    return PriceCost(markets, points, requests)


def cost_of(packs: Iterable[Sequence[Need]], *, now: float, fidelity: int) -> PriceCost:
    """The cost of walks over these packs."""
    tokens = points = requests = 0
    for pack in packs:
        walk = new_walk(pack, now=now, clock=now, fidelity=fidelity)
        tokens += len(pack)
        for low, high in walk.windows():
            alive = sum(need.start < high and need.end > low for need in pack)
            if alive:
                requests += len(_steps(low, now, fidelity))
                points += alive * _points(low, high, now, fidelity)
    return PriceCost(tokens, points, requests)


def _steps(low: float, now: float, fidelity: int) -> list[int]:
    """The fidelities that a window is asked for until its old end has points."""
    steps = []
    for tier in ladder(fidelity):
        steps.append(tier)
        if _kept_since(tier, now) <= low:
            break
    return steps


def _kept_since(fidelity: int, now: float) -> float:
    for below, days in KEPT_DAYS:
        if fidelity < below:
            return now - days * DAY
    return 0.0


def _points(low: float, high: float, now: float, fidelity: int) -> int:
    found = 0.0
    for tier in ladder(fidelity):
        begin = max(low, _kept_since(tier, now))
        if begin < high:
            found += (high - begin) / (60 * tier)
            high = begin
    return int(found)
