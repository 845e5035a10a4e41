"""A page of trades as an Arrow table: columnar, exact, and losing nothing in silence.

A page of what a wallet did is read likewise: see `Layout`.

A page that is exactly as expected is read by polars, see quick_rows.py, one that has
nulls or spaces by pyarrow, which refuses whatever it was not told of; neither makes a
dict for a row. What both refuse is read row by row: unknown keys, and descriptive
values of another type, go to `extra`; a row whose identity does not fit is set aside
with its reason.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import compress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from fetcher.errors import UnexpectedPayload
from fetcher.polymarket.numbers import finite
from fetcher.polymarket.quick_rows import Shape, quick_rows
from fetcher.polymarket.trade_layout import (
    EARLIEST,
    LATEST,
    OF_TRADES,
    PAGINATION,
    Layout,
    Version,
    served_name,
)
from lake.dataset import TIMESTAMP, Column, Dataset
from lake.quarantine import Misfit

_BLOCK = 64 * 1024 * 1024  # a page is read as one block; larger ones get their own size


@dataclass(frozen=True)
class Lineage:
    """Where the rows of a page come from."""

    walk_id: str
    page_no: int
    fetched_at: datetime


@dataclass(frozen=True)
class TradePage:
    """One answer: the `rows` that fit, their places in it, and those that do not."""

    rows: pa.RecordBatch
    row_nos: Sequence[int]
    extra: Sequence[str | None] | None
    misfits: tuple[Misfit, ...]
    next_cursor: str | None
    has_more: bool | None
    group: str = OF_TRADES.group

    @property
    def served(self) -> int:
        """How many rows the answer had."""
        return len(self.row_nos) + len(self.misfits)

    @property
    def oldest(self) -> int | None:
        """The second of the oldest row."""
        return self._bounds["min"]

    @property
    def newest(self) -> int | None:
        """The second of the newest row."""
        return self._bounds["max"]

    @cached_property
    def _bounds(self) -> Mapping[str, int | None]:
        bounds: Mapping[str, int | None] = pc.min_max(self.rows["timestamp"]).as_py()
        return bounds

    def counts(self) -> Mapping[str, int]:
        """Rows a market, or what else the rows are grouped by, in lower case."""
        return self._counts

    @cached_property
    def _counts(self) -> Mapping[str, int]:
        counted = pc.value_counts(self.rows[self.group])
        found: Counter[str] = Counter()
        for value, count in zip(
            counted.field("values").to_pylist(),
            counted.field("counts").to_pylist(),
            strict=True,
        ):
            found[value.lower()] += count
        return found

    def between(self, since: int | None, until: int | None) -> TradePage:
        """The part of the page from `since` until before `until`."""
        if since is None and until is None:
            return self
        clock = self.rows["timestamp"]
        kept = pc.and_(
            pc.greater_equal(clock, EARLIEST if since is None else since),
            pc.less(clock, LATEST + 1 if until is None else until),
        ).to_pylist()
        return replace(
            self,
            rows=self.rows.filter(pa.array(kept, type=pa.bool_())),
            row_nos=list(compress(self.row_nos, kept)),
            extra=None if self.extra is None else list(compress(self.extra, kept)),
        )

    def table(self, dataset: Dataset, lineage: Lineage) -> pa.Table:
        """The rows with their lineage, in exactly the dataset's schema."""
        count = self.rows.num_rows
        extra = pa.nulls(count) if self.extra is None else pa.array(self.extra)
        added = {
            "fetched_at": pa.repeat(pa.scalar(lineage.fetched_at, TIMESTAMP), count),
            "walk_id": pa.repeat(lineage.walk_id, count),
            "page_no": pa.repeat(pa.scalar(lineage.page_no, pa.int32()), count),
            "row_no": pa.array(self.row_nos, type=pa.int32()),
            "extra": extra.cast(pa.string()),
        }
        return pa.Table.from_arrays(
            [
                added[name] if name in added else self.rows[name]
                for name in dataset.schema.names
            ],
            schema=dataset.schema,
        )


def read_page(
    body: bytes, version: Version = "v2", layout: Layout = OF_TRADES
) -> TradePage:
    """Read one answer; UnexpectedPayload when it is no page of such rows at all."""
    whole = body if version == "v2" else b'{"data":' + body + b"}"
    strict = _strictly(whole, version, layout)
    if strict is not None:
        rows, paging = strict
        return _page(rows, range(rows.num_rows), None, (), paging, layout)
    items, paging = _loosely(whole, body)
    looked_at = [
        (n, item, _sort_out(item, version, layout)) for n, item in enumerate(items)
    ]
    good = [(n, found) for n, _, found in looked_at if isinstance(found, _Fit)]
    return _page(
        _columns([fit.values for _, fit in good], layout),
        [n for n, _ in good],
        [fit.extra for _, fit in good],
        tuple(
            Misfit(reason=found, raw=json.dumps(item), row_no=n)
            for n, item, found in looked_at
            if isinstance(found, str)
        ),
        paging,
        layout,
    )


def _page(
    rows: pa.RecordBatch,
    row_nos: Sequence[int],
    extra: Sequence[str | None] | None,
    misfits: tuple[Misfit, ...],
    paging: Mapping[str, Any],
    layout: Layout,
) -> TradePage:
    next_cursor, has_more = paging.get("next_cursor"), paging.get("has_more")
    return TradePage(rows, row_nos, extra, misfits, next_cursor, has_more, layout.group)


