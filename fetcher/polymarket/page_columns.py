"""The objects of a page as columns: what the strict reader makes of them, all at once.

The strict reader looks at every value by itself, which is most of what a catalogue of
a million markets costs. Here a column is looked at as a whole: where all its values are
of the types that pass unchanged, they do. Others go to the very conversion that the
strict reader uses. Where that refuses one, or Arrow refuses a column, there are no
columns, and the page is for the strict reader, which says of each row what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any

import pyarrow as pa

from bronze.field import Kind
from fetcher.polymarket.typed_rows import Converter, Item, as_json, compact_json
from lake.dataset import Dataset

Columns = dict[str, Sequence[Any]]

_TEXT = {str, type(None)}
_NUMBER = {float, int, type(None)}
_FLAG = {bool, type(None)}
# A list in a string as the service writes it, whose texts need no escape.
_PLAIN_LIST = re.compile(r'\[(?:"[\w .%$+-]*"(?:, ?"[\w .%$+-]*")*)?\]', re.ASCII)
_as_json = lru_cache(4096)(as_json)


def columns_of(
    converter: Converter, items: Sequence[Item], *, without: frozenset[str]
) -> Columns | None:
    """Return the rows of JSON objects by column, those left out that are null.

    Null where a row may not fit: the strict reader knows which, and why.
    """
    keys = set().union(*items) - without
    columns: Columns = {}
    try:
        for key in keys & converter.known.keys():
            name, convert, kind = converter.known[key]
            values = [item.get(key) for item in items]
            columns[name] = _converted(values, kind, convert)
    except (ValueError, OverflowError):
        return None
    unknown = keys - converter.known.keys()
    if unknown:
        columns["extra"] = [_extra(item, unknown) for item in items]
    return columns


def table_of(dataset: Dataset, columns: Columns, rows: int) -> pa.Table | None:
    """Return the columns as a table of the dataset's schema, others as nulls.

    Null where Arrow cannot hold them.
    """
    arrays: list[pa.Array] = []
    try:
        for field in dataset.schema:
            values = columns.get(field.name)
            if values is None:
                arrays.append(pa.nulls(rows, field.type))
            else:
                arrays.append(pa.array(values, field.type))
    except (pa.ArrowException, ValueError, OverflowError, TypeError):
        return None
    return pa.Table.from_arrays(arrays, schema=dataset.schema)


def rows_of(columns: Columns, names: Sequence[str], rows: int) -> list[dict[str, Any]]:
    """Return the rows with these columns alone."""
    nothing = [None] * rows
    values = [columns.get(name, nothing) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _converted(values: list[Any], kind: Kind, convert: Any) -> list[Any]:
    kinds = set(map(type, values))
    if (kind is Kind.TEXT and kinds <= _TEXT) or (kind is Kind.FLAG and kinds <= _FLAG):
        return values
    if kind is Kind.NUMBER and kinds <= _NUMBER:
        if int in kinds:
            values = [None if value is None else float(value) for value in values]
        if isfinite(sum(filter(None, values))):
            return values
    if kind is Kind.JSON:
        return [None if value is None else _compact(value) for value in values]
    return [None if value is None else convert(value) for value in values]


def _compact(value: Any) -> str | None:
    if not isinstance(value, str):
        return compact_json(value)
    if _PLAIN_LIST.fullmatch(value):
        return value.replace('", "', '","')
    return _as_json(value)


def _extra(item: Mapping[str, Any], unknown: set[str]) -> str | None:
    extra = {k: v for k, v in item.items() if k in unknown and v is not None}
    return compact_json(extra) if extra else None
