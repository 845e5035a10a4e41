"""Fetch price histories: of the markets with news, and of every open one once a day.

In order: walks that an earlier run left are brought to their end; on the first run of a
day both tokens of some markets are asked for, to see how well one mirrors the other;
then every token is asked for from where its prices are final. See price_walk.py for
the walk, price_needs.py for what is wanted.
"""

from __future__ import annotations

import hashlib
import heapq
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from math import inf

from fetcher.modes import ALL
from fetcher.polymarket import catalogue, selection
from fetcher.polymarket.catalogue import CatalogueMarket
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.market_jobs import alive_between
from fetcher.polymarket.planner import in_shard
from fetcher.polymarket.price_history import (
    TOKENS_A_REQUEST,
    service_skew,
)
from fetcher.polymarket.price_needs import PriceNeeds, Reason, packs
from fetcher.polymarket.price_run import PriceWalks
from fetcher.polymarket.price_walk import (
    DATASET,
    DAY,
    END,
    SAMPLE,
    WINDOW,
    Need,
)
from fetcher.polymarket.traded_markets import Seen, seen_now, traded_since
from fetcher.run import Job, Run
from fetcher.saved import fits, restored
from lake.batch import Batch, CursorChange
from settings.errors import UsageError

log = logging.getLogger(__name__)

_AT_ONCE = 20_000  # markets of the first run that are packed together


def fetch_prices(run: Run) -> None:
    """Bring the price histories of all markets, or of what was chosen, up to date."""
    if run.options.wallets:
        if run.options.mode == ALL:
            return
        raise UsageError("--wallet chooses fills: prices belong to markets.")
    work = PriceWork(run, service_skew(run.clob, run.clock))
    chosen = selection.chosen(run)
    run.check()
    if chosen is None and not work.is_windowed:
        work.whole_exchange()
    else:
        work.chosen_markets(chosen)


@dataclass(frozen=True)
class Account:
    """What the cursor file keeps of whole runs.

    `planned` and `swept` are when the last one, and the last over every open market,
    began by our clock; `asked` is the former by the service's.
    """

    planned: float | None = None
    asked: float | None = None
    swept: float = 0.0
    sampled: str | None = None  # the day on which both tokens were asked for
    trades: Seen | None = None


