"""What a bronze dataset is: columns, day, order, and what tells rows apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

STRING = pa.string()
BOOL = pa.bool_()
INT32 = pa.int32()
INT64 = pa.int64()
DOUBLE = pa.float64()
TIMESTAMP = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Column:
    """One bronze column; `about` is its line in the data dictionary, unit included."""

    name: str
    type: pa.DataType
    about: str


@dataclass(frozen=True)
class Chain:
    """How the rows of a cursor-walked dataset are told apart.

    `clock` is an int64 column of unix seconds, `group` the column of the market, and
    `identity` every column (both of these included) that never changes after the fact.
    Rows with equal identity are real and are counted, see docs/architecture.md.
    """

    clock: str
    group: str
    identity: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """One bronze dataset: `data/<name>/dt=YYYY-MM-DD/*.parquet`.

    `day_of` names the column that gives `dt`: an int64 of unix seconds, or a UTC
    timestamp. `sort_by` is the order of rows inside a file.

    `plain` are numbers that repeat in long stretches: zstd alone stores those in less
    than codes take. Rows that are `dense` come to a byte or two each, so it is worth
    some CPU to find the last of them.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    day_of: str
    sort_by: tuple[str, ...]
    chain: Chain | None = None
    plain: tuple[str, ...] = ()
    dense: bool = False

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of a file, lineage columns included, `dt` left out."""
        return pa.schema([pa.field(c.name, c.type) for c in self.columns])

    def filled(self, table: pa.Table) -> pa.Table:
        """Return the rows in the schema; columns they lack are null."""
        return pa.table(
            [
                table[field.name].cast(field.type)
                if field.name in table.column_names
                else pa.nulls(table.num_rows, field.type)
                for field in self.schema
            ],
            schema=self.schema,
        )


LINEAGE = (
    Column("fetched_at", TIMESTAMP, "when the answer with this row arrived (UTC)"),
    Column("walk_id", STRING, "the unbroken chain of requests that brought the row"),
    Column("page_no", INT32, "page of that walk, from 0"),
    Column("row_no", INT32, "row of that page, from 0"),
    Column("extra", STRING, "JSON object of keys this version did not know; else null"),
)
