"""Which markets share a walk, and which walks come first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fetcher.polymarket.catalogue import CatalogueMarket
from fetcher.polymarket.market_walk import DAY

# Volume counts a match once, in shares; rows are both sides. Too large a number packs
# too many markets into a walk, which costs nothing but a longer chain; too small a one
# leaves walks half empty, which costs requests.
SHARES_A_ROW = 50
UNKNOWN_ROWS = 100  # expected of a market that nobody says anything of

# Histories that begin so close to the edge of what is served lose rows every day.
LEAVING_DAYS = 60


@dataclass(frozen=True, slots=True)
class Candidate:
    """A market to walk: `rows` is a guess, `begun` and `ended` are unix seconds."""

    condition_id: str
    rows: float = UNKNOWN_ROWS
    begun: int | None = None
    ended: int | None = None


def candidate(market: CatalogueMarket) -> Candidate:
    """What the catalogue lets us expect of a market."""
    volume = market.volume_num
    return Candidate(
        market.condition_id,
        UNKNOWN_ROWS if volume is None else max(volume, 0.0) / SHARES_A_ROW,
        begun_at(market),
        market.closed_at,
    )


def begun_at(market: CatalogueMarket) -> int | None:
    """The earliest that the market can have traded, if the catalogue knows."""
    known = [at for at in (market.created_at, market.start_at) if at is not None]
    return min(known, default=None)


def in_order(candidates: Iterable[Candidate], *, edge: int) -> list[Candidate]:
    """What leaves the service's window first, then by rows, the quiet last.

    `edge` is the oldest second that is served. A market that ended before it has
    nothing left to lose.
    """
    leaving = edge + LEAVING_DAYS * DAY

    def rank(one: Candidate) -> tuple[int, float]:
        if one.ended is not None and one.ended <= edge:
            return 2, -one.rows
        if one.begun is not None and one.begun <= leaving and one.rows >= 1:
            return 0, one.begun
        return 1, -one.rows

    return sorted(candidates, key=rank)


def packed(
    candidates: Iterable[Candidate], *, most_markets: int, most_rows: float
) -> Iterator[tuple[str, ...]]:
    """Yield the condition ids of each walk: large markets alone, small ones together.

    62-digit ids (combos, Protocol V2) walk among themselves: should the service take
    none of them, the others do not suffer.
    """
    open_packs: dict[bool, list[Candidate]] = {True: [], False: []}
    for one in candidates:
        if one.rows >= most_rows:
            yield (one.condition_id,)
            continue
        pack = open_packs[len(one.condition_id) == 64]
        if pack and sum(other.rows for other in pack) + one.rows > most_rows:
            yield tuple(other.condition_id for other in pack)
            pack.clear()
        pack.append(one)
        if len(pack) == most_markets:
            yield tuple(other.condition_id for other in pack)
            pack.clear()
    for pack in open_packs.values():
        if pack:
            yield tuple(other.condition_id for other in pack)


def in_shard(condition_id: str, shard: tuple[int, int] | None) -> bool:
    """Whether the market belongs to part `i` of `n`, counted from 1."""
    if shard is None:
        return True
    part, parts = shard
    digest = hashlib.sha256(condition_id.lower().encode()).digest()
    return int.from_bytes(digest[:8], "big") % parts == part - 1
