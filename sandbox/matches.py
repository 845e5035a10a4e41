"""Makes the fills: one taker order against one or more resting orders, many times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.fees import fees
from sandbox.fills import BUY, DUST, I4, I8, SELL, U1, Bools, Fills, forever, sequences
from sandbox.market import Market
from sandbox.options import DAY, Options
from sandbox.paths import Floats, PricePaths
from sandbox.wallets import Wallets

ROWS_A_MATCH = 2.6
RUSH_SECONDS = 299  # from the second after `now`: within five minutes
LIVE_MATCHES = 12  # the least that a window of a live series has


@dataclass
class Matches:
    """One element a taker order, oldest first."""

    market: I4
    timestamp: I8
    makers: I8  # resting orders it hits
    outcome: U1
    side: U1
    taker: I4


def build_fills(
    options: Options, markets: list[Market], paths: PricePaths, wallets: Wallets
) -> Fills:
    """The fills of the universe, up to its end."""
    rng = np.random.default_rng([options.seed, 7, len(markets)])
    count = int(options.fill_count / ROWS_A_MATCH * 1.12) + 8
    while True:
        matches = build_matches(rng, options, markets, wallets, count)
        rows = matches.makers + 1
        made = int(rows[matches.timestamp <= options.now].sum())
        if made >= options.fill_count:
            return fill_rows(rng, options, markets, paths, wallets, matches)
        count = int(count * max(1.05, 1.03 * options.fill_count / max(made, 1))) + 8


def build_matches(
    rng: np.random.Generator,
    options: Options,
    markets: list[Market],
    wallets: Wallets,
    count: int,
) -> Matches:
    """Who takes what, where and when; nothing about price or size yet."""
    weight = market_weights(rng, options, markets)
    counts = np.maximum(rng.multinomial(count, weight), least_matches(options, markets))
    market = np.repeat(np.arange(len(markets), dtype=np.int32), counts)
    timestamp = times(rng, options, markets, market)
    makers = np.where(
        rng.random(len(market)) < 0.66, 1, 1 + rng.geometric(0.5, len(market))
    )
    makers = makers + np.where(rng.random(len(market)) < 0.004, rng.integers(5, 40), 0)
    if options.burst_count:
        market, timestamp, makers = with_burst(
            options, weight, market, timestamp, makers
        )
    if options.rush_markets:
        market, timestamp, makers = with_rush(
            rng, options, markets, market, timestamp, makers
        )
    amm = np.array([m.kind == "amm" for m in markets])
    makers = np.where(amm[market], 1, makers)
    order = np.lexsort((rng.random(len(market)), timestamp))
    market, timestamp, makers = market[order], timestamp[order], makers[order]
    size = len(market)
    outcomes = np.array([len(m.outcomes) for m in markets])[market]
    outcome = np.floor(rng.random(size) ** 1.3 * outcomes).astype(np.uint8)
    side = np.where(rng.random(size) < 0.75, BUY, SELL).astype(np.uint8)
    taker = with_crowd(rng, options, markets, market, wallets.draw(size, rng))
    return Matches(market, timestamp, makers, outcome, side, taker)


def least_matches(options: Options, markets: list[Market]) -> I8:
    """Matches that the rare kinds of market have in the smallest universe too."""
    rare = [
        m.trade_from < options.now - DAY
        and (m.hidden or m.kind in ("combo", "amm", "old", "v2"))
        for m in markets
    ]
    few = len(markets) < 1_000
    least = np.where(rare, 3 if few else 0, 0)
    least[[bool(m.asset) for m in markets]] = LIVE_MATCHES
    least[crowded(options, markets)] = max(options.live_crowd, LIVE_MATCHES)
    return least.astype(np.int64)


def crowded(options: Options, markets: list[Market]) -> Bools:
    """The windows of live series, from now on, that a crowd trades in."""
    here = [bool(options.live_crowd and m.asset and m.end_at > options.now)
            for m in markets]  # fmt: skip
    return np.array(here, dtype=bool)


def with_crowd(
    rng: np.random.Generator,
    options: Options,
    markets: list[Market],
    market: I4,
    wallet: I4,
) -> I4:
    """The wallets, but in crowded windows anybody of the crowd as likely as another."""
    mask = crowded(options, markets)[market]
    if mask.any():
        wallet = wallet.copy()
        wallet[mask] = rng.integers(0, options.live_crowd, int(mask.sum()))
    return wallet


def market_weights(
    rng: np.random.Generator, options: Options, markets: list[Market]
) -> Floats:
    """Each market's share of the matches: heavy-tailed, and none for a good part."""
    weight = rng.pareto(0.85, len(markets)) + 0.01
    silent = rng.random(len(markets)) < 0.35
    weight[silent] = 0
    for market in markets:
        if market.trade_from >= options.end:
            weight[market.index] = 0
        elif market.kind == "amm":
            weight[market.index] = min(weight[market.index], 0.3)
        elif market.kind in ("combo", "old", "v2") or market.hidden:
            weight[market.index] = min(max(weight[market.index], 0.4), 2.0)
    for _ in range(8):  # no market is most of the universe
        weight = np.minimum(weight, weight.sum() * 0.06)
    total = weight.sum()
    for kind, share in (("combo", 0.008), ("old", 0.04), ("amm", 0.015)):
        chosen = np.array([m.kind == kind for m in markets])
        if weight[chosen].sum() > 0:
            weight[chosen] *= share * total / weight[chosen].sum()
    return np.asarray(weight / weight.sum())


