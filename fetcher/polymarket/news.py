"""What is new since the last run: newest ids, and what was settled, newest first.

Each chain of requests ends where it meets what an earlier run has seen, with an
overlap: a first page out of a cache is up to five minutes old, and rows may appear
late. So a run costs requests in proportion to its news.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from fetcher.errors import UnexpectedPayload
from fetcher.jobs import Job
from fetcher.polymarket.gamma import (
    MARKETS,
    Item,
    Listing,
    Order,
    Page,
    closed,
    keyset_pages,
    row_number,
    row_time,
)
from fetcher.polymarket.listing_walk import ListingWalk
from fetcher.run import Run
from fetcher.saved import restored
from lake.batch import CursorChange

log = logging.getLogger(__name__)

OVERLAP = 900  # seconds: three times as long as Gamma's pages are cached
NEWEST_ID = Order("id", row_number)
LAST_SETTLED = Order("closedTime", row_time("closedTime"))
# Rows without a closedTime sort first where null is the greatest: old markets.
_UNDATED_PAGES = 20

Old = Callable[[Item], bool]


class OrderIgnored(UnexpectedPayload):
    """Rows came in another order than asked for, so no news can be told from them."""


@dataclass(frozen=True)
class Mark:
    """How far a chain has been: the newest time it met, and the greatest id."""

    at: float
    top: int


def chain_names(listing: Listing) -> tuple[str, str, str]:
    """Under which values the cursor keeps how far each chain of a listing is."""
    name = listing.name
    return f"{name}_open", f"{name}_closed", f"{name}_settled"


def news_jobs(
    run: Run, listing: Listing, *, on_disorder: Callable[[], None]
) -> Iterator[Job]:
    """Yield the chains that bring a listing up to date.

    `on_disorder` is called when Gamma does not list by the time of settling.
    """
    newest_open, newest_closed, settled = chain_names(listing)
    for name, is_closed in ((newest_open, False), (newest_closed, True)):
        if mark_of(run, name) is not None:
            what = f"new {listing.name}, {'closed' if is_closed else 'open'}"
            yield Job(what, partial(_newest, run, listing, name, is_closed))
    if mark_of(run, settled) is not None:
        what = f"newly settled {listing.name}"
        yield Job(what, partial(_settled, run, listing, settled, on_disorder))


def mark_of(run: Run, name: str) -> Mark | None:
    """How far a chain has been; null where nothing, or nothing of ours, says so."""
    saved = run.cursor.values.get(name)
    mark = restored(Mark, saved)
    if mark is None and saved is not None:
        log.warning("The cursor's %s is unreadable: all is listed again", name)
    return mark


def _newest(run: Run, listing: Listing, name: str, is_closed: bool) -> None:
    mark = mark_of(run, name)
    assert mark is not None
    since, top = int(mark.at) - OVERLAP, mark.top
    created = row_time("createdAt")

    def old(row: Item) -> bool:
        return (row_number(row) or 0) <= top and (created(row) or 0) < since

    _walk(run, listing, name, is_closed, NEWEST_ID, old, time=created)


def _settled(
    run: Run, listing: Listing, name: str, on_disorder: Callable[[], None]
) -> None:
    mark = mark_of(run, name)
    assert mark is not None
    since = int(mark.at) - OVERLAP
    settled = row_time("closedTime")

    def old(row: Item) -> bool:
        time = settled(row)
        return time is not None and time < since

    try:
        _walk(run, listing, name, True, LAST_SETTLED, old, time=settled)
    except OrderIgnored as error:
        log.info("%s; asking for %s by id instead", error, listing.name)
        on_disorder()


def _walk(
    run: Run,
    listing: Listing,
    name: str,
    is_closed: bool,
    order: Order,
    old: Old,
    *,
    time: Callable[[Item], int | None],
) -> None:
    """Walk down to the first page that ends in old rows; then move the chain's mark.

    The mark is the newest `time` met, by the service's own clock, and never later
    than the start of the walk.
    """
    began = run.clock()
    what = {"closed": is_closed, "order": order.field, "ascending": False}
    walk = ListingWalk(run, listing.name, what, strategy="news")
    mark = mark_of(run, name)
    assert mark is not None
    top, newest = mark.top, mark.at
    undated = 0
    for page in _pages(run, listing, is_closed, order):
        run.check()
        if not order.honoured_by(page.objects):
            raise OrderIgnored(f"{page.answer.request} is not ordered by {order.field}")
        ids = walk.take(page.answer, page.items, next_cursor=page.next_cursor)
        top = max([top, *ids[listing.name]])
        newest = max([newest, *(time(row) or 0 for row in page.objects)])
        if page.objects and all(order.value(row) is None for row in page.objects):
            undated += 1
            if undated > _UNDATED_PAGES:
                raise OrderIgnored(f"{page.answer.request} has no {order.field}")
        if page.objects and _ends(page.objects, order, old):
            break
    at = max(mark.at, min(began, newest))
    walk.end(cursor=CursorChange(values={name: {"at": at, "top": top}}))


def _pages(run: Run, listing: Listing, is_closed: bool, order: Order) -> Iterator[Page]:
    extra = [] if listing is MARKETS else [("include_markets", "false")]
    return keyset_pages(
        run.gamma, listing, [closed(is_closed)], order=order, extra=extra
    )


def _ends(rows: Sequence[Item], order: Order, old: Old) -> bool:
    """Whether what follows these rows is old: all that have a value, down to the last.

    A page may begin with rows that have none.
    """
    dated = [row for row in rows if order.value(row) is not None]
    return bool(dated) and old(dated[-1])
