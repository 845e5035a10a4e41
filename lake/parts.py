"""Cut what landed into parts that fit in memory, each of days that follow another.

Parts come in the order of days. No two rows of one market and second are ever in
different parts, so each part can be judged by itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import polars as pl
import pyarrow as pa

from lake.dataset import Dataset
from lake.encoding import compact, dictionary, joined, lower_hex, series

DAY = 86_400
_HOUR = 3_600
_PLACE = ["day", "group", "since"]
_HOURS = {"group": pl.Categorical, "since": pl.Int64}
_COUNTS_AT_ONCE = 100_000


class Source(Protocol):
    """Reads rows, the same each time; of `columns` alone where no others count."""

    def __call__(self, columns: Sequence[str] | None = None) -> pa.Table: ...


@dataclass(frozen=True)
class Part:
    """Rows in one chunk, not sorted, and the days since 1970 that they are of."""

    rows: pa.Table
    day: pl.Series


def parts(
    dataset: Dataset,
    sources: Sequence[Source],
    *,
    rows: int,
    most: int,
    most_bytes: int,
    scratch: Path,
) -> Iterator[Part]:
    """Yield the rows of all sources, at most `rows`, in parts of at most `most`.

    Where rows are large, about `most_bytes` make a part; a second of one group is never
    cut. A single source is read whole, so it should be a fraction of a part. If there
    is more than one part, rows wait on disk in `scratch`, which is removed at the end.
    """
    if len(sources) > 1:
        most = min(most, _rows_within(most_bytes, sources))
    if rows <= most:
        yield from _part(dataset, [source() for source in sources])
        return
    plan = _plan(dataset, sources, most)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        for number, source in enumerate(sources):
            _spill(_placed(dataset, source(), plan.heavy), plan, scratch, number)
        for folder in sorted(scratch.iterdir()):
            yield from _part(
                dataset, [_read(path) for path in sorted(folder.iterdir())]
            )
            shutil.rmtree(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _rows_within(size: int, sources: Sequence[Source]) -> int:
    """How many rows take so many bytes, by the first source that has any."""
    for source in sources:
        rows = source()
        if rows.num_rows:
            return max(int(size * rows.num_rows // rows.nbytes), 1)
    return 1


def day_of(dataset: Dataset, rows: pa.Table) -> pl.Series:
    """Return each row's day, in days since 1970 (UTC)."""
    return (_seconds(dataset, rows) // DAY).cast(pl.Int32).alias("day")


def _seconds(dataset: Dataset, rows: pa.Table) -> pl.Series:
    column = series(rows[dataset.day_of])
    return column if column.dtype == pl.Int64 else column.dt.epoch("s")


def _part(dataset: Dataset, tables: list[pa.Table]) -> list[Part]:
    """The rows as a part, if there are any; nothing else is left of the tables."""
    tables = [table for table in tables if table.num_rows]
    if not tables:
        return []
    rows = joined(tables)
    return [Part(rows, day_of(dataset, rows))]


@dataclass(frozen=True)
class _Placed:
    """Rows, and the place of each: its day, and on heavy days its group and hour.

    Of heavy hours its second, too; `since` is when the hour or second begins.
    """

    rows: pa.Table
    place: pl.DataFrame


@dataclass(frozen=True)
class _Heavy:
    """Days with more rows than a part may have, and such hours of a group."""

    days: pl.Series
    hours: pl.DataFrame


@dataclass(frozen=True)
class _Plan:
    """The part of each place."""

    heavy: _Heavy
    part_of: pl.DataFrame


_NOTHING_HEAVY = _Heavy(pl.Series("day", [], pl.Int32), pl.DataFrame(schema=_HOURS))


def _placed(dataset: Dataset, rows: pa.Table, heavy: _Heavy) -> _Placed:
    place = pl.DataFrame({"day": day_of(dataset, rows)})
    if heavy.days.is_empty():
        nothing = {name: pl.lit(None, kind) for name, kind in _HOURS.items()}
        return _Placed(rows, place.with_columns(**nothing))
    here = pl.col("day").is_in(heavy.days.implode())
    second = _seconds(dataset, rows)
    place = place.with_columns(
        group=_groups(rows[_group(dataset)]), since=second // _HOUR * _HOUR
    ).with_columns(pl.when(here).then(pl.col(_HOURS)))
    if not heavy.hours.is_empty():
        is_heavy = place.join(
            heavy.hours.with_columns(is_heavy=True),
            on=[*_HOURS],
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )["is_heavy"]
        place = place.with_columns(second=second, is_heavy=is_heavy).select(
            "day", "group", since=pl.when("is_heavy").then("second").otherwise("since")
        )
    return _Placed(rows, place)


def _groups(column: pa.ChunkedArray) -> pl.Series:
    """Each row's group, as a number that polars keeps for its text.

    Not as text: those of polars point into the memory in which Arrow had read them, so
    a single row that is kept would keep all that came with it.
    """
    codes, texts = dictionary(column)
    names = series(lower_hex(texts.cast(pa.string()))).cast(pl.Categorical)
    return names.gather(series(codes))


def _group(dataset: Dataset) -> str:
    """The column by which a heavy day is cut: rows of one market stay together."""
    return dataset.sort_by[0] if dataset.chain is None else dataset.chain.group


def _plan(dataset: Dataset, sources: Sequence[Source], most: int) -> _Plan:
    """Find the part of each place.

    A part has places that follow one another, with at most `most` rows; but a second
    of a group that has more is a part of its own.
    """
    heavy = _NOTHING_HEAVY
    counts = _counts(dataset, sources, heavy)
    days = counts.filter(pl.col("rows") > most)["day"]
    if len(days):
        heavy = replace(heavy, days=days)
        counts = _counts(dataset, sources, heavy)
        hours = counts.filter(pl.col("rows") > most).select(*_HOURS)
        if len(hours):
            heavy = replace(heavy, hours=hours)
            counts = _counts(dataset, sources, heavy)
    counts = counts.sort(_PLACE)
    numbers = pl.Series("part", _in_parts(counts["rows"], most), pl.Int64)
    return _Plan(heavy, counts.select(*_PLACE, numbers))


def _in_parts(counts: Iterable[int], most: int) -> Iterator[int]:
    """Number the parts of places of so many rows: as many of them as fit in each."""
    part = rows = 0
    for count in counts:
        if rows and rows + count > most:
            part += 1
            rows = 0
        rows += count
        yield part


def _counts(dataset: Dataset, sources: Sequence[Source], heavy: _Heavy) -> pl.DataFrame:
    """How many rows each place has."""
    columns = [dataset.day_of, _group(dataset)]
    counts: list[pl.DataFrame] = []
    for source in sources:
        place = _placed(dataset, source(columns), heavy).place
        counts.append(place.group_by(_PLACE).agg(rows=pl.len().cast(pl.Int64)))
        if sum(map(len, counts)) > max(_COUNTS_AT_ONCE, 2 * len(counts[0])):
            counts = [_summed(counts)]
    return _summed(counts)


def _summed(counts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(counts).group_by(_PLACE).agg(pl.col("rows").sum())


def _spill(placed: _Placed, plan: _Plan, scratch: Path, number: int) -> None:
    order = (
        placed.place.with_row_index("row")
        .join(plan.part_of, on=_PLACE, how="left", nulls_equal=True)
        .sort("part", "row")
    )
    rows = joined([placed.rows.take(order["row"].to_arrow())])
    start = 0
    for part, size in order.group_by("part", maintain_order=True).len().iter_rows():
        folder = scratch / f"{part:06d}"
        folder.mkdir(exist_ok=True)
        piece = compact(rows.slice(start, size))
        with pa.ipc.new_file(folder / f"{number:06d}.arrow", piece.schema) as file:
            file.write_table(piece)
        start += size


def _read(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
