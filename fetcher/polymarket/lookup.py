"""Ask Gamma for markets and events by name: ids, condition ids, slugs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial

from fetcher.errors import Refused
from fetcher.jobs import Job
from fetcher.polymarket import catalogue
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.gamma import (
    EVENTS,
    MARKETS,
    Listing,
    among,
    closed,
    keyset_pages,
    one_object,
)
from fetcher.polymarket.holes import events_without_row, not_absent
from fetcher.polymarket.listing_walk import ListingWalk
from fetcher.run import Run

_DAY = 86_400
_SINGLES_A_JOB = 20
# How many keys one request may name: condition ids are long, and so is their URL.
_KEYS = {"id": ("id", 100), "condition_ids": ("conditionId", 50)}


def look_up(
    run: Run, condition_ids: Iterable[str] = (), slugs: Iterable[str] = ()
) -> list[str]:
    """Bring markets into bronze and the catalogue by condition id, open or closed.

    Slugs that are unknown after that are asked one by one, which finds markets that
    are in no listing: their ids are returned. What Gamma does not have is asked again
    after a day at the earliest. Events of markets that came new are brought along.
    """
    known = catalogue.of(run)
    since = run.clock() - _DAY
    wanted = {f"condition:{c.lower()}": c.lower() for c in condition_ids if c}
    asked = [wanted[k] for k in not_absent(known, wanted, asked_since=since)]
    ask_listing(run, MARKETS, "condition_ids", asked)
    named = list(dict.fromkeys(slug for slug in slugs if slug))
    held = known.by_slug(named)
    keys = {f"slug:{slug}": slug for slug in named if slug not in held}
    rest = [keys[k] for k in not_absent(known, keys, asked_since=since)]
    unlisted = ask_each(run, MARKETS, rest, by_slug=True)
    bring_events(run, events_without_row(known, of_this_run=True))
    return unlisted


def bring_events(run: Run, ids: Sequence[str]) -> None:
    """Bring events into bronze by id, wherever they can be found."""
    keys = {f"event:{i}": i for i in ids}
    ids = [keys[k] for k in not_absent(catalogue.of(run), keys)]
    found = ask_listing(run, EVENTS, "id", ids)
    ask_each(run, EVENTS, [i for i in ids if i not in found])


def ask_listing(
    run: Run, listing: Listing, param: str, values: Collection[str]
) -> set[str]:
    """Ask for many rows at a time, open and closed ones; return the values found.

    Condition ids that no listing shows are recorded as absent; an id may still be
    found by itself.
    """
    found: set[str] = set()
    lock = threading.Lock()

    def take(names: Iterable[str]) -> None:
        with lock:
            found.update(names)

    run.jobs(
        listing.name,
        [
            Job(
                f"{len(some)} {listing.name} by {param}, from {some[0]}",
                partial(_ask_some, run, listing, param, some, take),
            )
            for some in chunks(dict.fromkeys(values), _KEYS[param][1])
        ],
    )
    return found


def ask_each(
    run: Run, listing: Listing, keys: Sequence[str], *, by_slug: bool = False
) -> list[str]:
    """Ask for rows one by one, which also finds what no listing shows.

    Returns the ids of those that came; the others are recorded as absent.
    """
    found: list[str] = []
    lock = threading.Lock()

    def take(ids: Iterable[str]) -> None:
        with lock:
            found.extend(ids)

    run.jobs(
        listing.name,
        [
            Job(
                f"{len(some)} {listing.name} one by one, from {some[0]}",
                partial(_ask_singly, run, listing, some, by_slug, take),
            )
            for some in chunks(dict.fromkeys(keys), _SINGLES_A_JOB)
        ],
    )
    return found


def _ask_some(
    run: Run,
    listing: Listing,
    param: str,
    values: Sequence[str],
    take: Callable[[Iterable[str]], None],
) -> None:
    walk = ListingWalk(run, listing.name, {param: len(values)}, strategy="lookup")
    found: set[str] = set()
    for names in _found_in_halves(run, walk, listing, param, values):
        found |= names
    take(found)
    if param == "condition_ids":
        walk.absent(f"condition:{value}" for value in values if value not in found)
    walk.end()


def _found_in_halves(
    run: Run, walk: ListingWalk, listing: Listing, param: str, values: Sequence[str]
) -> Iterator[set[str]]:
    """Yield the values found; one that Gamma refuses does not spoil the others."""
    key = _KEYS[param][0]
    rest = list(values)
    try:
        for is_closed in (False, True):
            if not rest:
                return
            filters = [closed(is_closed), among(param, key, rest)]
            names: set[str] = set()
            for page in keyset_pages(run.gamma, listing, filters):
                run.check()
                walk.take(page.answer, page.items, next_cursor=page.next_cursor)
                names |= {str(row.get(key)).lower() for row in page.objects}
            names |= {n[:-2] for n in names if len(n) == 66 and n.endswith("00")}
            yield names
            rest = [value for value in rest if value not in names]
    except Refused:
        if len(rest) > 1:
            middle = len(rest) // 2
            yield from _found_in_halves(run, walk, listing, param, rest[:middle])
            yield from _found_in_halves(run, walk, listing, param, rest[middle:])


def _ask_singly(
    run: Run,
    listing: Listing,
    keys: Sequence[str],
    by_slug: bool,
    take: Callable[[Iterable[str]], None],
) -> None:
    walk = ListingWalk(run, listing.name, {"one_by_one": len(keys)}, strategy="lookup")
    absent: list[str] = []
    kind = "slug" if by_slug else "id" if listing is MARKETS else "event"
    try:
        for key in keys:
            run.check()
            answered = one_object(run.gamma, listing, key, by_slug=by_slug)
            if answered is None:
                absent.append(f"{kind}:{key}")
                continue
            answer, item = answered
            ids = walk.take(answer, [item])
            take(str(number) for number in ids[listing.name])
    finally:
        walk.absent(absent)
    walk.end()
