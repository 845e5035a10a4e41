"""Rows that were set aside, taken in now that they fit.

A later version of the program may know what puzzled this one, and a number that came
as text (`"0.53"`) is taken for that number. Each row keeps the walk, page and place
that it came on, so it counts as what that walk saw.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

import pyarrow as pa

from bronze import DATASETS
from fetcher.drift import kind_of
from fetcher.errors import UnexpectedPayload
from fetcher.polymarket.activity import OF_ACTIVITY
from fetcher.polymarket.trade_layout import OF_TRADES, V1_NAMES, Layout, Version
from fetcher.polymarket.trade_rows import Lineage, TradePage, read_page
from fetcher.run import Puts
from lake import quarantine
from lake.batch import Batch, CursorChange, Json, Progress
from lake.cursor import CursorFile
from lake.lake import Lake

LAYOUTS: Mapping[str, Layout] = {
    "trades": OF_TRADES,
    "taker_trades": OF_TRADES,
    "activity": OF_ACTIVITY,
}
"""The datasets of which rows can be taken in; others are asked for again anyway."""

_VALUE = "taken_in"  # of the cursor file: places of rows that are stored, by file
_AT_ONCE = 200

Entry = Mapping[str, Any]


@dataclass
class Taken:
    """Rows by dataset: `stored` now, or `left` where they are."""

    stored: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)


def take_in(lake: Lake, cursor: CursorFile, writer: Puts) -> Taken:
    """Store the rows that fit by now, and take them out of the quarantine.

    The cursor tells in one step with the rows which ones are stored; so whenever this
    dies, no row is stored twice. Rows of a walk that is not over wait until it is.
    """
    _take_out(lake, cursor)
    done = Taken()
    for dataset, layout in LAYOUTS.items():
        pages = groupby(quarantine.rows(lake.storage, dataset), lambda row: row["file"])
        batches: list[tuple[Batch, str, list[int]]] = []
        for file, entries in pages:
            rows: list[Entry] = list(entries)
            walk_id = rows[0]["walk_id"]
            found = None if walk_id in cursor.walks else _batch(dataset, layout, rows)
            taken = [] if found is None else found[1]
            _add(done.stored, dataset, len(taken))
            _add(done.left, dataset, len(rows) - len(taken))
            if found is not None and taken:
                batches.append((found[0], file, taken))
            if len(batches) >= _AT_ONCE:
                _store(lake, cursor, writer, batches)
        _store(lake, cursor, writer, batches)
    return done


def _batch(
    dataset: str, layout: Layout, entries: list[Entry]
) -> tuple[Batch, list[int]] | None:
    """The rows of one page that fit, and their places on it."""
    version: Version = "v2" if "/v2/" in entries[0]["request"] else "v1"
    page = _read([entry["raw"] for entry in entries], version, layout)
    if page is None or not page.row_nos:
        return None
    first = entries[0]
    lineage = Lineage(
        first["walk_id"], first["page_no"], datetime.fromisoformat(first["fetched_at"])
    )
    table = page.table(DATASETS[dataset], lineage)
    places = [entries[n]["row_no"] for n in page.row_nos]
    table = table.set_column(
        table.schema.get_field_index("row_no"),
        table.schema.field("row_no"),
        pa.array(places, pa.int32()),
    )
    # It speaks for no second as a whole: the rest of the walk is in bronze already.
    progress = Progress(dataset, first["walk_id"], (), None, None, ended=True)
    batch = Batch({dataset: table}, progress=(progress,))
    return batch, places


def _read(raw: Iterable[str], version: Version, layout: Layout) -> TradePage | None:
    rows = [_with_numbers(json.loads(text), version, layout) for text in raw]
    body = rows if version == "v1" else {"data": rows, "pagination": {}}
    try:
        return read_page(json.dumps(body).encode(), version, layout)
    except UnexpectedPayload:
        return None


def _with_numbers(item: Any, version: Version, layout: Layout) -> Any:
    """The row with each number that came as text as that number."""
    if not isinstance(item, dict):
        return item
    row = dict(item)
    for column in layout.columns:
        name = V1_NAMES.get(column.name, column.name)
        key = name if version == "v1" else column.name
        value = row.get(key)
        if isinstance(value, str) and not pa.types.is_string(column.type):
            try:
                row[key] = json.loads(value)
            except ValueError:
                continue
    return row


def _store(
    lake: Lake,
    cursor: CursorFile,
    writer: Puts,
    batches: list[tuple[Batch, str, list[int]]],
) -> None:
    if not batches:
        return
    stored: dict[str, Json] = {file: places for _, file, places in batches}
    pages = [batch for batch, _, _ in batches]
    (dataset,) = pages[0].rows
    progress = {page.progress[0].walk_id: page.progress[0] for page in pages}
    writer.put(
        Batch(
            {dataset: pa.concat_tables([page.rows[dataset] for page in pages])},
            progress=tuple(progress.values()),
            cursor=CursorChange(values={_VALUE: stored}),
        )
    )
    batches.clear()
    writer.flush()
    _take_out(lake, cursor)
    writer.put(Batch({}, cursor=CursorChange(values={_VALUE: None})))


def _take_out(lake: Lake, cursor: CursorFile) -> None:
    """Take the rows out of their files that the cursor says are stored."""
    saved = cursor.values.get(_VALUE)
    if isinstance(saved, dict):
        for file, places in saved.items():
            quarantine.take_out(lake.storage, file, set(places))


def _add(counts: dict[str, int], dataset: str, rows: int) -> None:
    if rows:
        counts[dataset] = counts.get(dataset, 0) + rows


def set_aside_by_reason(lake: Lake) -> Iterator[tuple[str, str, int, Entry]]:
    """Yield dataset, reason, rows and the latest such row of all that is set aside."""
    for dataset in lake.datasets:
        counts: Counter[str] = Counter()
        latest: dict[str, Entry] = {}
        for row in quarantine.rows(lake.storage, dataset):
            reason = kind_of(row)
            counts[reason] += 1
            latest[reason] = row
        for reason, rows in counts.most_common():
            yield dataset, reason, rows, latest[reason]
