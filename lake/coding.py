"""Identities of rows as whole numbers, which compare much faster than texts."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from lake.dataset import Chain
from lake.encoding import coded, dictionary, frame, lower_hex, one_chunk, series

_UNKNOWN = -1
_DIGITS = 10


class Coding:
    """The identities of some rows, in `rows`: all columns are whole numbers.

    `walk_id`, `group` and other texts are numbers of this coding, hex compared in
    lower case; sizes and prices are millionths.
    """

    def __init__(self, table: pa.Table, chain: Chain) -> None:
        self._chain = chain
        self._texts: dict[str, pa.Array] = {}
        columns = {}
        for name, role in _roles(chain).items():
            if _is_text(table.schema.field(name).type):
                columns[role], self._texts[role] = coded(table[name])
            else:
                columns[role] = one_chunk(table[name])
        self._numbers = columns.keys() - self._texts.keys()
        self.rows = _whole(frame(columns), self._numbers)
        walks = self._texts["walk_id"].to_pylist()
        self._walks = {walk_id: n for n, walk_id in enumerate(walks)}

    def texts(self, column: str) -> pl.DataFrame:
        """Return the numbers of a column, and the `text` of each."""
        return frame({"text": self._texts[column]}).select(
            pl.int_range(pl.len(), dtype=pl.Int32).alias(column), "text"
        )

    def like(self, table: pa.Table) -> pl.DataFrame:
        """Return other rows in this coding.

        A text that the coded rows do not have is -1: it equals none of theirs. Only
        walks that are not among theirs are still told apart.
        """
        columns = {}
        for name, role in _roles(self._chain).items():
            if _is_text(table.schema.field(name).type):
                codes, texts = dictionary(table[name])
                columns[role] = self._codes(role, lower_hex(texts)).take(codes)
            else:
                columns[role] = one_chunk(table[name])
        return _whole(frame(columns), self._numbers)

    def checksums(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return walk_id, group and the checksum of the walk's rows of the group.

        The sum over all rows and columns of the identity: of a number its value (of
        sizes and prices millionths), of a text its last ten characters read as a
        hexadecimal number, if they are one. It does not depend on the order, and
        any SQL engine can compute it.
        """
        total = pl.lit(0, pl.Int64)
        for role in rows.columns:
            if role == "walk_id":
                continue
            value = pl.col(role)
            if role in self._texts:
                tails = (
                    series(self._texts[role])
                    .str.slice(-_DIGITS)
                    .str.to_integer(base=16, dtype=pl.Int64, strict=False)
                )
                value = pl.lit(tails.fill_null(0)).gather(pl.col(role))
            total = total + value.fill_null(0)
        return (
            rows.select("walk_id", "group", sum=total)
            .group_by("walk_id", "group")
            .agg(pl.col("sum").sum())
        )

    def _codes(self, role: str, texts: pa.Array) -> pa.Array:
        if role == "walk_id":
            known = self._walks
            numbers = [known.setdefault(text, len(known)) for text in texts.to_pylist()]
            return pa.array(numbers, pa.int32())
        found = pc.index_in(texts, value_set=self._texts[role])
        return pc.fill_null(found, _UNKNOWN)


def _roles(chain: Chain) -> dict[str, str]:
    """The columns of an identity, the walk's included, and what they are called."""
    names = {chain.group: "group", chain.clock: "clock"}
    return {name: names.get(name, name) for name in ("walk_id", *chain.identity)}


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))


def _whole(rows: pl.DataFrame, numbers: Iterable[str]) -> pl.DataFrame:
    """Return these columns as whole numbers: sizes and prices as millionths."""
    return rows.with_columns(
        (
            (pl.col(name) * 1e6).round(0, mode="half_away_from_zero")
            if rows.schema[name].is_float()
            else pl.col(name)
        ).cast(pl.Int64, strict=not rows.schema[name].is_float())
        for name in numbers
    )
