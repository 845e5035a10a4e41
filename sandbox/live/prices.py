"""Prices of crypto assets: one closed formula of time that every feed is read off.

Chainlink lags it and rounds, its TWAP is a mean of 60 such values, Binance and
Coinbase have a basis of their own. Settlement of the up/down markets is by the TWAP.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sandbox.live.chance import rolls

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
ASSETS = ("btc", "eth")
LEVELS = np.array([65_000.0, 3_200.0])
PERIODS = np.array(
    [19.0, 47, 113, 271, 613, 1_399, 3_301, 7_919, 19_001, 44_987, 110_023, 259_993,
     700_001]
)  # fmt: skip
HEIGHT = 3.2e-5  # of the shortest wave; longer ones grow with the root of their period
NOISE = 4e-6
LAG = 0.35  # seconds that Chainlink is behind
E18 = 10**18
TWAP_SECONDS = 60
SIGMA = 2.5e-5  # what the market thinks the price moves in a second


def spot(asset: npt.NDArray[np.intp], at: Floats) -> Floats:
    """The price of each asset (its place in ASSETS) at each moment."""
    phase = (asset + 1) * 1.7
    move = np.zeros(len(at))
    for k, period in enumerate(PERIODS):
        height = HEIGHT * (period / PERIODS[0]) ** 0.5
        angle = 2 * np.pi * (at % period) / period
        move += height * np.sin(angle + phase * (k + 1) + k * k)
    second = np.floor(at)
    share = at - second
    move += (1 - share) * jitter(asset, second) + share * jitter(asset, second + 1)
    result: Floats = LEVELS[asset] * np.exp(move)
    return result


def jitter(asset: npt.NDArray[np.intp], second: Floats) -> Floats:
    """The noise of whole seconds: small, and now and then not."""
    keys = second.astype(np.int64).astype(np.uint64)
    names = asset.astype(np.uint64)
    tail = np.minimum((1 - rolls(51, names, keys)) ** -0.5 - 1, 120.0)
    sign = np.where(rolls(52, names, keys) < 0.5, -1.0, 1.0)
    result: Floats = NOISE * tail * sign
    return result


@lru_cache(maxsize=256)
def spot_of(asset: str, second: int) -> float:
    """The price of one asset at one second."""
    return float(spot(np.array([ASSETS.index(asset)]), np.array([float(second)]))[0])


@lru_cache(maxsize=64)
def minute(asset: str, number: int) -> tuple[int, ...]:
    """Chainlink's values of the seconds of a minute, in units of 1e-18 dollars."""
    seconds = np.arange(number * 60, number * 60 + 60, dtype=np.float64)
    place = np.full(60, ASSETS.index(asset))
    values = spot(place, seconds - LAG)
    fine = rolls(53, seconds.astype(np.int64).astype(np.uint64)) < 0.5
    return tuple(
        round(value * 1e11) * 10**7 if digits else round(value * 1e6) * 10**12
        for value, digits in zip(values.tolist(), fine.tolist(), strict=True)
    )


def chainlink(asset: str, second: int) -> int:
    """Chainlink's value of a second, in units of 1e-18 dollars."""
    return minute(asset, second // 60)[second % 60]


@lru_cache(maxsize=4_096)
def twap(asset: str, second: int, window: int = TWAP_SECONDS) -> int:
    """The mean of the `window` values that end at the second, to eleven decimals."""
    values = [chainlink(asset, second - back) for back in range(window)]
    return sum(values) // window // 10**7 * 10**7


def settled(asset: str, opens: int, closes: int) -> tuple[int, int, bool]:
    """Strike and final price of a window, and whether it went up; a tie is up."""
    strike, final = twap(asset, opens), twap(asset, closes)
    return strike, final, final >= strike


@lru_cache(maxsize=64)
def binance_minute(asset: str, number: int) -> tuple[int, ...]:
    """Binance's prices against USDT of the seconds of a minute, in cents."""
    seconds = np.arange(number * 60, number * 60 + 60, dtype=np.float64)
    values = spot(np.full(60, ASSETS.index(asset)), seconds)
    values = values * (1 + basis(seconds, 4_001, 7e-5))
    return tuple(np.round(values * 100).astype(np.int64).tolist())


def binance(asset: str, second: int) -> int:
    """Binance's price of a second, in cents."""
    return binance_minute(asset, second // 60)[second % 60]


def basis(at: Floats, period: int, most: float) -> Floats:
    """How far a place is off the others at some moments, relative to the price."""
    result: Floats = most * np.sin(2 * np.pi * at / period)
    return result


def up_fair(
    asset: npt.NDArray[np.intp], strike: Floats, opens: Ints, closes: Ints, at: Ints
) -> Floats:
    """What `Up` is worth at each second: even before the window, then as it stands."""
    when = at.astype(np.float64)
    ahead = np.log(spot(asset, np.minimum(when, closes.astype(np.float64))) / strike)
    left = np.maximum(closes - at, 0) + 8.0
    score = np.where(at < opens, 0.0, ahead / (SIGMA * np.sqrt(left)))
    even = 0.12 * np.sin(when / 997.0 + opens % 13)  # opinions differ beforehand
    score = np.where(at < opens, even, score)
    result: Floats = 1 / (1 + np.exp(-np.clip(1.702 * score, -20, 20)))
    return result


def decimal_text(value: int) -> str:
    """Units of 1e-18 dollars as a plain decimal."""
    whole, part = divmod(value, E18)
    return f"{whole}.{part:018d}".rstrip("0").rstrip(".")
