"""The rows of a page by dataset, and only those that say something new."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from bronze import DATASETS
from fetcher.polymarket.catalogue import Catalogue
from fetcher.polymarket.catalogue_tables import clob_key
from fetcher.polymarket.gamma import row_number
from fetcher.polymarket.market_rows import (
    clob_market_digest,
    clob_market_row,
    event_digest,
    event_row,
    market_digest,
    market_row,
)
from fetcher.polymarket.typed_rows import Item, Misfit, Row, arrow_table
from lake import quarantine


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
        rows: list[Row] = []
        refused: list[quarantine.Misfit] = []
        lineage = {"fetched_at": fetched_at, "walk_id": walk_id, "page_no": page_no}
        for row_no in self._unknown(known):
            try:
                row = self._row(row_no)
            except Misfit as misfit:
                refused.append(self._refused(row_no, str(misfit)))
            else:
                row.update(lineage, row_no=row_no)
                rows.append(row)
        embedded = self.events is not None
        rows = known.changed(self.dataset, rows, embedded=embedded)
        table, rejected = arrow_table(DATASETS[self.dataset], rows)
        for one in rejected:
            refused.append(self._refused(rows[one.place]["row_no"], one.reason))
        return table, refused

    def _unknown(self, known: Catalogue) -> Iterator[int]:
        """The places of objects whose content the lake does not hold, told cheaply."""
        digests = [self._digest(row_no) for row_no in range(len(self.items))]
        keys = [self._key(*pair) for pair in zip(self.items, digests, strict=True)]
        held = known.digests(self.dataset, [key for key in keys if key is not None])
        for row_no, (key, digest) in enumerate(zip(keys, digests, strict=True)):
            if key is None or held.get(key) != digest:
                yield row_no

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

    def _event(self, row_no: int) -> Item | None:
        return None if self.events is None else self.events[row_no]

    def _refused(self, row_no: int, reason: str) -> quarantine.Misfit:
        return quarantine.Misfit(reason, json.dumps(self.items[row_no]), row_no)


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
