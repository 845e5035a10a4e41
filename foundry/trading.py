"""Who trades what on each day: fills as the replica makes them, a day at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foundry.casting import Casting
from sandbox.catalogue import Catalogue, build_catalogue
from sandbox.fills import BUY, I4, I8, SELL, Fills
from sandbox.market import Market
from sandbox.matches import Matches, fill_rows, market_weights
from sandbox.options import DAY
from sandbox.paths import Floats, PricePaths
from sandbox.wallets import Wallets

BURST_MATCHES = 400  # of three rows each, in one second: more than a page holds
MOST_OF_A_DAY = 0.06
_CLUSTERS = 8


@dataclass(frozen=True)
class DayOfFills:
    """The fills of a stretch of time; `fills.market` are places in `markets`."""

    fills: Fills
    markets: I4


class Trading:
    """The markets, wallets and prices of a lake, and the fills of any day of it."""

    def __init__(self, casting: Casting) -> None:
        self.casting = casting
        self.options = casting.options
        self.catalogue: Catalogue = build_catalogue(self.options)
        self.markets: list[Market] = self.catalogue.markets
        rng = np.random.default_rng([casting.seed, 11])
        self.paths = PricePaths(self.markets, rng)
        pools = [market.fpmm for market in self.markets if market.fpmm]
        self.wallets = Wallets(casting.wallets, pools, rng)
        self._weight = market_weights(rng, self.options, self.markets)
        self._from = np.array([m.trade_from for m in self.markets], dtype=np.int64)
        end = np.array([m.trade_end for m in self.markets], dtype=np.int64)
        self._to = np.maximum(np.minimum(end, self.options.end), self._from + 60)
        window = np.array([m.window for m in self.markets], dtype=np.int64)
        self._open = np.where(window > 0, self._to - window, self._from)
        growth = np.linspace(0.4, 1.6, casting.days)
        share = growth * rng.uniform(0.85, 1.15, casting.days)
        marks = np.round(np.cumsum(share) / share.sum() * casting.fills)
        self._marks: I8 = np.concatenate([[0], marks]).astype(np.int64)

    def rows_of(self, day: int) -> int:
        """How many rows day number `day` has at least."""
        return int(self._marks[day + 1] - self._marks[day])

    def weights(self, begin: int, end: int) -> Floats:
        """What part of the matches of some seconds each market gets."""
        shared = np.minimum(self._to, end) - np.maximum(self._open, begin)
        rate = self._weight * np.clip(shared, 0, None) / (self._to - self._open)
        if not rate.any():  # a lake of few markets may have a day without any
            rate = self._weight * (self._from < end)
        for _ in range(8):  # no market is most of the day
            rate = np.minimum(rate, rate.sum() * MOST_OF_A_DAY)
        return np.asarray(rate / rate.sum())

    def expected(self, days: range) -> Floats:
        """About how many rows each market has in these days."""
        total = np.zeros(len(self.markets))
        for day in days:
            begin = self.casting.begin + day * DAY
            total += self.weights(begin, begin + DAY) * self.rows_of(day)
        return total

    def day(self, day: int) -> DayOfFills:
        """The fills of day number `day`."""
        begin = self.casting.begin + day * DAY
        return self.stretch(
            np.random.default_rng([self.casting.seed, 12, day]),
            self.rows_of(day),
            begin,
            begin + DAY,
            burst=day == self.casting.days - 2 and self.casting.fills >= 10_000,
        )

    def open_at(self, begin: int, end: int) -> I4:
        """The markets that may trade in these seconds."""
        return np.flatnonzero(self.weights(begin, end)).astype(np.int32)

    def stretch(
        self,
        rng: np.random.Generator,
        rows: int,
        begin: int,
        end: int,
        *,
        burst: bool = False,
        chosen: I4 | None = None,
    ) -> DayOfFills:
        """At least `rows` fills from `begin` up to `end`, and hardly more.

        Of `chosen` markets, if given, each has at least one match.
        """
        weight = self.weights(begin, end)
        least = np.zeros(len(weight), dtype=np.int64)
        if chosen is not None:
            only = np.zeros(len(weight))
            only[chosen] = weight[chosen]
            weight, least[chosen] = only / only.sum(), 1
        count = int(rows / 2.5) + 16
        counts = least + rng.multinomial(max(count - least.sum(), 0), weight)
        of = np.repeat(np.arange(len(weight), dtype=np.int32), counts)
        size = len(of)
        makers = np.where(rng.random(size) < 0.66, 1, 1 + rng.geometric(0.5, size))
        many = rng.random(size) < 0.004
        makers = makers + np.where(many, rng.integers(5, 40, size), 0)
        # One match of each chosen market comes first, then any, until it is enough.
        first = np.ones(size, dtype=bool)
        first[1:] = of[1:] != of[:-1]
        keep_first = first & (chosen is not None)
        turn = np.lexsort((rng.random(size), ~keep_first))
        enough = int(np.searchsorted(np.cumsum(makers[turn] + 1), rows)) + 1
        of, makers = of[turn[:enough]], makers[turn[:enough]]
        at = self._times(rng, of, begin, end)
        if burst:
            busiest = np.full(BURST_MATCHES, weight.argmax(), dtype=np.int32)
            of = np.concatenate([of, busiest])
            at = np.concatenate([at, np.full(BURST_MATCHES, begin + DAY // 2)])
            makers = np.concatenate([makers, np.full(BURST_MATCHES, 2)])
        order = np.lexsort((rng.random(len(of)), at))
        return self._filled(rng, of[order], at[order], makers[order])

    def _times(self, rng: np.random.Generator, of: I4, begin: int, end: int) -> I8:
        """When each match happens: half of them in clusters, as news makes them."""
        opens = np.maximum(self._open[of], begin)
        life = np.maximum(np.minimum(self._to[of], end) - opens, 1).astype(np.float64)
        centres = rng.random((len(self.markets), _CLUSTERS))
        where = centres[of, rng.integers(0, _CLUSTERS, len(of))]
        near = where * life + rng.exponential(np.minimum(300.0, life / 20))
        anywhere = rng.random(len(of)) * life
        offset = np.where(rng.random(len(of)) < 0.5, near, anywhere)
        result: I8 = opens + np.clip(offset, 0, life - 1).astype(np.int64)
        return np.clip(result, begin, end - 1)

    def _filled(
        self, rng: np.random.Generator, of: I4, at: I8, makers: npt.NDArray[np.int64]
    ) -> DayOfFills:
        markets, place = np.unique(of, return_inverse=True)
        size = len(of)
        outcomes = np.array([len(self.markets[m].outcomes) for m in markets])[place]
        matches = Matches(
            market=place.astype(np.int32),
            timestamp=at,
            makers=makers,
            outcome=np.floor(rng.random(size) ** 1.3 * outcomes).astype(np.uint8),
            side=np.where(rng.random(size) < 0.75, BUY, SELL).astype(np.uint8),
            taker=self.wallets.draw(size, rng),
        )
        fills = fill_rows(
            rng,
            self.options,
            [self.markets[m] for m in markets],
            self.paths.only(markets.astype(np.int64)),
            self.wallets,
            matches,
        )
        return DayOfFills(fills, markets.astype(np.int32))
