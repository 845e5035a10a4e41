"""When each price reaches its listeners: late, out of order, corrected, or never."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.live.chance import roll
from sandbox.live.prices import ASSETS, E18, binance, chainlink, twap

FEEDS = ("binance", "chainlink", "twap30", "twap60")
COVERAGE = {"binance": 0.985, "chainlink": 0.95, "twap30": 0.96, "twap60": 0.96}
CORRECTED = 0.004  # share of Chainlink's seconds that are said twice
LONGEST_DELAY = 7_000  # milliseconds


class Tick(NamedTuple):
    """A price of a second, as it comes."""

    arrives: int  # unix milliseconds
    observed: int
    value: int  # units of 1e-18 dollars


def ticks(feed: str, asset: str, after: int, upto: int) -> list[Tick]:
    """The ticks that arrive later than `after` and not later than `upto`, in order."""
    found: list[Tick] = []
    name, coin = FEEDS.index(feed), ASSETS.index(asset)
    for second in range((after - LONGEST_DELAY) // 1_000, upto // 1_000 + 1):
        if roll(61, name, coin, second) >= COVERAGE[feed]:
            continue
        arrives = second * 1_000 + delay(name, coin, second)
        value = value_of(feed, asset, second)
        if feed == "chainlink" and roll(62, coin, second) < CORRECTED:
            found.append(Tick(arrives, second * 1_000, value + value // 20_000))
            arrives += 600 + int(1_500 * roll(63, coin, second))
        found.append(Tick(arrives, second * 1_000, value))
    inside = [tick for tick in found if after < tick.arrives <= upto]
    return sorted(inside)


def delay(name: int, coin: int, second: int) -> int:
    """Milliseconds from a second to its arrival; a few come after their successors."""
    chance = roll(64, name, coin, second)
    if name == 0:
        return 120 + int(200 * chance)
    rare = roll(65, name, coin, second) < 0.015
    return 800 + int(1_700 * chance**2) + (int(2_900 * chance) if rare else 0)


def value_of(feed: str, asset: str, second: int) -> int:
    """What the feed says of a second in the end."""
    if feed == "binance":
        return binance(asset, second) * (E18 // 100)
    if feed == "chainlink":
        return chainlink(asset, second)
    return twap(asset, second, int(feed[4:]))


def recent(feed: str, asset: str, now: int, seconds: int) -> list[Tick]:
    """What has arrived of the last seconds, one tick a second, corrections made."""
    heard = ticks(feed, asset, now - seconds * 1_000, now)
    latest = {tick.observed: tick for tick in heard}
    return [latest[at] for at in sorted(latest)]
