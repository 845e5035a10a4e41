"""Rows that wait for the next fold: an unfinished chain's oldest second."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from lake.batch import Progress
from lake.dataset import Dataset
from lake.encoding import joined, series


class Waiting:
    """Holds back the rows of each unfinished chain's oldest second.

    More rows of that second may follow. Folded apart from them, two equal rows would
    each be the first of their kind, and one would be lost.
    """

    def __init__(self, dataset: Dataset, progress: Mapping[str, Progress]) -> None:
        self.walks = {
            walk_id: record
            for walk_id, record in progress.items()
            if dataset.chain is not None and not record.ended
        }
        self._dataset = dataset
        self._reached = pl.DataFrame(
            [(walk_id, record.reached) for walk_id, record in self.walks.items()],
            schema={"walk_id": pl.String, "reached": pl.Int64},
            orient="row",
        )
        self._kept: dict[str, pa.Table] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that tell which rows wait."""
        chain = self._dataset.chain
        return () if chain is None else ("walk_id", chain.clock)

    def without(self, name: str, rows: pa.Table) -> pa.Table:
        """Keep those rows of the file `name` that wait, and return the others.

        Of a file that is read again, the last reading counts.
        """
        if self._reached.is_empty() or self._dataset.chain is None or not rows.num_rows:
            return rows
        waits = (
            pl.DataFrame(
                {
                    "walk_id": series(rows["walk_id"]),
                    "clock": series(rows[self._dataset.chain.clock]),
                }
            )
            .join(self._reached, on="walk_id", how="left", maintain_order="left")
            .select((pl.col("clock") <= pl.col("reached")).fill_null(value=False))
            .to_series()
        )
        self._kept[name] = rows.filter(waits.to_arrow())
        return rows.filter((~waits).to_arrow())

    @property
    def count(self) -> int:
        """How many rows wait; known once all files were read."""
        return sum(rows.num_rows for rows in self._kept.values())

    def rows(self) -> pa.Table:
        """The rows that wait."""
        tables = [rows for rows in self._kept.values() if rows.num_rows]
        return joined(tables) if tables else self._dataset.schema.empty_table()
