"""Fills as rows of bronze `trades` and `taker_trades`, sorted as a fold sorts them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from bronze.trades import TAKER_TRADES, TRADES
from foundry.texts import Ints, Texts, hex_texts
from foundry.trading import DayOfFills, Trading
from foundry.walked import I8, Walks
from lake.dataset import Dataset

SIDES = pa.array(["BUY", "SELL"])


class FillRows:
    """Makes tables of the fills of one lake."""

    def __init__(self, trading: Trading) -> None:
        markets, wallets = trading.markets, trading.wallets
        catalogue = trading.catalogue
        conditions = np.array([market.condition for market in markets])
        self._rank = np.argsort(np.argsort(conditions)).astype(np.int64)
        self._by_market = {
            "condition_id": _texts(m.condition for m in markets),
            "title": _texts(m.question.strip() for m in markets),
            "slug": _texts(m.slug for m in markets),
            "icon": _texts(m.icon for m in markets),
            "event_slug": _texts(
                catalogue.events[m.event].slug if m.event >= 0 else "" for m in markets
            ),
        }
        self._wide = max(len(m.tokens) for m in markets)
        self._by_token = {
            "token_id": _texts(_wide(m.tokens, self._wide) for m in markets),
            "outcome": _texts(_wide(m.outcomes, self._wide) for m in markets),
        }
        self._by_wallet = {
            "proxy_wallet": _texts(wallets.address(i) for i in range(len(wallets)))
        }
        profiles = [wallets.profile(i) for i in range(len(wallets))]
        for name in profiles[0]:
            self._by_wallet[name] = _texts(profile[name] for profile in profiles)

    def tables(
        self, day: DayOfFills, trades: Walks, takers: Walks, walk: I8
    ) -> dict[str, pa.Table]:
        """The rows of both datasets; `walk` says of each market which walk it is of."""
        fills = day.fills
        market = day.markets[fills.market].astype(np.int64)
        order = self._order(day)
        mine = np.flatnonzero(fills.is_taker)
        kept = order[fills.is_taker[order]]
        place = np.empty(len(fills), dtype=np.int64)
        place[mine] = np.arange(len(mine))
        found = {}
        every: I8 = np.arange(len(fills), dtype=np.int64)
        parts: tuple[tuple[Dataset, Walks, I8, I8], ...] = (
            (TRADES, trades, every, order),
            (TAKER_TRADES, takers, mine.astype(np.int64), place[kept]),
        )
        for dataset, walks, rows, chosen in parts:
            of = walk[market[rows]]
            page, row, at = walks.take(of, market[rows], fills.timestamp[rows])
            lineage = {
                "fetched_at": pa.array(at[chosen], pa.timestamp("us", tz="UTC")),
                "walk_id": _named(walks.ids, of[chosen]),
                "page_no": pa.array(page[chosen].astype(np.int32)),
                "row_no": pa.array(row[chosen].astype(np.int32)),
            }
            found[dataset.name] = self._table(dataset, day, rows[chosen], lineage)
        return found

    def _order(self, day: DayOfFills) -> I8:
        """The rows by market, second and hash; within a match as they were."""
        fills = day.fills
        first = np.searchsorted(fills.match, np.arange(len(fills.hashes) // 32))
        hashes = np.frombuffer(fills.hashes, dtype=">u8").reshape(-1, 4)[:, 0]
        rank = self._rank[day.markets[fills.market[first]]]
        at = fills.timestamp[first]
        by_match = np.lexsort((hashes, rank << 32 | at))
        count = np.diff(np.append(first, len(fills)))[by_match]
        begin = np.cumsum(count) - count
        return np.repeat(first[by_match] - begin, count) + np.arange(len(fills))

    def _table(
        self,
        dataset: Dataset,
        day: DayOfFills,
        rows: I8,
        lineage: dict[str, pa.Array],
    ) -> pa.Table:
        fills = day.fills
        markets, at_market = np.unique(fills.market[rows], return_inverse=True)
        token = fills.market[rows].astype(np.int64) * self._wide + fills.outcome[rows]
        tokens, at_token = np.unique(token, return_inverse=True)
        tokens = (
            day.markets[tokens // self._wide].astype(np.int64) * self._wide
            + tokens % self._wide
        )
        wallets, at_wallet = np.unique(fills.wallet[rows], return_inverse=True)
        columns = {
            "transaction_hash": _hashes(day, rows, coded=dataset is TRADES),
            "side": _named(SIDES, fills.side[rows]),
            "timestamp": pa.array(fills.timestamp[rows]),
            "size": pa.array(fills.size[rows] / 1e6),
            "price": pa.array(fills.prices(rows)),
            **lineage,
            "extra": pa.nulls(len(rows), pa.string()),
        }
        wanted = set(dataset.schema.names)
        for name in self._by_market.keys() & wanted:
            texts = self._by_market[name]
            columns[name] = texts.of(day.markets[markets], at_market)
        for name in self._by_token.keys() & wanted:
            columns[name] = self._by_token[name].of(tokens, at_token)
        for name in self._by_wallet.keys() & wanted:
            columns[name] = self._by_wallet[name].of(wallets, at_wallet)
        if "outcome_index" in wanted:
            columns["outcome_index"] = pa.array(fills.outcome[rows].astype(np.int32))
        return pa.table({name: columns[name] for name in dataset.schema.names})


def _hashes(day: DayOfFills, rows: I8, *, coded: bool) -> pa.Array:
    """The transactions' hashes, as codes if several rows have each."""
    match = day.fills.match[rows]
    begins = np.ones(len(match), dtype=bool)
    begins[1:] = match[1:] != match[:-1]
    raw = np.frombuffer(day.fills.hashes, dtype=np.uint8).reshape(-1, 32)
    texts = hex_texts(raw[match[begins]].tobytes(), 64)
    if not coded:
        return texts
    codes = (np.cumsum(begins) - 1).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes), texts)


def _named(names: pa.Array | list[str], of: Ints) -> pa.Array:
    """The names of numbers, as codes."""
    used, place = np.unique(of, return_inverse=True)
    return Texts(pa.array(names)).of(used, place)


def _texts(values: Iterable[str | list[str]]) -> Texts:
    listed: list[str] = []
    for value in values:
        listed.extend([value] if isinstance(value, str) else value)
    return Texts(pa.array(listed, pa.string()))


def _wide(texts: tuple[str, ...], width: int) -> list[str]:
    return [*texts, *[""] * (width - len(texts))]
