"""The rows of a page by dataset, and only those that say something new."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from bronze import DATASETS
from fetcher.polymarket.catalogue import Catalogue, Held
from fetcher.polymarket.catalogue_tables import clob_key, microseconds
from fetcher.polymarket.gamma import row_number
from fetcher.polymarket.market_rows import (
    clob_market_columns,
    clob_market_digest,
    clob_market_row,
    event_columns,
    event_digest,
    event_row,
    market_columns,
    market_digest,
    market_row,
)
from fetcher.polymarket.page_columns import Columns, rows_of, table_of
from fetcher.polymarket.typed_rows import Item, Misfit, Row, arrow_table
from lake import quarantine

_NOTHING = Held("", None)


@dataclass
class Part:
    """The objects of one dataset on a page; `events` are those they are embedded in."""

    dataset: str
    items: list[Any] = field(default_factory=list)
    events: list[Item] | None = None

    @property
    def ids(self) -> list[int]:
        """The ids on the page, of those that have one."""
        numbers = (row_number(i) for i in self.items if isinstance(i, dict))
        return [number for number in numbers if number is not None]

    def fresh(
        self, known: Catalogue, *, fetched_at: datetime, walk_id: str, page_no: int
    ) -> tuple[pa.Table, list[quarantine.Misfit]]:
        """Return the rows that the lake does not hold, and what fits no schema.

        The rows count as held from then on: see Catalogue.changed.
        """
        unknown = self._unknown(known)
        lineage = {"fetched_at": fetched_at, "walk_id": walk_id, "page_no": page_no}
        if not unknown:
            return DATASETS[self.dataset].schema.empty_table(), []
        return self._quickly(known, unknown, lineage) or self._strictly(
            known, list(unknown), lineage
        )

    def _quickly(
        self, known: Catalogue, unknown: Mapping[int, str], lineage: Row
    ) -> tuple[pa.Table, list[quarantine.Misfit]] | None:
        """The rows by column; null unless all of them fit."""
        dataset = DATASETS[self.dataset]
        columns = self._columns(list(unknown), list(unknown.values()))
        if columns is None:
            return None
        columns["row_no"] = list(unknown)
        columns |= {name: [one] * len(unknown) for name, one in lineage.items()}
        table = table_of(dataset, columns, len(unknown))
        if table is None:
            return None
        places = {row_no: place for place, row_no in enumerate(unknown)}
        names = (*known.reads(self.dataset), "row_no")
        fresh = self._changed(known, rows_of(columns, names, len(unknown)))
        if len(fresh) < len(places):
            kept = [places[row["row_no"]] for row in fresh]
            table = table.take(pa.array(kept, pa.int64()))
        return table, []

    def _strictly(
        self, known: Catalogue, unknown: Sequence[int], lineage: Row
    ) -> tuple[pa.Table, list[quarantine.Misfit]]:
        """The rows one by one, and why those that do not fit do not."""
        rows: list[Row] = []
        refused: list[quarantine.Misfit] = []
        for row_no in unknown:
            try:
                row = self._row(row_no)
            except Misfit as misfit:
                refused.append(self._refused(row_no, str(misfit)))
            else:
                row.update(lineage, row_no=row_no)
                rows.append(row)
        rows = self._changed(known, rows)
        table, rejected = arrow_table(DATASETS[self.dataset], rows)
        for one in rejected:
            refused.append(self._refused(rows[one.place]["row_no"], one.reason))
        return table, refused

    def _changed(self, known: Catalogue, rows: Sequence[Row]) -> list[Row]:
        embedded = self.events is not None
        return known.changed(self.dataset, rows, embedded=embedded)

    def _unknown(self, known: Catalogue) -> dict[int, str]:
        """The places and digests of objects that the lake does not hold as they are."""
        places = self._not_older(known)
        digests = {row_no: self._digest(row_no) for row_no in places}
        keys = {
            row_no: self._key(self.items[row_no], digest)
            for row_no, digest in digests.items()
        }
        held = known.held(self.dataset, keys.values())
        return {
            row_no: digest
            for row_no, digest in digests.items()
            if held.get(keys[row_no], _NOTHING).content_hash != digest
        }

    def _not_older(self, known: Catalogue) -> Sequence[int]:
        """The places of what may be news.

        An embedded market that was not touched after the row that is held is none,
        whatever it says: see Catalogue.changed. A digest costs ten times as much.
        """
        if self.events is None:
            return range(len(self.items))
        keys = [self._key(item, "") for item in self.items]
        held = known.held(self.dataset, keys)
        return [
            row_no
            for row_no, key in enumerate(keys)
            if key not in held
            or not _is_older(self.items[row_no], than=held[key].updated_us)
        ]

    def _digest(self, row_no: int) -> str:
        item = self.items[row_no]
        if not isinstance(item, dict):
            return ""
        if self.dataset == "markets":
            return market_digest(item, event=self._event(row_no))
        if self.dataset == "events":
            return event_digest(item)
        return clob_market_digest(item)

    def _key(self, item: Any, digest: str) -> Any:
        if not isinstance(item, dict):
            return None
        if self.dataset == "clob_markets":
            return clob_key(item) or digest
        number = row_number(item)
        return None if number is None or number >= 10**18 else number

    def _row(self, row_no: int) -> Row:
        item = self.items[row_no]
        if self.dataset == "markets":
            return market_row(item, event=self._event(row_no))
        return event_row(item) if self.dataset == "events" else clob_market_row(item)

    def _columns(self, places: Sequence[int], digests: Sequence[str]) -> Columns | None:
        items = [self.items[row_no] for row_no in places]
        if self.dataset == "markets":
            events = [self._event(row_no) for row_no in places]
            return market_columns(items, digests, events=events)
        if self.dataset == "events":
            return event_columns(items, digests)
        return clob_market_columns(items, digests)

    def _event(self, row_no: int) -> Item | None:
        return None if self.events is None else self.events[row_no]

    def _refused(self, row_no: int, reason: str) -> quarantine.Misfit:
        return quarantine.Misfit(reason, json.dumps(self.items[row_no]), row_no)


def _is_older(item: Item, *, than: int | None) -> bool:
    text = item.get("updatedAt")
    updated = microseconds(text) if isinstance(text, str) else None
    return updated is not None and than is not None and updated <= than


def parts_of(dataset: str, items: Sequence[Any]) -> list[Part]:
    """Return the page by dataset: markets embedded in events are markets."""
    parts = [Part(dataset, list(items))]
    if dataset == "events":
        embedded = Part("markets", events=[])
        for event in items:
            markets = event.get("markets") if isinstance(event, dict) else None
            if isinstance(markets, list) and embedded.events is not None:
                embedded.items.extend(markets)
                embedded.events.extend([event] * len(markets))
        parts.append(embedded)
    return parts
