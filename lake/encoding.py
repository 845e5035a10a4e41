"""Arrow tables with repeated strings as dictionary codes: half the bytes and time.

From landing to Parquet, a title that repeats a thousand times is stored, sorted and
written as a number. These functions keep that form while tables are joined and cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

_SAMPLE = 2_000
_SHARE = 0.6
_SPARE = 64


def encoded(table: pa.Table) -> pa.Table:
    """Return the table in one chunk, string columns that repeat as dictionaries."""
    table = table.combine_chunks()
    columns = [
        column.dictionary_encode() if _repeats(column) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _repeats(column: pa.ChunkedArray) -> bool:
    if not pa.types.is_string(column.type):
        return False
    sample = column.slice(0, _SAMPLE)
    return bool(pc.count_distinct(sample).as_py() <= _SHARE * max(len(sample), 1))


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Return all rows in one chunk, each dictionary column under one dictionary."""
    if len(tables) == 1:
        return tables[0].unify_dictionaries().combine_chunks()
    names = tables[0].column_names
    coded = {
        name
        for name in names
        if any(pa.types.is_dictionary(table[name].type) for table in tables)
    }
    alike = [
        pa.table(
            [
                column.dictionary_encode()
                if name in coded and not pa.types.is_dictionary(column.type)
                else column
                for name, column in zip(names, table.columns, strict=True)
            ],
            names=names,
        )
        for table in tables
    ]
    return pa.concat_tables(alike).unify_dictionaries().combine_chunks()


def compact(table: pa.Table, *, exactly: bool = False) -> pa.Table:
    """Return the rows with dictionaries of about the values that they use.

    After a cut a dictionary still has the values of all rows, and Parquet would
    write them into every file. A few too many cost less than finding them, unless
    their bytes are what counts: then `exactly` those that are used are left.
    """
    columns = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            array = one_chunk(column)
            if exactly or len(array.dictionary) * _SPARE > len(array):
                codes = array.indices.dictionary_encode()
                array = pa.DictionaryArray.from_arrays(
                    codes.indices, array.dictionary.take(codes.dictionary)
                )
            column = array
        columns.append(column)
    return pa.table(columns, names=table.column_names)


def ranks(column: pa.ChunkedArray) -> pl.Series:
    """Return a column of numbers that are ordered as the values are."""
    if not pa.types.is_dictionary(column.type):
        return series(column)
    array = one_chunk(column)
    rank = series(array.dictionary).rank("ordinal").cast(pl.Int32)
    return rank.gather(series(array.indices))


def coded(column: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Return a text column as numbers, and the texts: `texts[number]`, ascending.

    Hex that differs in case only gets one number.
    """
    numbers, values = dictionary(column)
    values = lower_hex(values)
    texts = values.unique()
    texts = texts.take(pc.array_sort_indices(texts, null_placement="at_start"))
    return pc.index_in(values, value_set=texts).take(numbers), texts


def dictionary(column: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Return a text column as numbers, and the text of each number."""
    array = one_chunk(column)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    return array.indices, array.dictionary


def lower_hex(texts: pa.Array) -> pa.Array:
    """Return texts with those that begin with 0x in lower case."""
    lower = pc.utf8_lower(texts)
    return pc.if_else(pc.starts_with(lower, "0x"), lower, texts)


def series(column: pa.Array | pa.ChunkedArray) -> pl.Series:
    """Return an Arrow column as a polars series, dictionaries decoded."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    converted = pl.from_arrow(column)
    assert isinstance(converted, pl.Series)
    return converted


def frame(columns: pa.Table | Mapping[str, pa.Array]) -> pl.DataFrame:
    """Return Arrow columns as a polars frame."""
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    converted = pl.from_arrow(table)
    assert isinstance(converted, pl.DataFrame)
    return converted


def one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """Return the column as one array."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
