"""The feeds of a run: both sides and takers, their gaps, and what they first find."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from fetcher.polymarket.chain import Chain, new_chain, sides_of
from fetcher.polymarket.due import FEED_GAP, gap_rows
from fetcher.polymarket.feed import DAY, Feed, Interval
from fetcher.polymarket.feed_walk import FeedSource, first_feed, walk_feed
from fetcher.polymarket.market_walk import walk_markets
from fetcher.polymarket.named_markets import named_in_bronze
from fetcher.polymarket.trade_work import TradeWork
from fetcher.polymarket.walk_rows import Row, coverage_row, walks_table
from fetcher.run import Job
from lake.batch import EVERYTHING, Batch, CursorChange
from lake.walk_id import new_walk_id

log = logging.getLogger(__name__)

# `--full` goes so far below the watermark, for rows that came later than the overlap.
REWALK_DAYS = 3


class Feeds:
    """The feeds of one run; of several shards, the first one walks them."""

    def __init__(self, work: TradeWork) -> None:
        self._work = work
        self._run = work.run
        shard = work.run.options.shard
        self._is_ours = work.service.version == "v2" and shard in (None, _first(shard))

    def bring_up_to_date(self) -> None:
        """Walk each feed from the top to what is covered; begin where there is none."""
        if not self._is_ours:
            return
        self._mark_names()
        chains = self._work.saved_chains()
        jobs = []
        for dataset in self._work.datasets:
            source = self._source(dataset)
            feed = self._work.feed(source.key)
            if feed is None:
                _, batch = first_feed(source)
                self._run.writer.put(batch)
                continue
            batches = walk_feed(source, feed, chains, down_to=self._down_to(feed))
            job = partial(self._work.drain, dataset, batches)
            jobs.append(Job(f"the feed of {dataset}", job, dataset))
        self._run.jobs("trades", jobs, total=len(jobs))
        self._run.writer.flush()

    def discovery_jobs(self) -> list[Job]:
        """One walk down to the end of the feed, once in the life of a cursor file.

        It names the markets that no listing shows (combos, hidden ones), and takers
        suffice for that.
        """
        if not self._is_ours:
            return []
        state = self._run.cursor.values.get("discovery")
        if state == "done":
            return []
        dataset = self._work.datasets[-1]
        chain = self._work.saved_chains().get(str(state))
        if chain is None:
            chain = new_chain(
                dataset,
                "feed",
                {"taker_only": sides_of(dataset)},
                EVERYTHING,
                now=self._work.service.now(),
            )
        self._work.keep(discovery=chain.walk_id)
        batches = self._discovering(chain)
        job = partial(self._work.drain, dataset, batches)
        return [Job("finding markets in the feed", job, dataset)]

    def close_gaps(self) -> None:
        """Close the gaps whose markets have all been walked since."""
        if not self._is_ours:
            return
        self._run.writer.flush()
        for dataset in self._work.datasets:
            source = self._source(dataset)
            feed = self._work.feed(source.key)
            if feed is None or feed.gap is None or self._left_in_gap(dataset):
                continue
            log.info("%s: the gap in the feed is closed", dataset)
            closed = feed.gap_closed()
            now = self._work.service.now()
            row = coverage_row(
                dataset,
                closed.covered_from,
                closed.watermark,
                walk_id=new_walk_id("feed", now=now),
                now=now,
            )
            self._run.writer.put(
                Batch(
                    rows={"walks": walks_table([row])},
                    cursor=CursorChange(values={source.key: closed.saved()}),
                )
            )

    def names_are_settled(self) -> None:
        """Note that all that the feeds named has been followed up."""
        if self._is_ours and self._run.cursor.values.get("discovery") == "done":
            self._work.keep(trades_named_since=None)

    def _mark_names(self) -> None:
        """Remember from when on names may be lost, should this run die; and catch up
        on those of a run that did."""
        since = self._run.cursor.values.get("trades_named_since")
        if since is None:
            self._work.keep(trades_named_since=self._run.clock())
            return
        if not isinstance(since, int | float):
            since = 0.0
        for dataset in self._work.datasets:
            files = self._run.lake.files(dataset)
            self._work.named.add(named_in_bronze(files, since=since))

    def _source(self, dataset: str) -> FeedSource:
        trades = self._run.settings.trades
        return FeedSource(
            dataset=dataset,
            ask=self._work.ask,
            service=self._work.service,
            storage=self._run.lake.storage,
            overlap_seconds=trades.overlap_seconds,
            margin_seconds=trades.margin_seconds,
            due_rows=partial(self._due_rows, dataset),
        )

    def _due_rows(self, dataset: str, gap: Interval) -> Iterator[Row]:
        now = self._work.service.now()
        traded = named_in_bronze(self._run.lake.files(dataset), since=0, letters="")
        known = self._work.catalogue
        for row in gap_rows(known, dataset, gap, traded=traded, now=now):
            self._work.due_at[dataset, row["key"]] = now
            yield row

    def _left_in_gap(self, dataset: str) -> set[str]:
        state = self._run.lake.walk_state()
        due = {key for key, why in state.due(dataset).items() if why == FEED_GAP}
        due |= {key for of, key in self._work.due_at if of == dataset}
        work = self._work
        walked = work.walked.get(dataset, {})
        return {
            key
            for key in due
            if walked.get(key, 0.0) < max(work.began, work.due_since(dataset, key))
        }

    def _down_to(self, feed: Feed) -> int | None:
        return feed.watermark - REWALK_DAYS * DAY if self._run.options.full else None

    def _discovering(self, chain: Chain) -> Iterator[Batch]:
        at_end = {"discovery": "done"}
        for batch in walk_markets(self._work.markets, chain, at_end=at_end):
            resumed = [walk_id for walk_id, s in batch.cursor.walks.items() if s]
            if resumed and resumed[0] != chain.walk_id:  # begun again from the top
                moved = {**batch.cursor.values, "discovery": resumed[0]}
                cursor = CursorChange(walks=batch.cursor.walks, values=moved)
                yield replace(batch, cursor=cursor)
            else:
                yield batch


def _first(shard: tuple[int, int] | None) -> tuple[int, int] | None:
    return None if shard is None else (1, shard[1])
