"""The market walks of a run: what is due, what is resumed, and in which packs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fetcher.polymarket.catalogue import Catalogue, CatalogueMarket
from fetcher.polymarket.chain import Chain, new_chain, sides_of
from fetcher.polymarket.due import (
    candidates,
    ended_at,
    marked_due,
    never_walked,
    unique,
)
from fetcher.polymarket.feed import DAY, feed_key
from fetcher.polymarket.legacy_trades import LegacySource, legacy_chain, walk_legacy
from fetcher.polymarket.market_walk import (
    WINDOW_DAYS,
    market_chain,
    walk_markets,
    with_takers,
)
from fetcher.polymarket.planner import Candidate, candidate, in_order, in_shard, packed
from fetcher.polymarket.trade_layout import LATEST
from fetcher.polymarket.trade_work import TradeWork
from fetcher.run import Job
from lake.batch import EVERYTHING, Batch

TAKERS_SHARE = 0.4  # of all rows
LEGACY_PACK_ROWS = 200  # v1 has a cap, and a pack that meets it is walked again

Found = Mapping[str, Sequence[Candidate]]


class MarketJobs:
    """Plans and does the market walks of one run."""

    def __init__(self, work: TradeWork) -> None:
        self._work = work
        self._run = work.run
        self._options = work.run.options
        self._floors: dict[tuple[str, str], int] = {}
        self._resumable = True

    # What is due

    def due(self, dataset: str) -> list[Candidate]:
        """Every market that was never walked to its end, or must be walked again."""
        work, shard = self._work, self._options.shard
        state = self._run.lake.walk_state()
        feed = work.feed(feed_key(dataset))
        if self._options.fresh:
            found = (candidate(m) for m in work.catalogue.each() if m.condition_id)
            return unique(c for c in found if in_shard(c.condition_id, shard))
        planned: object = self._run.cursor.values.get("trades_planned")
        since = planned.get(dataset) if isinstance(planned, dict) else None
        since = float(since) if isinstance(since, int | float) else 0.0
        if work.service.version == "v1":
            changed = work.catalogue.each(changed_since=max(0.0, since - DAY))
            listed = [m for m in changed if in_shard(m.condition_id, shard)]
            return unique(self._may_have_more(dataset, listed))
        return unique(
            [
                *never_walked(
                    work.catalogue,
                    state,
                    dataset,
                    since=since,
                    covered_from=feed.covered_from if feed is not None else 0,
                    shard=shard,
                ),
                *marked_due(work.catalogue, state, dataset, shard=shard),
                *candidates(work.catalogue, self._due_now(dataset)),
            ]
        )

    def _due_now(self, dataset: str) -> list[str]:
        """Markets that became due in this run."""
        shard = self._options.shard
        due = [key for of, key in self._work.due_at if of == dataset]
        return [key for key in due if in_shard(key, shard)]

    def planned(self, began: float) -> None:
        """Note that all that was due when this run began has been walked."""
        self._work.keep(trades_planned=dict.fromkeys(self._work.datasets, began))

    def of_chosen(
        self, dataset: str, chosen: Sequence[CatalogueMarket]
    ) -> list[Candidate]:
        """The chosen markets, each only down to where an earlier walk has been.

        A market that ended before it was last walked has nothing new.
        """
        listed = [m for m in chosen if in_shard(m.condition_id, self._options.shard)]
        if self._is_windowed:
            return unique(candidate(market) for market in listed if market.condition_id)
        return unique(self._may_have_more(dataset, listed))

    def alive_in_window(self) -> list[CatalogueMarket]:
        """The markets of the catalogue that can have traded in the run's window."""
        return alive_between(
            self._work.catalogue, self._options.since, self._options.until
        )

    @property
    def _is_windowed(self) -> bool:
        return self._options.since is not None or self._options.until is not None

    def _may_have_more(
        self, dataset: str, listed: Sequence[CatalogueMarket]
    ) -> Iterator[Candidate]:
        state = self._run.lake.walk_state()
        ids = [market.condition_id for market in listed if market.condition_id]
        ended = {} if self._options.fresh else ended_at(state, dataset, ids)
        for market in listed:
            walked_at = ended.get(market.condition_id)
            if not market.condition_id:
                continue
            if walked_at is not None:
                closed = market.closed_at if market.closed else None
                if closed is not None and closed + DAY < walked_at:
                    continue
                floor = int(walked_at) - self._run.settings.trades.overlap_seconds
                self._floors[dataset, market.condition_id] = floor
            yield candidate(market)

    # Walking

    def walk(
        self, found: Found, *, also: Sequence[Job] = (), only: set[str] | None = None
    ) -> None:
        """Resume the saved walks, then walk what was found; one after the other.

        Saved walks of markets outside of `only` are left for another run. Both sides
        come first: a market without any fill needs no walk of takers.
        """
        resumed = self._resumed(only) if self._resumable else []
        self._resumable = False
        busy = {
            (chain.dataset, condition)
            for chain in resumed
            for condition in chain.scope
            if chain.started_at >= self._work.due_since(chain.dataset, condition)
        }
        began = self._work.service.now()
        jobs = [*also, *(self._job(chain) for chain in resumed)]
        for dataset, some in found.items():
            walked = self._work.walked.get(dataset, {})
            chains = self._chains(
                dataset,
                [
                    one
                    for one in some
                    if (dataset, one.condition_id) not in busy
                    and walked.get(one.condition_id, 0.0) < began
                ],
            )
            jobs += [self._job(chain) for chain in chains]
            self._run.jobs("trades", jobs, total=len(jobs))
            jobs = []
            self._run.check()

    def walk_feed_window(self) -> None:
        """Walk the feed for a window that it reaches: cheaper than all markets."""
        chains = [
            new_chain(
                dataset,
                "feed",
                {"taker_only": sides_of(dataset)},
                EVERYTHING,
                now=self._work.service.now(),
                floor=self._options.since,
                until=self._options.until or LATEST + 1,
            )
            for dataset in self._work.datasets
        ]
        jobs = [self._job(chain) for chain in chains]
        self._run.jobs("trades", jobs, total=len(jobs))

    def _resumed(self, only: set[str] | None) -> list[Chain]:
        if self._work.service.version != "v2":
            return []
        resumed = []
        for chain in self._work.saved_chains().values():
            if chain.strategy != "market":
                continue
            if only is not None and not set(chain.scope) <= only:
                continue
            if chain.until is not None and not self._is_window_of(chain):
                self._work.drop([chain], "another window")
                continue
            if chain.until is None and self._is_windowed:
                continue
            resumed.append(chain)
        return resumed

    def _is_window_of(self, chain: Chain) -> bool:
        until = LATEST + 1 if self._options.until is None else self._options.until
        wanted = (self._options.since, until) if self._is_windowed else None
        return (chain.floor, chain.until) == wanted

    def _chains(self, dataset: str, found: Sequence[Candidate]) -> list[Chain]:
        """New walks, large markets alone and small ones packed."""
        work, trades = self._work, self._run.settings.trades
        is_v1 = work.service.version == "v1"
        most_rows = float(LEGACY_PACK_ROWS if is_v1 else trades.pack_rows)
        if dataset == "taker_trades":
            most_rows /= TAKERS_SHARE
        edge = int(work.service.latest()) - WINDOW_DAYS * DAY
        whole = [c for c in found if (dataset, c.condition_id) not in self._floors]
        rest = [c for c in found if (dataset, c.condition_id) in self._floors]
        chains = []
        for some in (whole, rest):
            for pack in packed(
                in_order(some, edge=edge),
                most_markets=trades.pack_markets,
                most_rows=most_rows,
            ):
                floors = [self._floors.get((dataset, c), 0) for c in pack]
                chains.append(self._chain(dataset, pack, min(floors) or None))
        return chains

    def _chain(self, dataset: str, pack: tuple[str, ...], floor: int | None) -> Chain:
        since, until = self._options.since, self._options.until
        now = self._work.service.now()
        if self._work.service.version == "v1":
            return legacy_chain(dataset, pack, now=now, since=since, until=until)
        return market_chain(
            dataset, pack, now=now, since=since, until=until, floor=floor
        )

    def _job(self, chain: Chain) -> Job:
        names = chain.scope[0] if chain.names_markets else "the feed"
        more = f" and {len(chain.scope) - 1} more" if len(chain.scope) > 1 else ""
        return Job(
            f"{chain.dataset} of {names}{more}",
            lambda: self._walk(chain),
            chain.dataset,
        )

    def _walk(self, chain: Chain) -> None:
        self._work.drain(chain.dataset, self._batches(chain))

    def _batches(self, chain: Chain) -> Iterable[Batch]:
        work = self._work
        if chain.page_no == 0:  # waited for its turn: it begins now
            chain = chain.again(now=work.service.now())
        if chain.strategy == "legacy":
            source = LegacySource(self._run.data, work.service, self._run.lake.storage)
            return walk_legacy(source, chain)
        batches = walk_markets(work.markets, chain)
        if "taker_trades" not in work.datasets or chain.dataset != "trades":
            return batches
        return (
            with_takers(batch) if chain.until is None and chain.floor is None else batch
            for batch in batches
        )


def alive_between(
    catalogue: Catalogue, since: int | None, until: int | None
) -> list[CatalogueMarket]:
    """The markets of the catalogue that were open at some second of a window."""
    low, high = since or 0, until or LATEST
    return [
        market
        for market in catalogue.each()
        if (market.closed_at is None or market.closed_at >= low - DAY)
        and (market.created_at is None or market.created_at < high)
    ]
