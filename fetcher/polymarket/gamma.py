"""Gamma's keyset listings and single objects: paging, and filters taken at no word.

Gamma ignores what it does not know, in silence: a misspelt filter gives unrelated rows
and a misspelt cursor the first page for ever. So each filter says what it promises of
every row, and a page whose first row comes again ends the walk with an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from fetcher.answer import Answer, unexpected
from fetcher.errors import Gone, Refused, UnexpectedPayload
from fetcher.http import Api, Params
from fetcher.polymarket.times import gamma_time, unix_seconds

Item = dict[str, Any]

PAGE_ROWS = 100  # more is cut down to 100 in silence
MARKETS_GROUPS = ("gamma_all", "gamma_markets", "gamma_listings")
EVENTS_GROUPS = ("gamma_all", "gamma_events", "gamma_listings")
OTHER_GROUPS = ("gamma_all",)


@dataclass(frozen=True)
class Listing:
    """One keyset listing; `name` is the dataset, the key of its rows, and its root."""

    name: str
    groups: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"/{self.name}/keyset"


MARKETS = Listing("markets", MARKETS_GROUPS)
EVENTS = Listing("events", EVENTS_GROUPS)


class FilterIgnored(UnexpectedPayload):
    """A row came that the filter excludes: the listing is not what was asked for."""


class CursorRefused(Refused):
    """The service does not take the cursor any more."""


@dataclass(frozen=True)
class Filter:
    """Query parameters, and what they promise of every row.

    What `may_change` is not promised of each one: Gamma caches its listings, and a
    market that has just closed still stands among the open ones, saying so.
    """

    params: tuple[tuple[str, str], ...]
    holds: Callable[[Item], bool]
    may_change: bool = False

    def may_lack(self, rows: int) -> int:
        """Of so many rows, how many may be others without a doubt about the rest."""
        return max(1, rows // 10) if self.may_change else 0


@dataclass(frozen=True)
class Order:
    """The order asked for: by which key of a row, and how it compares."""

    field: str
    value: Callable[[Item], float | None]
    ascending: bool = False

    def honoured_by(self, items: Sequence[Item]) -> bool:
        """Whether the rows that have a value come in this order."""
        values = [v for v in map(self.value, items) if v is not None]
        return all(a <= b if self.ascending else a >= b for a, b in pairwise(values))


@dataclass(frozen=True)
class Page:
    """One page of a listing; rows that are no JSON objects are left in `items`."""

    items: list[Any]
    next_cursor: str | None
    answer: Answer

    @property
    def objects(self) -> list[Item]:
        return [item for item in self.items if isinstance(item, dict)]


def keyset_pages(
    api: Api,
    listing: Listing,
    filters: Sequence[Filter] = (),
    *,
    order: Order | None = None,
    extra: Params = (),
    cursor: str | None = None,
) -> Iterator[Page]:
    """Yield the pages of a listing, from `cursor` to the end.

    The end is where the answer names no cursor: a short page is none, and a full one
    may be the last. Raises FilterIgnored, and CursorRefused when a cursor is not taken.
    """
    params = [("limit", str(PAGE_ROWS)), *extra]
    for one in filters:
        params.extend(one.params)
    if order is not None:
        params += [("order", order.field), ("ascending", str(order.ascending).lower())]
    first_ids: list[Any] = []  # of the walk's first page, and of the page before
    while True:
        position = [] if cursor is None else [("after_cursor", cursor)]
        try:
            answer = api.get(listing.path, [*params, *position], groups=listing.groups)
        except Refused as error:
            if cursor is None:
                raise
            raise CursorRefused(
                str(error), status=error.status, code=error.code, body=error.body
            ) from error
        page = _page(answer, listing.name)
        _check_filters(page, filters)
        first_id = page.objects[0].get("id") if page.objects else None
        if first_id is not None and first_id in first_ids:
            raise unexpected(
                answer,
                f"begins with id {first_id} like the page before: the cursor has no "
                "effect",
            )
        first_ids = [*first_ids[:1], first_id]
        yield page
        if page.next_cursor is None:
            return
        if page.next_cursor == cursor:
            raise unexpected(answer, "names the same cursor again")
        cursor = page.next_cursor


def one_object(
    api: Api, listing: Listing, key: str, *, by_slug: bool = False
) -> tuple[Answer, Item] | None:
    """Return one market or event by its id or slug, or null when there is none.

    This finds what no listing shows, open or closed.
    """
    way = "slug/" if by_slug else ""
    path = f"/{listing.name}/{way}{quote(key, safe='')}"
    try:
        answer = api.get(path, groups=listing.groups)
    except Gone:
        return None
    item = answer.json()
    if not isinstance(item, dict) or (not by_slug and str(item.get("id")) != key):
        raise unexpected(answer, f"did not answer with {listing.name[:-1]} {key}")
    return answer, item


def closed(value: bool) -> Filter:
    """Only settled rows, or only the others: there is no way to ask for both."""
    return Filter(
        (("closed", str(value).lower()),),
        lambda row: bool(row.get("closed")) is value,
        may_change=True,
    )


def started_between(low: int | None, high: int | None) -> Filter:
    """Rows with a start_date in [low, high], unix seconds; null: open on that side.

    A row that does not say when it started is no proof against the filter.
    """
    return _dates("start_date", "startDate", low, high, undated=True)


def ends_between(low: int | None, high: int | None) -> Filter:
    """Rows with an end_date in [low, high], unix seconds; null: open on that side."""
    return _dates("end_date", "endDate", low, high, undated=False)


def among(param: str, key: str, values: Collection[str]) -> Filter:
    """Rows whose `key` is one of `values`; case does not matter.

    A Protocol V2 condition id of 62 digits may come back padded to 64.
    """
    wanted = {value.lower() for value in values}
    wanted |= {value + "00" for value in wanted if len(value) == 64}
    return Filter(
        tuple((param, value) for value in values),
        lambda row: str(row.get(key)).lower() in wanted,
    )


def volume_at_least(shares: float) -> Filter:
    """Markets with at least this volume."""
    return Filter(
        (("volume_num_min", repr(shares)),),
        lambda row: number(row.get("volumeNum"), -1.0) >= shares,
    )


def number(value: Any, otherwise: float) -> float:
    """Return a number that may come as text."""
    try:
        return otherwise if value is None else float(value)
    except (TypeError, ValueError):
        return otherwise


def row_number(item: Item) -> int | None:
    """The row's id as a number, or null when it is none."""
    text = str(item.get("id"))
    return int(text) if text.isascii() and text.isdigit() else None


