"""The markets that the options of a run select, fresh from Gamma.

Values of one option add up, different options narrow each other down. What is met on
the way is stored like any other market.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import partial

from fetcher.errors import Gone
from fetcher.jobs import Job
from fetcher.options import Options
from fetcher.polymarket import catalogue
from fetcher.polymarket.addresses import Address, event_address, market_address
from fetcher.polymarket.catalogue import CatalogueMarket
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.gamma import (
    EVENTS,
    MARKETS,
    Filter,
    Item,
    Order,
    among,
    closed,
    ends_between,
    keyset_pages,
    number,
    one_object,
    row_time,
    volume_at_least,
)
from fetcher.polymarket.listing_walk import ListingWalk
from fetcher.polymarket.tags import has_tag, tag_id, tagged
from fetcher.run import Run
from settings.errors import UsageError

Items = dict[str, Item]

_ENDS = row_time("endDate")


def chosen(run: Run) -> list[CatalogueMarket] | None:
    """Return the markets that the options select, most volume first.

    Null when no option selects any: the run is about the whole exchange. A name that
    Polymarket does not know is a UsageError.
    """
    if not selects(run.options):
        return None
    return run.once("chosen markets", lambda: Selection(run).markets())


def selects(options: Options) -> bool:
    """Whether the options narrow the run down to some markets."""
    return bool(
        options.markets
        or options.events
        or options.tags
        or options.limit
        or options.ends_after is not None
        or options.ends_before is not None
        or options.min_volume is not None
    )


class Selection:
    """One run's options, asked for."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._options = run.options
        self._walk = _walk(run, "markets")
        self._events = _walk(run, "events")
        self._tags_of_event: dict[str, Item] = {}
        self._lock = threading.Lock()

    def markets(self) -> list[CatalogueMarket]:
        """Ask for the markets and return them as the catalogue has them."""
        options = self._options
        addresses = [market_address(text) for text in options.markets]
        events = [event_address(text) for text in options.events]
        tags = [tag_id(self._run, text) for text in options.tags]
        if addresses or events:
            found = self._named(addresses, events)
            if tags:
                found = {i: m for i, m in found.items() if self._is_tagged(m, tags)}
        else:
            found = self._listed(tags)
        fitting = [item for item in found.values() if self._fits(item)]
        fitting.sort(key=lambda m: (-number(m.get("volumeNum"), 0.0), int(m["id"])))
        ids = [str(item["id"]) for item in fitting[: options.limit]]
        by_id = catalogue.of(self._run).by_id(ids)
        return [by_id[i] for i in ids if i in by_id]

    # By name

    def _named(self, markets: Sequence[Address], events: Sequence[Address]) -> Items:
        found: Items | None = None
        if markets:
            found = self._by_condition(
                [a.condition_id for a in markets if a.condition_id]
            )
            for address in markets:
                if address.market_slug:
                    found |= self._by_slug(address.market_slug)
                elif address.event_slug:
                    found |= self._of_event(address.event_slug, "--market")
        if events:
            of_events: Items = {}
            for address in events:
                of_events |= self._of_event(address.event_slug or "", "--event")
            found = of_events if found is None else _both(found, of_events)
        return found or {}

    def _by_condition(self, condition_ids: Sequence[str]) -> Items:
        found: Items = {}
        for some in chunks(dict.fromkeys(condition_ids), 50):
            for is_closed in (False, True):
                filters = [
                    closed(is_closed),
                    among("condition_ids", "conditionId", some),
                ]
                found |= self._walked(filters)
        met = {str(item.get("conditionId")).lower() for item in found.values()}
        for condition_id in condition_ids:
            if condition_id not in met and condition_id + "00" not in met:
                found |= self._hidden(condition_id)
        return found

    def _hidden(self, condition_id: str) -> Items:
        """A market in no listing, by the slug that the order book has for it."""
        known = catalogue.of(self._run).market(condition_id)
        slug = known.slug if known else None
        if slug is None:
            try:
                path = f"/markets/{condition_id}"
                body = self._run.clob.get(path, groups=("clob_all",)).json()
                slug = body.get("market_slug")
            except Gone:
                slug = None
        if not slug:
            raise UsageError(f"--market {condition_id}: Polymarket has no such market.")
        return self._by_slug(slug, named=condition_id)

    def _by_slug(self, slug: str, *, named: str | None = None) -> Items:
        answered = one_object(self._run.gamma, MARKETS, slug, by_slug=True)
        if answered is None:
            raise UsageError(
                f"--market {named or slug}: Polymarket has no such market. "
                "An event with several markets is named by its URL."
            )
        answer, item = answered
        self._walk.take(answer, [item])
        return {str(item["id"]): item}

    def _of_event(self, slug: str, option: str) -> Items:
        answered = one_object(self._run.gamma, EVENTS, slug, by_slug=True)
        if answered is None:
            raise UsageError(f"{option} {slug}: Polymarket has no such event.")
        answer, event = answered
        self._events.take(answer, [event])
        self._tags_of_event[str(event.get("id"))] = event
        return {
            str(market["id"]): market | {"events": [event]}
            for market in event.get("markets") or ()
            if isinstance(market, dict) and str(market.get("id")).isdigit()
        }

    def _is_tagged(self, market: Item, tags: Iterable[str]) -> bool:
        events = market.get("events") or [{}]
        event_id = str(events[0].get("id") or "")
        if event_id and event_id not in self._tags_of_event:
            answered = one_object(self._run.gamma, EVENTS, event_id)
            if answered is not None:
                self._events.take(answered[0], [answered[1]])
            self._tags_of_event[event_id] = answered[1] if answered else {}
        event = self._tags_of_event.get(event_id, {})
        return any(has_tag(event, tag) or has_tag(market, tag) for tag in tags)

    # By what they are like

    def _listed(self, tags: Sequence[str]) -> Items:
        found: Items = {}
        jobs = []
        for is_closed in (False, True):
            for tag in tags or (None,):
                filters = [closed(is_closed), *self._filters()]
                if tag is not None:
                    filters.append(tagged(tag))
                what = (
                    f"{'closed' if is_closed else 'open'} markets, tag {tag or 'any'}"
                )
                jobs.append(Job(what, partial(self._most_traded, filters, found)))
        self._run.jobs("markets", jobs)
        return found

    def _filters(self) -> list[Filter]:
        options = self._options
        filters = []
        if options.ends_after is not None or options.ends_before is not None:
            filters.append(ends_between(options.ends_after, options.ends_before))
        if options.min_volume is not None:
            filters.append(volume_at_least(options.min_volume))
        return filters

    def _most_traded(self, filters: list[Filter], found: Items) -> None:
        limit = self._options.limit
        if limit is None:
            self._add(found, self._walked(filters))
            return
        order = Order("volumeNum", lambda row: number(row.get("volumeNum"), 0.0))
        # Where null sorts first, markets without a volume would come first.
        ordered = filters
        if self._options.min_volume is None:
            ordered = [*filters, volume_at_least(0.0)]
        top = self._walked(ordered, order=order, limit=limit)
        if len(top) < limit and ordered is not filters:
            top |= self._walked(filters)
        self._add(found, top)

    def _add(self, found: Items, more: Items) -> None:
        with self._lock:
            found |= more

    def _walked(
        self,
        filters: Sequence[Filter],
        *,
        order: Order | None = None,
        limit: int | None = None,
    ) -> Items:
        run, found = self._run, Items()
        walk = _walk(run, "markets")
        for page in keyset_pages(run.gamma, MARKETS, filters, order=order):
            run.check()
            walk.take(page.answer, page.items, next_cursor=page.next_cursor)
            rows = [row for row in page.objects if str(row.get("id")).isdigit()]
            found |= {str(row["id"]): row for row in rows if self._fits(row)}
            in_order = order is None or order.honoured_by(page.objects)
            limit = limit if in_order else None  # then the last page may hold the most
            if limit is not None and len(found) >= limit:
                break
        walk.end()
        return found

    def _fits(self, market: Item) -> bool:
        options = self._options
        least = options.min_volume
        if least is not None and number(market.get("volumeNum"), -1.0) < least:
            return False
        if options.ends_after is None and options.ends_before is None:
            return True
        end = _ENDS(market)
        if end is None:
            return False
        after = options.ends_after is None or end >= options.ends_after
        return after and (options.ends_before is None or end < options.ends_before)


def _walk(run: Run, dataset: str) -> ListingWalk:
    return ListingWalk(run, dataset, {"selection": True}, strategy="lookup")


def _both(one: Items, other: Items) -> Items:
    return {key: item for key, item in one.items() if key in other}
