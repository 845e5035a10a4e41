"""Put a chain's question, and make sure that the answer is the page that comes next."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pyarrow.compute as pc

from fetcher.answer import Answer
from fetcher.errors import FetchError, Gone, Refused, UnexpectedPayload
from fetcher.http import Api
from fetcher.polymarket.chain import Chain, same_market
from fetcher.polymarket.trade_rows import TradePage, read_page

PATH = "/v2/trades"
GROUPS = ("data_v2_all", "data_v2_trades")
Read = Callable[[bytes], TradePage]
ATTEMPTS = 3  # at a page that is not the one that was asked for
FEW_ROWS = 4  # that may be of as many matches, the other side being too small to show

log = logging.getLogger(__name__)

Ask = Callable[[Chain], tuple[Answer, TradePage]]
"""`ask` of one service: what a walk is given to put its questions with."""


class CursorRefused(FetchError):
    """The service does not take the chain's cursor any more: the fragment is over."""


def ask(
    api: Api,
    chain: Chain,
    *,
    path: str = PATH,
    read: Read = read_page,
    groups: tuple[str, ...] = GROUPS,
    has_traded: bool = False,
) -> tuple[Answer, TradePage]:
    """Ask for the chain's next page and make sure that it is the next page.

    A page that cannot be it is asked for again, past the caches. A refused cursor is
    tried once more, then it is CursorRefused. `has_traded` when the exchange counts
    shares of the chain's markets: then nothing at all may be somebody else's nothing.
    """
    problems: list[str] = []
    refused = 0
    while len(problems) < ATTEMPTS:
        params = chain.params(past_caches=len(problems))
        try:
            answer, page = api.load(path, params, read, groups=groups)
        except Gone:
            raise
        except Refused as error:
            if chain.cursor is None:
                raise
            refused += 1
            if refused == 2:
                raise CursorRefused(
                    f"{error} The walk {chain.walk_id} ends on page {chain.page_no}; "
                    "its rows stay, and it starts again from the top."
                ) from error
            continue
        problem = _problem(chain, answer, page)
        doubt = _doubt(chain, page, has_traded=has_traded) if problem is None else None
        if problem is None and doubt is not None and len(problems) == ATTEMPTS - 1:
            log.warning("GET %s %s, however often it is asked", answer.request, doubt)
            doubt = None
        problem = problem or doubt
        if problem is None:
            return answer, page
        problems.append(f"GET {answer.request} {problem}")
    raise UnexpectedPayload(
        f"{problems[-1]}. Its cursor is unchanged: the next run tries this page again; "
        "add --fresh to start the walk over."
    )


def _problem(chain: Chain, answer: Answer, page: TradePage) -> str | None:
    """Why the page cannot be the next one of this chain; null if it can."""
    newest = page.newest
    if answer.trace_id is not None and answer.trace_id == chain.trace_id:
        return f"repeats the page before it (x-trace-id {answer.trace_id})"
    if page.next_cursor is not None and page.next_cursor == chain.cursor:
        return "names the cursor that led to it: the walk would never end"
    if chain.reached is not None and newest is not None and newest > chain.reached:
        return f"begins at {newest}, and the one before it ended at {chain.reached}"
    if page.next_cursor is None and page.has_more:
        return "says that there is more, but not where"
    foreign = _foreign(chain, page)
    if foreign:
        return f"has rows that were not asked for, of {sorted(foreign)[0]}"
    return None


def _doubt(chain: Chain, page: TradePage, *, has_traded: bool) -> str | None:
    """Why the page may be another one than it should be; it stays so if it is not."""
    if not page.served:
        # `has_more` is exact: nothing after it is a filter lost on the way, or rows
        # that were withdrawn meanwhile
        if chain.cursor is not None:
            return "is empty, and the one before it said there is more"
        if has_traded and chain.names_markets:
            return "is empty, and the exchange counts shares of these markets"
    if is_one_sided(chain, page):
        return "has one row of each match: it may be that taker_only was ignored"
    return None


def is_one_sided(chain: Chain, page: TradePage) -> bool:
    """Whether both sides were asked for, and no match has more than one row."""
    if chain.dataset != "trades" or chain.strategy not in ("market", "feed"):
        return False
    hashes = page.rows["transaction_hash"]
    return len(hashes) >= FEW_ROWS and pc.count_distinct(hashes).as_py() == len(hashes)


def _foreign(chain: Chain, page: TradePage) -> set[str]:
    if not chain.names_markets:
        return set()
    own = {same_market(condition) for condition in chain.scope}
    return {same_market(condition) for condition in page.counts()} - own
