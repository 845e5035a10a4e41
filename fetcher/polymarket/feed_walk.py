"""Walk the feed of all trades: down to what is covered, then on with what was left.

Yields batches and writes nothing. Each batch carries the account of intervals (feed.py)
as it is once the batch is durable, so a run may stop or die after any of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from fetcher.answer import Answer
from fetcher.polymarket.asking import Ask, CursorRefused
from fetcher.polymarket.chain import (
    PAGE_ROWS,
    Chain,
    End,
    ended,
    new_chain,
    sides_of,
    taken,
    together,
)
from fetcher.polymarket.feed import Feed, Interval, feed_key, horizon_of
from fetcher.polymarket.trade_rows import TradePage
from fetcher.polymarket.version import DataService
from fetcher.polymarket.walk_rows import Row, coverage_row, walks_table
from lake.batch import EVERYTHING, Batch, CursorChange
from lake.storage import LocalStorage
from lake.walk_id import new_walk_id

log = logging.getLogger(__name__)

DueRows = Callable[[Interval], Iterable[Row]]


@dataclass(frozen=True)
class FeedSource:
    """What a feed walk is given: its dataset, the way to ask, and how careful to be.

    `due_rows` names the markets to walk instead when a gap cannot be joined.
    """

    dataset: str
    ask: Ask
    service: DataService
    storage: LocalStorage
    overlap_seconds: int
    margin_seconds: int
    due_rows: DueRows = field(default=lambda gap: ())

    @property
    def key(self) -> str:
        """Where the cursor file keeps the account of this feed."""
        return feed_key(self.dataset)

    def top(self, asked_at: float, answer: Answer | None, feed: Feed | None) -> int:
        """The newest second that an answer speaks for.

        A cached page speaks for the time it was cached at; one that says no age but
        repeats the trace id of an earlier one, for what that one spoke for.
        """
        age = (answer.age_seconds or 0) if answer is not None else 0
        behind = age + self.service.lag_seconds + self.margin_seconds
        top = int(asked_at) - behind
        if answer is not None and feed is not None and feed.first_page is not None:
            trace_id, then = feed.first_page
            if answer.trace_id == trace_id:
                return min(top, then)
        return top


def first_feed(source: FeedSource) -> tuple[Feed, Batch]:
    """The account of a lake that begins now: what was before is left to other walks."""
    now = source.service.now()
    top = source.top(now, None, None)
    feed = Feed(covered_from=top, watermark=top)
    walk_id = new_walk_id("feed", now=now)
    row = coverage_row(source.dataset, top, top, walk_id=walk_id, now=now)
    return feed, Batch(
        rows={"walks": walks_table([row])},
        cursor=CursorChange(values={source.key: feed.saved()}),
    )


def walk_feed(
    source: FeedSource,
    feed: Feed,
    chains: Mapping[str, Chain],
    *,
    down_to: int | None = None,
) -> Iterator[Batch]:
    """Yield the batches that bring the feed up to date, from the top.

    `chains` are the saved ones, by walk_id. `down_to` makes a new chain go deeper than
    it must, to see rows that came late.
    """
    chain: Chain | None = None
    refusals = 0
    while True:
        if chain is None:
            chain = _new(source, feed, down_to, PAGE_ROWS - refusals)
        asked_at = source.service.now()
        try:
            answer, page = source.ask(chain)
        except CursorRefused as error:
            refusals += 1
            log.warning("%s", error)
            feed, batch = _refused(source, feed, chain, chains, refusals)
            yield batch
            if feed.gap is not None and len(feed.intervals) == 1:
                return
            chain = None
            continue
        feed, after, batch = _taken(source, feed, chain, chains, answer, page, asked_at)
        yield batch
        if feed.intervals and feed.intervals[0].walk_id == after.walk_id:
            chain = after
            continue
        if not feed.intervals or feed.intervals[0].walk_id is None:
            return
        chain = chains.get(feed.intervals[0].walk_id)
        if chain is None:  # the cursor file lost it: what it covered is walked anew
            feed = feed.refused(feed.intervals[0].walk_id)


def _new(source: FeedSource, feed: Feed, down_to: int | None, rows: int) -> Chain:
    floor = feed.next_floor(source.overlap_seconds)
    if down_to is not None and not feed.intervals:
        floor = min(floor, down_to)
    chain = new_chain(
        source.dataset,
        "feed",
        {"taker_only": sides_of(source.dataset)},
        EVERYTHING,
        now=source.service.now(),
        floor=floor,
    )
    return replace(chain, page_rows=rows)


def _taken(
    source: FeedSource,
    feed: Feed,
    chain: Chain,
    chains: Mapping[str, Chain],
    answer: Answer,
    page: TradePage,
    asked_at: float,
) -> tuple[Feed, Chain, Batch]:
    """Account for one page."""
    is_first = chain.page_no == 0
    top = source.top(asked_at, answer, feed)
    after = chain.after(answer, page, page, top=top)
    assert after.top is not None
    assert chain.floor is not None
    before = feed
    if is_first:
        if answer.trace_id is not None:
            feed = replace(feed, first_page=(answer.trace_id, top))
        seen = after.top if after.reached is None else after.reached
        feed = feed.opened(chain.walk_id, top=top, floor=chain.floor, reached=seen)
    elif after.reached is not None:
        feed = feed.passed(chain.walk_id, after.reached)
    end: End | None = None
    if not _is_open(feed, chain):
        end = End("floor")
    elif page.next_cursor is None:
        horizon = horizon_of(source.service.latest())
        feed = feed.ended(chain.walk_id, horizon=horizon)
        below = horizon if after.reached is None else min(horizon, after.reached + 1)
        end = End("end", complete_to=below)
    more: list[Row] = []
    dropped: list[Batch] = []
    if _is_new_gap(before, feed):
        more, dropped = _gap_opened(source, before, feed, chain, chains)
    if feed.watermark != before.watermark:
        now = source.service.now()
        more.append(
            coverage_row(
                source.dataset,
                feed.covered_from,
                feed.watermark,
                walk_id=chain.walk_id,
                now=now,
            )
        )
    batch = taken(
        chain,
        after,
        answer,
        page,
        storage=source.storage,
        end=end,
        values={source.key: feed.saved()},
        more=more,
    )
    return feed, after, together(batch, *dropped)


def _is_new_gap(before: Feed, after: Feed) -> bool:
    """Whether a gap opened; a chain that joined the old gap from above opened none."""
    if after.gap is None:
        return False
    return before.gap is None or before.gap.reached != after.gap.reached


def _is_open(feed: Feed, chain: Chain) -> bool:
    return bool(feed.intervals) and feed.intervals[0].walk_id == chain.walk_id


def _refused(
    source: FeedSource,
    feed: Feed,
    chain: Chain,
    chains: Mapping[str, Chain],
    refusals: int,
) -> tuple[Feed, Batch]:
    """The chain is over: once it is begun again, after that its markets are walked."""
    now = source.service.now()
    end = End("cursor_refused")
    if refusals == 1:
        feed = feed.refused(chain.walk_id)
        return feed, ended(chain, end, now=now, values={source.key: feed.saved()})
    before, feed = feed, feed.given_up(chain.walk_id)
    more, dropped = _gap_opened(source, before, feed, chain, chains)
    values = {source.key: feed.saved()}
    return feed, together(
        ended(chain, end, now=now, values=values, more=more), *dropped
    )


def _gap_opened(
    source: FeedSource,
    before: Feed,
    feed: Feed,
    chain: Chain,
    chains: Mapping[str, Chain],
) -> tuple[list[Row], list[Batch]]:
    """The markets that are due because of the gap, and the ends of older chains."""
    gap = feed.gap
    assert gap is not None
    log.warning(
        "%s: the feed cannot be joined between %d and %d (unix seconds); the markets "
        "that may have traded then are walked instead",
        source.dataset,
        gap.floor,
        gap.reached,
    )
    now = source.service.now()
    older = [chains.get(one.walk_id or "") for one in before.intervals]
    dropped = [
        ended(one, End("dropped", detail="gap"), now=now)
        for one in older
        if one is not None and one.walk_id != chain.walk_id
    ]
    return list(source.due_rows(gap)), dropped
