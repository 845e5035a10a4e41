"""Which markets must be walked to their end: never walked, or walked too long ago."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fetcher.polymarket.catalogue import Catalogue, CatalogueMarket
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.feed import DAY, Interval
from fetcher.polymarket.planner import Candidate, candidate, in_shard
from fetcher.polymarket.walk_rows import Row, due_row
from lake.walk_state import WalkState

FEED_GAP = "feed_gap"
UNKNOWN_MARKET = "unknown_market"

_AT_ONCE = 5_000
# Rows are stored with the time at which they were fetched, a little before they are
# there to be seen; and a run may have been planned while another one stored.
_OVERLAP_SECONDS = DAY


def never_walked(
    catalogue: Catalogue,
    state: WalkState,
    dataset: str,
    *,
    since: float,
    covered_from: int,
    shard: tuple[int, int] | None,
) -> Iterator[Candidate]:
    """Yield markets stored since a time that have no complete walk.

    A walk that is older than the feed's coverage leaves a hole before it: it does not
    count.
    """
    changed = catalogue.each(changed_since=max(0.0, since - _OVERLAP_SECONDS))
    listed = (m for m in changed if m.condition_id and in_shard(m.condition_id, shard))
    for some in chunks(listed, _AT_ONCE):
        ended = ended_at(state, dataset, [market.condition_id for market in some])
        for market in some:
            if ended.get(market.condition_id, 0.0) < max(covered_from, 1):
                yield candidate(market)


def ended_at(
    state: WalkState, dataset: str, conditions: Iterable[str]
) -> dict[str, float]:
    """When the last complete walk of each market began, of those that had one."""
    return {
        key: one.to_end_at.timestamp()
        for key, one in state.walked(dataset, conditions).items()
        if one.to_end_at is not None
    }


def marked_due(
    catalogue: Catalogue,
    state: WalkState,
    dataset: str,
    *,
    shard: tuple[int, int] | None,
) -> list[Candidate]:
    """The markets that an earlier run found to be due."""
    keys = [key for key in state.due(dataset) if in_shard(key, shard)]
    return candidates(catalogue, keys)


def candidates(catalogue: Catalogue, conditions: Iterable[str]) -> list[Candidate]:
    """Markets to walk, known to the catalogue or not."""
    wanted = list(conditions)
    known = catalogue.by_condition(wanted)
    return [
        candidate(known[key]) if key in known else Candidate(key)
        for key in (condition.lower() for condition in wanted)
    ]


def gap_rows(
    catalogue: Catalogue,
    dataset: str,
    gap: Interval,
    *,
    traded: Iterable[str],
    now: float,
) -> Iterator[Row]:
    """Yield a due row for each market that may have traded in a gap of the feed.

    These are all that had not ended before it, and of the `traded` ones those that
    nobody lists. The catalogue's volume would narrow them down only if it had been
    refreshed since, and quiet markets walk by twenties.
    """
    for market in catalogue.each():
        if market.condition_id and not has_ended_before(market, gap.floor):
            yield due_row(dataset, market.condition_id, FEED_GAP, now)
    for condition in catalogue.never_listed(traded):
        yield due_row(dataset, condition, FEED_GAP, now)


def has_ended_before(market: CatalogueMarket, second: int) -> bool:
    """Whether nothing of the market can have been traded at `second` or later."""
    ended = market.closed_at
    return market.closed and ended is not None and ended < second - DAY


def unique(found: Iterable[Candidate]) -> list[Candidate]:
    """Each market once, the first word on it counts."""
    by_id: dict[str, Candidate] = {}
    for one in found:
        by_id.setdefault(one.condition_id, one)
    return list(by_id.values())
