"""Rows of the `walks` dataset, as the walks of trades and totals write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from lake.walks import WALKS

Row = Mapping[str, Any]

_NAMES = frozenset(WALKS.schema.names)


def walks_table(rows: Iterable[Row]) -> pa.Table:
    """The rows as a table of the dataset; columns that a row leaves out are null."""
    listed = list(rows)
    unknown = {name for row in listed for name in row} - _NAMES
    if unknown:
        raise ValueError(f"walks has no columns {sorted(unknown)}")
    return pa.Table.from_pylist(listed, schema=WALKS.schema)


def moment(seconds: float) -> datetime:
    """Unix seconds as UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def filter_text(filters: Mapping[str, str]) -> str:
    """The request parameters of a walk, as one JSON object."""
    return json.dumps(dict(filters), sort_keys=True)


def due_row(dataset: str, condition_id: str, reason: str, now: float) -> Row:
    """A market that must be walked to its end by a walk that begins after `now`."""
    return {
        "kind": "due",
        "dataset": dataset,
        "key": condition_id,
        "detail": reason,
        "fetched_at": moment(now),
    }


def coverage_row(
    dataset: str, covered_from: int, watermark: int, *, walk_id: str, now: float
) -> Row:
    """The stretch of time that the feed covers without a gap."""
    return {
        "kind": "coverage",
        "dataset": dataset,
        "walk_id": walk_id,
        "strategy": "feed",
        "ts_oldest": covered_from,
        "ts_newest": watermark,
        "fetched_at": moment(now),
    }
