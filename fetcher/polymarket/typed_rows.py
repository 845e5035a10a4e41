"""From a JSON object to a typed bronze row: rename, fix the type, judge nothing.

The service mixes types within a column (numbers as integers, as floats and in strings,
ids as numbers, JSON inside strings). What keeps its meaning in the column's type goes
in; anything else is a `Misfit`, and its row goes to quarantine whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa

from bronze.field import Field, Kind
from fetcher.polymarket.numbers import finite
from lake.dataset import Dataset

T = TypeVar("T")

Item = Mapping[str, Any]
Row = dict[str, Any]

# A collector was seen that had encoded its lists twice; nobody encodes them forever.
_MAX_DECODINGS = 4
_SORTED = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Misfit(ValueError):
    """The object does not fit the dataset's columns; the text says why."""


class Converter:
    """Turns the objects of one dataset into rows; keys it does not know are `extra`."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self.known: dict[str, tuple[str, Callable[[Any], Any], Kind]] = {
            field.key: (field.name, _CONVERT[field.kind], field.kind)
            for field in fields
        }

    def row(self, item: Any, *, without: frozenset[str] = frozenset()) -> Row:
        """Return `item` as a row of column values; null and absent are the same.

        Keys in `without` are left out. Raises Misfit.
        """
        if not isinstance(item, dict):
            raise Misfit(f"not a JSON object but {_shown(item)}")
        row: Row = {}
        extra: Row = {}
        for key, value in item.items():
            if value is None or key in without:
                continue
            known = self.known.get(key)
            if known is None:
                extra[key] = value
                continue
            name, convert, _ = known
            try:
                row[name] = convert(value)
            except (ValueError, OverflowError) as error:
                raise Misfit(f"{key}: {error}") from error
        if extra:
            row["extra"] = compact_json(extra)
        return row


def digest(
    item: Item,
    *,
    without: frozenset[str] = frozenset(),
    more: Mapping[str, Any] | None = None,
) -> str:
    """Return a digest of the object's values; in which order they come is no matter."""
    content = {
        key: item[key]
        for key in sorted(item)  # the encoder's own way to sort costs as much again
        if key not in without and item[key] is not None
    }
    text = _SORTED.encode([content, more])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def compact_json(value: Any) -> str:
    """Return `value` as JSON text without blanks."""
    return _COMPACT.encode(value)


@dataclass(frozen=True)
class Rejected:
    """A row that no Arrow table of the dataset can hold, by its place in the list."""

    place: int
    reason: str


def arrow_table(
    dataset: Dataset, rows: Sequence[Row]
) -> tuple[pa.Table, list[Rejected]]:
    """Return the rows as a table of the dataset's schema, and those that do not fit."""
    return fitting(rows, partial(_table, dataset))


def fitting(
    rows: Sequence[T], table: Callable[[Sequence[T]], pa.Table]
) -> tuple[pa.Table, list[Rejected]]:
    """Return what `table` makes of the rows that it can hold, and the others."""
    try:
        return table(rows), []
    except (pa.ArrowException, ValueError, OverflowError, TypeError):
        fit: list[T] = []
        rejected: list[Rejected] = []
        for place, row in enumerate(rows):  # text that is no UTF-8, most likely
            try:
                table([row])
            except (pa.ArrowException, ValueError, OverflowError, TypeError) as error:
                rejected.append(Rejected(place, str(error)))
            else:
                fit.append(row)
        return table(fit), rejected


def _table(dataset: Dataset, rows: Sequence[Row]) -> pa.Table:
    schema = dataset.schema
    return pa.Table.from_arrays(
        [pa.array([row.get(f.name) for row in rows], f.type) for f in schema],
        schema=schema,
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(value)
    raise ValueError(f"text expected, not {_shown(value)}")


def _number(value: Any) -> float | None:
    if isinstance(value, str) and not value.strip():
        return None
    is_text = isinstance(value, str) and "_" not in value
    number = finite(float(value) if is_text else value)
    if number is None:
        raise ValueError(f"a number expected, not {_shown(value)}")
    return number


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"true or false expected, not {_shown(value)}")


def as_json(value: Any) -> str | None:
    """Decode JSON inside strings, however often, and return it as one compact text."""
    for _ in range(_MAX_DECODINGS):
        if not isinstance(value, str):
            break
        if not value.strip():
            return None
        try:
            value = json.loads(value)
        except ValueError:  # plain words: kept as they are, as a JSON string
            break
    return None if value is None else compact_json(value)


def _shown(value: Any) -> str:
    return compact_json(value)[:80]


_CONVERT: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.JSON: as_json,
}
