"""Cut what landed into parts that fit in memory, each of days that follow another.

Parts come in the order of days. No two rows of one market and second are ever in
different parts, so each part can be judged by itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from lake.dataset import Dataset
from lake.encoding import compact, joined, series

Read = Callable[[], pa.Table]

DAY = 86_400
_HOUR = 3_600


@dataclass(frozen=True)
class Part:
    """Rows in one chunk, not sorted, and the days since 1970 that they are of."""

    rows: pa.Table
    day: pl.Series


def parts(
    dataset: Dataset, sources: Sequence[Read], *, most: int, scratch: Path
) -> Iterator[Part]:
    """Yield the rows of all sources in parts of about `most` rows.

    A single source is read whole, so it should be a fraction of `most`. If there is
    more than one part, rows wait on disk in `scratch`, which is removed at the end.
    """
    counts = pl.concat([_counted(dataset, source()) for source in sources])
    if counts["rows"].sum() <= most:
        yield from _part(dataset, [source() for source in sources])
        return
    plan = _plan(counts, most)
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        for number, source in enumerate(sources):
            _spill(dataset, source(), plan, scratch, number)
        for folder in sorted(scratch.iterdir()):
            yield from _part(
                dataset, [_read(path) for path in sorted(folder.iterdir())]
            )
            shutil.rmtree(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def day_of(dataset: Dataset, rows: pa.Table) -> pl.Series:
    """Return each row's day, in days since 1970 (UTC)."""
    column = series(rows[dataset.day_of])
    if column.dtype == pl.Int64:
        return (column // DAY).cast(pl.Int32).alias("day")
    return column.dt.date().cast(pl.Int32).alias("day")


def _part(dataset: Dataset, tables: list[pa.Table]) -> Iterator[Part]:
    tables = [table for table in tables if table.num_rows]
    if tables:
        rows = joined(tables)
        yield Part(rows, day_of(dataset, rows))


def _place(dataset: Dataset, rows: pa.Table) -> pl.DataFrame:
    """Where each row belongs: its day, and within it its market and hour."""
    place = pl.DataFrame({"day": day_of(dataset, rows)})
    if dataset.chain is None:
        return place.with_columns(group=pl.lit(""), hour=pl.lit(0, pl.Int64))
    return place.with_columns(
        group=series(rows[dataset.chain.group]).str.to_lowercase(),
        hour=series(rows[dataset.chain.clock]) // _HOUR,
    )


def _counted(dataset: Dataset, rows: pa.Table) -> pl.DataFrame:
    return _place(dataset, rows).group_by("day", "group", "hour").agg(rows=pl.len())


def _plan(counts: pl.DataFrame, most: int) -> pl.DataFrame:
    """Number the parts so that each has about `most` rows of neighbouring places."""
    return (
        counts.group_by("day", "group", "hour")
        .agg(pl.col("rows").sum().cast(pl.Int64))
        .sort("day", "group", "hour")
        .with_columns(part=(pl.col("rows").cum_sum() - 1) // most)
        .drop("rows")
    )


def _spill(
    dataset: Dataset, rows: pa.Table, plan: pl.DataFrame, scratch: Path, number: int
) -> None:
    placed = _place(dataset, rows).join(
        plan, on=["day", "group", "hour"], how="left", maintain_order="left"
    )
    order = placed.select("part").with_row_index("row").sort("part", "row")
    rows = rows.take(order["row"].to_arrow())
    start = 0
    for part, size in order.group_by("part", maintain_order=True).len().iter_rows():
        folder = scratch / f"{part:06d}"
        folder.mkdir(parents=True, exist_ok=True)
        piece = compact(joined([rows.slice(start, size)]))
        with pa.ipc.new_file(folder / f"{number:06d}.arrow", piece.schema) as file:
            file.write_table(piece)
        start += size


def _read(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