class PriceWork:
    """One run's walks over prices."""

    def __init__(self, run: Run, skew: float) -> None:
        self._run = run
        self._walks = PriceWalks(run, skew)

    @property
    def is_windowed(self) -> bool:
        """Whether only a stretch of time is wanted."""
        options = self._run.options
        return options.since is not None or options.until is not None

    # What is asked for

    def whole_exchange(self) -> None:
        """Ask for what has news, and for every open market where that is due."""
        run = self._run
        known = catalogue.of(run)
        if run.options.mode != ALL and not known.counts()["markets"]:
            raise UsageError(
                "Prices are asked for the markets of the catalogue, and there is none "
                "yet. Run `fetch --mode markets` first, or name markets with --market."
            )
        saved = self._account()
        if not self._walks.open() and self._is_recent(saved):
            return
        self._walks.resume(None)
        run.check()
        run.writer.fold()  # news is read from bronze and from the walk state
        began, failed = run.clock(), self._walks.failed()
        if saved.trades is None:  # the first run: everything is asked for anyway
            saved = replace(saved, trades=seen_now(run.lake))
            self._keep(saved)
        traded = traded_since(run.lake, saved.trades or Seen())
        if saved.sampled != self._today():
            self._sample()
            run.check()
            saved = replace(saved, sampled=self._today())
            self._keep(saved)
        hours = run.settings.prices.sweep_hours
        sweeps = run.options.full or began - saved.swept >= hours * 3600
        run.jobs(DATASET, self._due_jobs(saved.planned, traded.markets, sweeps=sweeps))
        run.check()
        if self._walks.failed() == failed:
            self._keep(
                replace(
                    saved,
                    planned=began,
                    asked=began + self._walks.skew,
                    swept=began if sweeps else saved.swept,
                    trades=traded.seen,
                )
            )

    def chosen_markets(self, chosen: list[CatalogueMarket] | None) -> None:
        """Ask for the markets that the options select, or for a stretch of time."""
        run = self._run
        if chosen is None:
            chosen = alive_between(
                catalogue.of(run), run.options.since, run.options.until
            )
        if not self.is_windowed:
            self._walks.resume({market.condition_id for market in chosen})
            run.check()
        run.writer.fold()
        goal = WINDOW if self.is_windowed else END
        jobs = list(self._jobs(chosen, lambda _: inf, goal))
        run.jobs(DATASET, jobs, total=len(jobs))

    def _is_recent(self, saved: Account) -> bool:
        """Whether a run over everything may leave prices to a later one."""
        options = self._run.options
        if options.mode != ALL or options.full or saved.asked is None:
            return False
        minutes = self._run.settings.prices.every_minutes
        return 0 <= self._walks.now() - saved.asked < 60 * minutes

    def _due_jobs(
        self, planned: float | None, traded: Mapping[str, float], *, sweeps: bool
    ) -> Iterator[Job]:
        """Markets with a fill or a catalogue change; with `sweeps`, all open ones.

        As long as no run has come to its end, all there are: open ones first, whose
        finest prices do not stay long.
        """
        known, now = catalogue.of(self._run), self._run.clock()
        settings = self._run.settings.prices
        before = -inf  # open markets that were asked before this are asked again
        if self._run.options.full:
            before = inf
        elif planned is None:
            before = now - 3600 * settings.sweep_hours
        elif sweeps:
            before = now - 60 * settings.every_minutes

        def reason(market: CatalogueMarket) -> float:
            news = max(market.stored_at, traded.get(market.condition_id, 0.0))
            return news if market.closed else max(news, before)

        if planned is None:
            yield from self._jobs(known.open_markets(), reason)
            settled = (market for market in known.each() if market.closed)
            for some in chunks(settled, _AT_ONCE):
                yield from self._jobs(some, reason)
            return
        # Rows have the time at which they were fetched, a little before they are there.
        changed = known.each(changed_since=max(0.0, planned - DAY))
        news = {market.id: market for market in known.by_condition(traded).values()}
        news |= {market.id: market for market in changed}
        others = known.open_markets() if sweeps else []
        quiet = (market for market in others if market.id not in news)
        yield from self._jobs(chain(news.values(), quiet), reason)

    def _jobs(
        self, markets: Iterable[CatalogueMarket], reason: Reason, goal: str = END
    ) -> Iterator[Job]:
        for pack in self._packs(markets, reason):
            yield self._walks.job(pack, goal)

    def _packs(
        self, markets: Iterable[CatalogueMarket], reason: Reason
    ) -> Iterator[list[Need]]:
        run = self._run
        days = run.settings.prices.history_days
        needs = PriceNeeds(
            run.lake.walk_state(),
            run.options,
            since=int(self._walks.now() - days * DAY) if days else 0,
        )
        mine = (m for m in markets if in_shard(m.condition_id, run.options.shard))
        found = needs.of((m for m in mine if m.condition_id), reason)
        return packs(found, now=self._walks.now(), size=TOKENS_A_REQUEST)

    def left(self) -> Iterator[list[Need]]:
        """What a run over the chosen markets, or over all, would still ask for.

        Fills that are not fetched yet are news that nobody can foresee.
        """
        run = self._run
        chosen = selection.chosen(run)
        markets = catalogue.of(run).each() if chosen is None else chosen
        for some in chunks(markets, _AT_ONCE):
            yield from self._packs(some, lambda market: market.stored_at)

    # Two tokens of a market

    def _sample(self) -> None:
        """Ask for both tokens of some binary markets, other ones every day."""
        run, day = self._run, self._today()
        shard = run.options.shard
        binary = (
            market
            for market in catalogue.of(run).open_markets()
            if len(market.token_ids) == 2 and in_shard(market.condition_id, shard)
        )

        def lot(market: CatalogueMarket) -> bytes:
            return hashlib.sha256(f"{day} {market.condition_id}".encode()).digest()

        some = heapq.nsmallest(run.settings.prices.mirror_sample, binary, key=lot)
        start = int(self._walks.now()) - DAY
        jobs = [
            self._walks.job(
                [
                    Need(token, market.condition_id, start)
                    for market in pairs
                    for token in market.token_ids
                ],
                SAMPLE,
            )
            for pairs in chunks(some, TOKENS_A_REQUEST // 2)
        ]
        run.jobs(DATASET, jobs, total=len(jobs))

    # The cursor file

    def _account(self) -> Account:
        """What earlier runs left; nothing with --fresh."""
        saved = self._run.cursor.values.get(DATASET)
        if saved is None or self._run.options.fresh:
            return Account()
        if not fits(Account, saved):
            log.warning(
                "The cursor file does not say rightly how far prices were asked for: "
                "every market is looked at again."
            )
            return Account()
        seen = saved.get("trades")
        return Account(**saved | {"trades": restored(Seen, seen)})

    def _keep(self, account: Account) -> None:
        change = CursorChange(values={DATASET: asdict(account)})
        self._run.writer.put(Batch(rows={}, cursor=change))

    def _today(self) -> str:
        return f"{datetime.fromtimestamp(self._walks.now(), UTC):%Y-%m-%d}"