# The strict way


@lru_cache
def _shape(version: Version, layout: Layout) -> Shape:
    row = [pa.field(served_name(c, version), c.type) for c in layout.columns]
    return Shape(pa.schema(row), is_paged=version == "v2")


@lru_cache
def _expected(version: Version, layout: Layout) -> arrow_json.ParseOptions:
    fields = [pa.field("data", pa.list_(pa.struct(_shape(version, layout).row)))]
    if version == "v2":
        fields.append(pa.field("pagination", PAGINATION))
    return arrow_json.ParseOptions(
        explicit_schema=pa.schema(fields), unexpected_field_behavior="error"
    )


def _strictly(
    body: bytes, version: Version, layout: Layout
) -> tuple[pa.RecordBatch, Mapping[str, Any]] | None:
    """The page, or null when anything in it is not exactly as expected."""
    found = quick_rows(body, _shape(version, layout))
    if found is None:
        found = _by_arrow(body, version, layout)
    if found is None:
        return None
    rows, paging = found
    columns = rows.rename_columns(layout.schema.names)
    return (columns, paging) if _sound(columns, layout) else None


def _by_arrow(
    body: bytes, version: Version, layout: Layout
) -> tuple[pa.RecordBatch, Mapping[str, Any]] | None:
    """The same by the reader that refuses whatever it was not told of."""
    try:
        table = arrow_json.read_json(
            pa.BufferReader(body),
            read_options=arrow_json.ReadOptions(
                use_threads=False, block_size=max(_BLOCK, len(body) + 1)
            ),
            parse_options=_expected(version, layout),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    if table.num_rows != 1 or table["data"].null_count:
        return None
    rows = pa.RecordBatch.from_struct_array(table["data"].chunk(0).flatten())
    if version == "v1":
        return rows, {}
    paging = table["pagination"][0].as_py()
    return (rows, paging) if paging is not None else None


def _sound(columns: pa.RecordBatch, layout: Layout) -> bool:
    """Whether every row has whole and plausible values where it must have some."""
    if not columns.num_rows:
        return True
    if any(columns[name].null_count for name in layout.required):
        return False
    for name, (least, most) in layout.bounds.items():
        found = pc.min_max(columns[name])
        if not least <= found["min"].as_py() <= found["max"].as_py() <= most:
            return False
    return bool(
        all(
            pc.all(pc.is_finite(columns[c.name]), min_count=0).as_py()
            for c in layout.columns
            if c.type == pa.float64()
        )
        and pc.min(pc.binary_length(columns[layout.group])).as_py() > 0
    )


# The patient way


@dataclass(frozen=True)
class _Fit:
    values: dict[str, Any]
    extra: str | None


def _loosely(whole: bytes, body: bytes) -> tuple[list[Any], Mapping[str, Any]]:
    try:
        answer = json.loads(whole)
        items = answer["data"]
        paging = answer.get("pagination") or {}
        if not isinstance(items if items is not None else [], list):
            raise TypeError
        if not isinstance(paging.get("next_cursor"), str | None):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UnexpectedPayload(
            f"This is no page of trades: {body[:200]!r}. If the service has changed, "
            "our code must follow; nothing was stored of it."
        ) from None
    return items or [], paging


def _sort_out(item: Any, version: Version, layout: Layout) -> _Fit | str:
    """The row's values, or why it cannot be one of these."""
    if not isinstance(item, dict):
        return "not an object"
    left = dict(item)
    values: dict[str, Any] = {}
    misplaced: dict[str, Any] = {}
    for column in layout.columns:
        key = served_name(column, version)
        value = left.pop(key, None)
        fitting = _fitting(value, column)
        if column.name in layout.required:
            problem = _identity_problem(column, value, fitting, layout)
            if problem is not None:
                return problem
        elif value is not None and fitting is None:
            misplaced[key] = value
        values[column.name] = fitting
    beyond = misplaced | left
    return _Fit(values, json.dumps(beyond, sort_keys=True) if beyond else None)


def _fitting(value: Any, column: Column) -> Any:
    """The value in the column's type, or null if it is of another."""
    if column.type == pa.string():
        if not isinstance(value, str):
            return None
        # half of a surrogate pair is no character: JSON can say it, UTF-8 cannot
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if column.type == pa.bool_():
        return value if isinstance(value, bool) else None
    number = finite(value)
    if column.type == pa.float64() or number is None:
        return number
    if abs(value) >= 2**62 or int(value) != value:
        return None
    if column.type == pa.int32() and abs(value) >= 2**31:
        return None
    return int(value)


def _identity_problem(
    column: Column, value: Any, fitting: Any, layout: Layout
) -> str | None:
    if value is None:
        return f"{column.name} is missing"
    if fitting is None:
        return f"{column.name} is {value!r:.80}, which is no {column.type}"
    least, most = layout.bounds.get(column.name, (fitting, fitting))
    if not least <= fitting <= most:
        unit = " in unix seconds" if column.name == "timestamp" else ""
        return f"{column.name} {value!r:.80} is not in {least:.0f} to {most:.0f}{unit}"
    if column.name == layout.group and not fitting:
        return f"{column.name} is empty"
    return None


def _columns(rows: list[dict[str, Any]], layout: Layout) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [
            pa.array([row[field.name] for row in rows], type=field.type)
            for field in layout.schema
        ],
        schema=layout.schema,
    )