def times(
    rng: np.random.Generator, options: Options, markets: list[Market], market: I4
) -> I8:
    """When each match happens: half of them in clusters, as news makes them."""
    begin = np.array([m.trade_from for m in markets], dtype=np.int64)
    end = np.array([min(m.trade_end, options.end) for m in markets], dtype=np.int64)
    window = np.array([m.window for m in markets], dtype=np.int64)
    end = np.maximum(end, begin + 60)
    inside = (window > 0)[market] & (rng.random(len(market)) > 0.06)
    start = np.where(inside, end[market] - window[market], begin[market])
    life = (end[market] - start).astype(np.float64)
    centres = rng.random((len(markets), 8))
    where = centres[market, rng.integers(0, 8, len(market))]
    clustered = rng.random(len(market)) < 0.5
    spread = rng.exponential(np.minimum(300.0, life / 20))
    offset = np.where(
        clustered, where * life + spread, rng.beta(1.2, 0.9, len(market)) * life
    )
    result: I8 = start + np.clip(offset, 0, life - 1).astype(np.int64)
    return result


def with_burst(
    options: Options, weight: Floats, market: I4, timestamp: I8, makers: I8
) -> tuple[I4, I8, I8]:
    """Add matches of one second in the busiest market: more rows than a page holds."""
    busiest = int(np.argmax(weight))
    mine = timestamp[(market == busiest) & (timestamp < options.now - DAY)]
    if len(mine) == 0:
        mine = timestamp[timestamp < options.now - DAY]
    second = int(np.sort(mine)[len(mine) // 2])
    extra = options.burst_count // 3 + 1
    return (
        np.concatenate([market, np.full(extra, busiest, dtype=np.int32)]),
        np.concatenate([timestamp, np.full(extra, second, dtype=np.int64)]),
        np.concatenate([makers, np.full(extra, 2, dtype=np.int64)]),
    )


def with_rush(
    rng: np.random.Generator,
    options: Options,
    markets: list[Market],
    market: I4,
    timestamp: I8,
    makers: I8,
) -> tuple[I4, I8, I8]:
    """Add two matches, seven fills, in each of many open markets, just after `now`."""
    begin = options.now + 1
    open_ones = [m.index for m in markets if is_open(m, begin, begin + RUSH_SECONDS)]
    count = min(options.rush_markets, len(open_ones))
    chosen = rng.choice(np.array(open_ones, dtype=np.int32), count, replace=False)
    return (
        np.concatenate([market, np.repeat(chosen, 2)]),
        np.concatenate([timestamp, begin + rng.integers(0, RUSH_SECONDS, 2 * count)]),
        np.concatenate([makers, np.tile(np.array([2, 3], dtype=np.int64), count)]),
    )


def is_open(market: Market, begin: int, end: int) -> bool:
    """Whether an ordinary market, one that is listed, trades from begin to end."""
    return (
        market.kind not in ("amm", "combo", "old", "v2")
        and not market.hidden
        and market.trade_from <= begin
        and end <= market.trade_end
    )


def fill_rows(
    rng: np.random.Generator,
    options: Options,
    markets: list[Market],
    paths: PricePaths,
    wallets: Wallets,
    matches: Matches,
) -> Fills:
    """The rows of the matches: each maker's, and the taker's as their sum."""
    makers, n = matches.makers, len(matches.makers)
    parent = np.repeat(np.arange(n), makers)
    first = np.cumsum(makers) - makers
    place = np.arange(len(parent)) - first[parent]
    twin = (place > 0) & (rng.random(len(parent)) < 0.10)  # equals the maker before it

    size = like_before(sizes(rng, len(parent)), twin)
    level = np.minimum(place, rng.integers(0, 4, len(parent)))
    level = like_before(
        np.maximum.accumulate(level + 100 * parent) - 100 * parent, twin
    )
    milli = maker_prices(rng, markets, paths, matches, parent, level)
    minted = like_before((rng.random(len(parent)) < 0.35).astype(np.int64), twin) > 0
    market = matches.market[parent]
    amm = np.array([m.kind == "amm" for m in markets])[market]
    minted &= ~amm

    taker_side, taker_outcome = matches.side[parent], matches.outcome[parent]
    own = np.where(minted, 1000 - milli, milli)
    usdc = size * own // 1000
    paid = np.where(minted, size - usdc, usdc)  # what the taker pays or gets for it
    maker = with_crowd(rng, options, markets, market, wallets.draw(len(parent), rng))
    wallet = like_before(maker, twin)
    pool = wallets.count + np.cumsum([m.kind == "amm" for m in markets]) - 1
    wallet = np.where(amm, pool[market], wallet)
    clash = (wallet == matches.taker[parent]) & ~amm
    wallet = np.where(clash, (wallet + 1) % wallets.count, wallet)

    taker_size = np.bincount(parent, size.astype(np.float64), n).astype(np.int64)
    taker_usdc = np.bincount(parent, paid.astype(np.float64), n).astype(np.int64)
    spot = rng.integers(0, makers + 1)  # the taker's place among its makers

    row_match = np.concatenate([parent, np.arange(n)])
    row_place = np.concatenate([place + (place >= spot[parent]), spot])
    order = np.lexsort((row_place, row_match))
    taker_row = np.concatenate([np.zeros(len(parent), bool), np.ones(n, bool)])[order]
    row_match = row_match[order].astype(np.int32)
    timestamp = matches.timestamp[row_match]
    row_market = matches.market[row_match]
    row_size = np.concatenate([size, taker_size])[order]
    row_usdc = np.concatenate([usdc, taker_usdc])[order]
    maker_outcome = np.where(minted, 1 - taker_outcome, taker_outcome)
    maker_side = np.where(minted, taker_side, 1 - taker_side)
    visible, gone = index_times(rng, options, matches, row_match)
    return Fills(
        timestamp=timestamp,
        sequence=sequences(timestamp),
        match=row_match,
        market=row_market,
        outcome=np.concatenate([maker_outcome, matches.outcome])[order].astype(
            np.uint8
        ),
        side=np.concatenate([maker_side, matches.side])[order].astype(np.uint8),
        wallet=np.concatenate([wallet, matches.taker])[order].astype(np.int32),
        size=row_size,
        usdc=row_usdc,
        fee=fees(markets, row_market, timestamp, row_size, row_usdc, taker_row),
        is_taker=taker_row,
        visible_at=visible,
        gone_at=gone,
        hashes=rng.bytes(32 * n),
    )


def like_before(values: I8 | I4, twin: Bools) -> I8:
    """The values, each twin taking that of the last element that is none."""
    leader = np.maximum.accumulate(np.where(twin, 0, np.arange(len(values))))
    result: I8 = values[leader].astype(np.int64)
    return result


def sizes(rng: np.random.Generator, count: int) -> I8:
    """Shares in millionths: whole, hundredths, or to the last digit; some dust."""
    shares = np.minimum(rng.lognormal(2.7, 1.9, count), 250_000)
    kind = rng.random(count)
    micro = np.maximum(np.round(shares * 1e6), 20_000)
    micro = np.where(kind < 0.70, np.maximum(np.round(micro / 1e4), 2) * 1e4, micro)
    micro = np.where(kind < 0.36, np.maximum(np.round(shares), 1) * 1e6, micro)
    dust = rng.random(count) < 0.003
    micro = np.where(dust, rng.integers(1_000, DUST, count), micro)
    result: I8 = micro.astype(np.int64)
    return result


def maker_prices(
    rng: np.random.Generator,
    markets: list[Market],
    paths: PricePaths,
    matches: Matches,
    parent: I8,
    level: I8,
) -> I8:
    """Thousandths a share of the taker's token, on the grid, worse level by level."""
    market = matches.market
    first = paths.mid(market.astype(np.int64), matches.timestamp)
    many = np.array([len(m.outcomes) for m in markets])[market]
    rest = (1 - first) / np.maximum(many - 1, 1)
    fair = np.where(matches.outcome == 0, first, rest) + rng.normal(
        0, 0.004, len(first)
    )
    tick = np.array([m.tick for m in markets])[market]
    sign = np.where(matches.side == BUY, 1, -1)
    best = np.round(fair * 1000 / tick).astype(np.int64) + sign * (tick == 1)
    milli = (best[parent] + sign[parent] * level) * tick[parent]
    result: I8 = np.clip(milli, tick[parent], 1000 - tick[parent])
    return result


def index_times(
    rng: np.random.Generator, options: Options, matches: Matches, row_match: I4
) -> tuple[I8, I8]:
    """When the index gets each row, and when it loses it again."""
    n = len(matches.makers)
    lag = rng.integers(0, options.lag_seconds + 1, n)
    late = rng.random(n) < options.late_rows
    lag = np.where(late, rng.integers(1_200, 20_000, n), lag)
    visible = matches.timestamp + lag
    withdrawn = rng.random(n) < options.withdrawn_rows
    gone = np.where(withdrawn, visible + rng.integers(600, 40_000, n), forever(n))
    return visible[row_match], gone[row_match]
