"""The replica's world at one moment, with the volumes of a lake's fills.

The words of its Gamma objects are the replica's own; only what it asks its tape is
answered here, for a lake's fills are never in memory together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from bronze.events import FIELDS as OF_EVENTS
from bronze.field import Field, Kind
from bronze.markets import FIELDS as OF_MARKETS
from foundry.trading import Trading
from foundry.walked import I8
from lake.dataset import Dataset
from sandbox.gamma_event_json import event_json
from sandbox.gamma_json import market_json
from sandbox.market import Event, Market
from sandbox.options import DAY
from sandbox.world import World

SPANS = (DAY, 7 * DAY, 30 * DAY, 365 * DAY)


class Volumes:
    """Shares traded in each market so far and lately, in millionths."""

    def __init__(self, markets: int) -> None:
        self.total = np.zeros(markets, dtype=np.int64)
        self.since = {span: np.zeros(markets, dtype=np.int64) for span in SPANS}

    def add(self, gained: I8, age: int) -> None:
        """Count shares that were traded at most `age` seconds ago."""
        self.total += gained
        for span, sums in self.since.items():
            if age <= span:
                sums += gained


class Present(World):
    """A world without a tape: enough for what Gamma says of markets and events."""

    def __init__(self, trading: Trading, volumes: Volumes, now: int) -> None:
        self.options = trading.options
        self.catalogue = trading.catalogue
        self._now = now
        self._volumes = volumes
        count = len(trading.markets)
        fair = trading.paths.mid(np.arange(count), np.full(count, now))
        self._fair: list[float] = fair.tolist()

    @property
    def now(self) -> int:
        """The moment."""
        return self._now

    def shares(self, market: Market) -> float:
        """Shares traded so far, each match once."""
        return float(self._volumes.total[market.index] / 1e6)

    def shares_since(self, market: Market, seconds: int) -> float:
        """Shares traded in the last `seconds`."""
        return float(self._volumes.since[seconds][market.index] / 1e6)

    def last_row(self, market: Market) -> None:
        """No fill is at hand."""

    def mid(self, market: Market, outcome: int, at: int) -> float:
        """The book's midpoint, on half ticks; after the end what the outcome pays."""
        if market.closed(at):
            return market.payouts[outcome] / 1e6
        half = market.tick / 2
        first = round(self._fair[market.index] * 1000 / half) * half / 1000
        first = min(max(first, market.tick / 1000), 1 - market.tick / 1000)
        return round(first if outcome == 0 else 1 - first, 6)


def market_rows(world: Present, markets: Iterable[Market]) -> list[dict[str, Any]]:
    """Rows of bronze `markets`, lineage left out."""
    rows = []
    for market in markets:
        row = _row(market_json(world, market), OF_MARKETS)
        event = world.event_of(market)
        if event is not None:
            row |= {"event_id": str(event.id), "event_slug": event.slug}
        rows.append(row)
    return rows


def event_rows(world: Present, events: Iterable[Event]) -> list[dict[str, Any]]:
    """Rows of bronze `events`, lineage left out."""
    return [_row(event_json(world, one, markets=False), OF_EVENTS) for one in events]


def listed_table(
    dataset: Dataset, rows: list[dict[str, Any]], walk_id: str, at: int, page: int
) -> pa.Table:
    """The rows as pages of a listing that came at one second, `page` rows each."""
    moment = datetime.fromtimestamp(at, UTC)
    for number, row in enumerate(rows):
        row |= {"fetched_at": moment, "walk_id": walk_id}
        row |= {"page_no": number // page, "row_no": number % page}
    return pa.Table.from_pylist(rows, schema=dataset.schema)


def _row(said: dict[str, Any], fields: Iterable[Field]) -> dict[str, Any]:
    row = {
        field.name: _value(said[field.key], field.kind)
        for field in fields
        if said.get(field.key) is not None
    }
    text = json.dumps(said, sort_keys=True, default=str).encode()
    return row | {"content_hash": hashlib.blake2b(text, digest_size=16).hexdigest()}


def _value(value: Any, kind: Kind) -> Any:
    if kind is Kind.FLAG:
        return bool(value)
    if kind is Kind.NUMBER:
        return float(value)
    if isinstance(value, str):
        return value
    if kind is Kind.JSON:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