def row_time(key: str) -> Callable[[Item], int | None]:
    """What reads the time under `key` of a row, in unix seconds."""
    return lambda item: unix_seconds(_text(item.get(key)))


def _dates(
    param: str, key: str, low: int | None, high: int | None, *, undated: bool
) -> Filter:
    params = []
    if low is not None:
        params.append((f"{param}_min", gamma_time(low)))
    if high is not None:
        params.append((f"{param}_max", gamma_time(high)))
    read = row_time(key)

    def holds(row: Item) -> bool:
        time = read(row)
        if time is None:
            return undated or not params
        return (low is None or time >= low) and (high is None or time <= high)

    return Filter(tuple(params), holds)


def _page(answer: Answer, key: str) -> Page:
    body = answer.json()
    items = body.get(key) if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise unexpected(answer, f"has no list {key!r}")
    cursor = body.get("next_cursor")
    if not (cursor is None or isinstance(cursor, str)):
        raise unexpected(answer, "has a cursor that is no text")
    return Page(items, cursor or None, answer)


def _check_filters(page: Page, filters: Sequence[Filter]) -> None:
    for one in filters:
        others = [item for item in page.objects if not one.holds(item)]
        if len(others) > one.may_lack(len(page.objects)):
            asked = "&".join(f"{k}={v}" for k, v in one.params[:3])
            raise FilterIgnored(
                f"{page.answer.request}: id {others[0].get('id')} is not what {asked} "
                f"asks for ({len(others)} of {len(page.objects)} rows are not); the "
                "filter was ignored"
            )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
