"""Which tokens' prices are wanted, from when on, and which are walked together.

Of a binary market one token is asked for: the other's price is 1 less it. Where a
sample has shown that it is not, and of every other market, all tokens are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fetcher.options import Options
from fetcher.polymarket.catalogue import CatalogueMarket
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.price_walk import DATASET, DAY, NO_END, WINDOW_SECONDS, Need
from lake.walk_id import began_at
from lake.walk_state import Walked, WalkState

EARLIEST = 1_668_643_200  # 2022-11-17: nobody has prices of before 2022-11-18
_AT_ONCE = 2_000
_BINARY = 2

Reason = Callable[[CatalogueMarket], float]
"""When the market last had news, in unix seconds of our clock; `inf`: ask anyway."""


@dataclass(frozen=True)
class Asked:
    """How far a token was asked for: final up to, by the service's clock; and when the
    walk that did so began, by ours."""

    final_to: float
    asked_at: float


class PriceNeeds:
    """Says what is wanted of markets, nothing of before `since`."""

    def __init__(self, state: WalkState, options: Options, *, since: int) -> None:
        self._state = state
        self._options = options
        self._since = max(since, EARLIEST)

    def of(self, markets: Iterable[CatalogueMarket], reason: Reason) -> Iterator[Need]:
        """Yield what is wanted of the markets that have news since they were asked."""
        for some in chunks(markets, _AT_ONCE):
            tokens = [token for market in some for token in market.token_ids]
            walked = self._state.walked(DATASET, tokens)
            for market in some:
                news = reason(market)
                for token in wanted_tokens(market, walked):
                    need = self._need(market, token, walked.get(token), news)
                    if need is not None:
                        yield need

    def _need(
        self, market: CatalogueMarket, token: str, walked: Walked | None, news: float
    ) -> Need | None:
        options = self._options
        begin = max(_begin(market), self._since)
        end = _end(market)
        if options.since is not None or options.until is not None:
            begin = max(_begin(market), EARLIEST, options.since or 0)
            end = min(end, NO_END if options.until is None else options.until)
            return _need_of(market, token, begin, end, is_first=True)
        asked = None if options.fresh else _asked(walked)
        if asked is None:
            if _was_refused(walked, news) and not options.fresh:
                return None
            return _need_of(market, token, begin, end, is_first=True)
        if asked.final_to >= (market.closed_at or end) and market.closed:
            return None
        is_settled_since = market.closed and market.closed_at is not None
        if asked.asked_at >= news and not is_settled_since:
            return None
        return _need_of(market, token, int(asked.final_to), end, is_first=False)


def wanted_tokens(
    market: CatalogueMarket, walked: Mapping[str, Walked]
) -> tuple[str, ...]:
    """The tokens to ask for: one of two, if the other mirrors it as far as is known."""
    tokens = tuple(token for token in market.token_ids if token)
    if len(tokens) != _BINARY or is_off(walked.get(tokens[1])):
        return tokens
    return tokens[:1]


def is_off(second: Walked | None) -> bool:
    """Whether a market's second token is asked for itself: once it was found off."""
    return second is not None and bool(second.due or second.to_end_at)


def _asked(walked: Walked | None) -> Asked | None:
    if walked is None or walked.to_end_at is None or walked.end_walk_id is None:
        return None
    return Asked(walked.to_end_at.timestamp(), began_at(walked.end_walk_id))


def _was_refused(walked: Walked | None, news: float) -> bool:
    """Whether the service would not hear of the token, and nothing is new since."""
    return (
        walked is not None
        and walked.last_outcome == "refused"
        and walked.last_walk_id is not None
        and began_at(walked.last_walk_id) >= news
    )


def _need_of(
    market: CatalogueMarket, token: str, begin: int, end: int, *, is_first: bool
) -> Need | None:
    if begin >= end:
        return None
    return Need(token, market.condition_id, begin, end, is_first)


def _begin(market: CatalogueMarket) -> int:
    known = [at for at in (market.created_at, market.start_at) if at is not None]
    return min(known, default=EARLIEST)


def _end(market: CatalogueMarket) -> int:
    """A day past the market's end: when that was is not told exactly."""
    if market.closed and market.closed_at is not None:
        return market.closed_at + DAY
    return NO_END


def packs(needs: Iterable[Need], *, now: float, size: int) -> Iterator[list[Need]]:
    """Yield needs in packs that are walked together: those of about the same stretch.

    Of tokens that were asked for before, a tenth more than what is wanted is asked
    for at most, or a quarter of an hour.
    """
    pack: list[Need] = []
    for need in sorted(needs, key=_stretch, reverse=True):
        apart = bool(pack) and (
            need.is_first != pack[0].is_first
            or (not need.is_first and _wasted(pack[0], need, now) > 0)
        )
        if apart or len(pack) == size:
            yield pack
            pack = []
        pack.append(need)
    if pack:
        yield pack


def _wasted(newer: Need, older: Need, now: float) -> float:
    """Seconds beyond what is bearable that `newer` would be asked for in vain."""
    return newer.start - older.start - max(900.0, 0.1 * (now - newer.start))


def _stretch(need: Need) -> tuple[bool, int, int]:
    """Sorts needs: those asked for before first, then by their newest window."""
    if need.is_first:
        return False, need.end // WINDOW_SECONDS, need.start
    return True, need.start, 0
