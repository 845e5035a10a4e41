"""Identities of rows as whole numbers, which compare much faster than texts."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from lake.confirm import lower_hex
from lake.dataset import Chain
from lake.encoding import coded, dictionary, series

_UNKNOWN = -1
_DIGITS = 10


class Coding:
    """The identities of some rows, in `rows`: all columns are whole numbers.

    `walk_id`, `group` and other texts are numbers of this coding, hex compared in
    lower case; sizes and prices are millionths.
    """

    def __init__(self, table: pa.Table, chain: Chain) -> None:
        self._chain = chain
        self._texts: dict[str, pl.Series] = {}
        columns = []
        for name, role in _roles(chain).items():
            if _is_text(table.schema.field(name).type):
                numbers, self._texts[role] = coded(table[name], lower_hex)
            else:
                numbers = _whole(series(table[name]))
            columns.append(numbers.alias(role))
        self.rows = pl.DataFrame(columns)
        self._walks = {walk_id: n for n, walk_id in enumerate(self._texts["walk_id"])}

    def texts(self, column: str) -> pl.DataFrame:
        """Return the numbers of a column, and the `text` of each."""
        return (
            self._texts[column]
            .alias("text")
            .to_frame()
            .select(pl.int_range(pl.len(), dtype=pl.Int32).alias(column), "text")
        )

    def like(self, table: pa.Table) -> pl.DataFrame:
        """Return other rows in this coding.

        A text that the coded rows do not have is -1: it equals none of theirs. Only
        walks that are not among theirs are still told apart.
        """
        columns = []
        for name, role in _roles(self._chain).items():
            if not _is_text(table.schema.field(name).type):
                numbers = _whole(series(table[name]))
            else:
                places, texts = dictionary(table[name])
                numbers = self._numbers(role, lower_hex(texts)).gather(places)
            columns.append(numbers.alias(role))
        return pl.DataFrame(columns)

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
                    self._texts[role]
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

    def _numbers(self, role: str, texts: pl.Series) -> pl.Series:
        if role == "walk_id":
            known = self._walks
            numbers = [known.setdefault(text, len(known)) for text in texts]
            return pl.Series(numbers, dtype=pl.Int32)
        return (
            texts.alias("text")
            .to_frame()
            .join(
                self.texts(role),
                on="text",
                how="left",
                nulls_equal=True,
                maintain_order="left",
            )[role]
            .fill_null(_UNKNOWN)
        )


def _roles(chain: Chain) -> dict[str, str]:
    """The columns of an identity, the walk's included, and what they are called."""
    names = {chain.group: "group", chain.clock: "clock"}
    return {name: names.get(name, name) for name in ("walk_id", *chain.identity)}


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))


def _whole(column: pl.Series) -> pl.Series:
    if column.dtype.is_float():
        millionths = (column * 1e6).round(0, mode="half_away_from_zero")
        return millionths.cast(pl.Int64, strict=False)
    return column.cast(pl.Int64)
