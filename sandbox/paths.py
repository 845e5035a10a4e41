"""The fair price of every market at any second, as a closed formula."""

from __future__ import annotations

from copy import copy

import numpy as np
import numpy.typing as npt

from sandbox.live.prices import ASSETS, E18, up_fair
from sandbox.market import Market

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
WAVES = np.array([1.0, 2.7, 7.3, 19.1, 53.0, 211.0])


class PricePaths:
    """Mid price of the first outcome: waves in log-odds that end at the payout."""

    def __init__(self, markets: list[Market], rng: np.random.Generator) -> None:
        count = len(markets)
        self.begin = np.array([m.trade_from for m in markets], dtype=np.int64)
        ends = np.array([max(m.trade_end, m.trade_from + 60) for m in markets])
        self.length = (ends - self.begin).astype(np.float64)
        self._start = rng.normal(0, 1.3, count)
        self._height = rng.normal(0, 1, (count, len(WAVES))) / WAVES**0.35
        self._phase = rng.uniform(0, 2 * np.pi, (count, len(WAVES)))
        first = np.array([m.payouts[0] / 1e6 for m in markets])
        self._asset = np.array(
            [ASSETS.index(m.asset) if m.asset else -1 for m in markets], dtype=np.intp
        )
        self._strike = np.array([m.strike / E18 for m in markets])
        self._closes = np.array([m.end_at for m in markets], dtype=np.int64)
        self._opens = self._closes - np.array([m.window for m in markets])
        self._pull = np.where(np.abs(first - 0.5) < 0.3, 0.0, np.sign(first - 0.5)) * 5

    def only(self, markets: Ints) -> PricePaths:
        """The paths of some markets, which are numbered anew in this order."""
        some = copy(self)
        for name, values in vars(self).items():
            setattr(some, name, values[markets])
        return some

    def mid(self, market: Ints, at: Ints) -> Floats:
        """The fair price of the first outcome of each market at each second."""
        u = np.clip((at - self.begin[market]) / self.length[market], 0.0, 1.0)
        odds = self._start[market] * (1 - u) + self._pull[market] * u**4
        for k, wave in enumerate(WAVES):
            odds = odds + self._height[market, k] * np.sin(
                2 * np.pi * wave * u + self._phase[market, k]
            )
        fair = 1 / (1 + np.exp(-odds))
        live = np.flatnonzero(self._asset[market] >= 0)
        if len(live):
            some, when = market[live], at[live]
            fair[live] = up_fair(
                self._asset[some], self._strike[some], self._opens[some],
                self._closes[some], when,
            )  # fmt: skip
        result: Floats = np.clip(fair, 0.0015, 0.9985)
        return result
