"""Walk the trades of named markets, from the newest to the end of what is served.

Yields batches and writes nothing: each carries the chain as it is once the batch is
durable, so a run may stop or die after any of them, and the next goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from fetcher.errors import Gone, Refused
from fetcher.polymarket.asking import Ask, CursorRefused
from fetcher.polymarket.chain import (
    Chain,
    End,
    ended,
    new_chain,
    sides_of,
    taken,
    together,
)
from fetcher.polymarket.feed import horizon_of
from fetcher.polymarket.trade_layout import LATEST
from fetcher.polymarket.trade_rows import TradePage
from fetcher.polymarket.version import DataService
from lake.batch import Batch, Json
from lake.storage import LocalStorage

log = logging.getLogger(__name__)

DAY = 86_400
WINDOW_DAYS = 3 * 365  # how far back queries by condition reach, and perhaps a day more
SERVICE_WINDOW = "service_window"


@dataclass(frozen=True)
class MarketSource:
    """What a market walk is given.

    `begun` says when each of some markets' histories begins, where that is known.
    """

    ask: Ask
    service: DataService
    storage: LocalStorage
    margin_seconds: int
    begun: Callable[[tuple[str, ...]], Mapping[str, int | None]]


def market_chain(
    dataset: str,
    conditions: tuple[str, ...],
    *,
    now: float,
    since: int | None = None,
    until: int | None = None,
    floor: int | None = None,
) -> Chain:
    """A new walk of up to 20 markets, the whole of it or a window.

    `floor` without a window ends the walk where an earlier one has been.
    """
    windowed = since is not None or until is not None
    return new_chain(
        dataset,
        "market",
        {"condition": ",".join(conditions), "taker_only": sides_of(dataset)},
        conditions,
        now=now,
        floor=since if windowed else floor,
        until=(LATEST + 1 if until is None else until) if windowed else None,
    )


def walk_markets(
    source: MarketSource, chain: Chain, *, at_end: Mapping[str, Json] | None = None
) -> Iterator[Batch]:
    """Yield the batches of a walk, from where `chain` is to its end.

    `at_end` is what the cursor file says from then on. A chain over the whole feed is
    walked alike, as far as the feed goes.

    A refused cursor ends the fragment and starts another one from the top, once. Where
    the service refuses the markets' ids, each half is asked for by itself, so that one
    bad id costs only itself.
    """
    restarted = False
    while True:
        asked_at = source.service.now()
        try:
            answer, page = source.ask(chain)
        except CursorRefused as error:
            log.warning("%s", error)
            yield ended(chain, End("cursor_refused"), now=asked_at)
            if restarted:
                raise
            restarted = True
            chain = chain.again(now=source.service.now())
            continue
        except Refused as error:
            if isinstance(error, Gone) or len(chain.scope) == 1 or chain.page_no:
                raise
            yield from _halves(source, chain)
            return
        kept = chain.kept(page)
        top = int(asked_at) - (answer.age_seconds or 0)
        top -= source.service.lag_seconds + source.margin_seconds
        after = chain.after(answer, page, kept, top=top)
        end = _end(source, after, page)
        yield taken(
            chain,
            after,
            answer,
            kept,
            storage=source.storage,
            end=end,
            values=at_end if end is not None else None,
        )
        if end is not None:
            return
        chain = after


def with_takers(batch: Batch) -> Batch:
    """The last batch of a walk of both sides, with what it says of takers' fills.

    A market that came back empty has none of these either: their walk of it is over
    without a request. Not where rows were set aside, which may be of any market.
    """
    rows = batch.rows["walks"].to_pylist()
    walks = [row for row in rows if row["kind"] == "walk" and row["outcome"] == "end"]
    subjects = [row for row in rows if row["kind"] == "subject"]
    empty = {row["key"]: row for row in subjects if not row["rows_served"]}
    if len(walks) != 1 or not empty:
        return batch
    [walk] = walks
    if walk["rows_served"] != sum(row["rows_served"] for row in subjects):
        return batch
    chain = replace(
        market_chain("taker_trades", tuple(empty), now=walk["started_at"].timestamp()),
        top=walk["ts_newest"],
    )
    details = {key: row["detail"] for key, row in empty.items() if row["detail"]}
    end = End("end", walk["ts_oldest"], details=details)
    return together(batch, ended(chain, end, now=walk["fetched_at"].timestamp()))


def _halves(source: MarketSource, chain: Chain) -> Iterator[Batch]:
    middle = len(chain.scope) // 2
    failed: Refused | None = None
    for scope in (chain.scope[:middle], chain.scope[middle:]):
        filters = {**chain.filter, "condition": ",".join(scope)}
        half = replace(chain, filter=filters, scope=scope)
        try:
            yield from walk_markets(source, half.again(now=source.service.now()))
        except Refused as error:
            failed = error
    if failed is not None:
        raise failed


def _end(source: MarketSource, chain: Chain, page: TradePage) -> End | None:
    """How the walk ended with this page, or null if it goes on."""
    if chain.passes_floor(page):
        return End("floor" if chain.until is None else "window", chain.floor)
    if page.next_cursor is not None:
        return None
    if chain.until is not None and chain.until <= LATEST:
        return End("window", chain.floor)
    if not chain.names_markets:
        return End("end", horizon_of(source.service.latest()))
    edge = int(source.service.latest()) - WINDOW_DAYS * DAY
    begun = source.begun(chain.scope)
    cut = {
        condition: SERVICE_WINDOW
        for condition in chain.scope
        if reaches_back_to(begun.get(condition), edge)
    }
    unknown = any(begun.get(condition) is None for condition in chain.scope)
    return End("end", edge + DAY if cut or unknown else 0, details=cut)


def reaches_back_to(begun: int | None, edge: int) -> bool:
    """Whether a history begins at or before `edge`, from where nothing is served."""
    return begun is not None and begun <= edge
