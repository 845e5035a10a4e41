"""What bronze holds of some markets and seconds, read from as few bytes as possible."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.confirm import Stretch
from lake.dataset import Dataset
from lake.delta_log import LiveFile
from lake.encoding import dictionary, frame, lower_hex, one_chunk
from lake.storage import LocalStorage
from lake.unreadable import reading

_EPOCH = date(1970, 1, 1)
_PAIRS = pa.schema({"group": pa.string(), "clock": pa.int64()})


@dataclass(frozen=True)
class Wanted:
    """Rows to look for: of each group of `near`, which has a row a group, from `low`
    to `high`, and of every group in the seconds of `spans`."""

    near: pl.DataFrame
    spans: Sequence[Stretch] = ()

    def within(self, low: int, high: int) -> Wanted:
        """The part of it that lies in these seconds."""
        return Wanted(
            self.near.filter((pl.col("low") <= high) & (pl.col("high") >= low)),
            [span for span in self.spans if span.low <= high and span.high >= low],
        )

    @property
    def nothing(self) -> bool:
        return self.near.is_empty() and not self.spans

    def bounds(self) -> tuple[int, int]:
        """The oldest and the newest second of all that is wanted."""
        lows: list[Any] = [self.near["low"].min(), *(s.low for s in self.spans)]
        highs: list[Any] = [self.near["high"].max(), *(s.high for s in self.spans)]
        return (
            min(low for low in lows if low is not None),
            max(high for high in highs if high is not None),
        )


class Held:
    """The live rows of a chain dataset."""

    def __init__(
        self, storage: LocalStorage, dataset: Dataset, files: Iterable[LiveFile]
    ) -> None:
        assert dataset.chain is not None
        self._storage = storage
        self._dataset = dataset
        self._chain = dataset.chain
        self._texts = [
            field.name
            for field in dataset.schema
            if field.name in ("walk_id", *self._chain.identity)
            and pa.types.is_string(field.type)
        ]
        self._files: dict[int, list[LiveFile]] = {}
        for file in files:
            day = (date.fromisoformat(file.day) - _EPOCH).days
            self._files.setdefault(day, []).append(file)

    @property
    def days(self) -> list[int]:
        """The days, since 1970, that have live files; ascending."""
        return sorted(self._files)

    def rows(self, day: int, wanted: Wanted) -> Iterator[pa.Table]:
        """Yield the wanted rows of a day: walk_id and identity."""
        for file, number, wished, _ in self._matches(day, wanted):
            columns = ["walk_id", *self._chain.identity]
            with reading(self._storage.path(self._dataset.name)):
                rows = file.read_row_group(number, columns=columns)
            yield rows.filter(wished)

    def pairs(self, day: int, wanted: Wanted) -> Iterator[pl.DataFrame]:
        """Yield the wanted groups and clocks of a day, each once a row group."""
        for _, _, wished, light in self._matches(day, wanted):
            codes, texts = dictionary(light[self._chain.group])
            group = pa.DictionaryArray.from_arrays(codes, lower_hex(texts))
            columns = [group, light[self._chain.clock]]
            pairs = pa.table(columns, names=["group", "clock"]).filter(wished)
            pairs = pairs.group_by(["group", "clock"]).aggregate([])
            yield frame(pairs.cast(_PAIRS))

    def _matches(
        self, day: int, wanted: Wanted
    ) -> Iterator[tuple[pq.ParquetFile, int, pa.Array, pa.Table]]:
        """Yield row groups with wanted rows, which rows, and their group and clock."""
        if wanted.nothing or day not in self._files:
            return
        low, high = wanted.bounds()
        near = wanted.near.sort("group").to_arrow()
        names = near["group"].to_pylist()
        for live in self._files[day]:
            if not live.may_hold(self._chain.clock, low, high):
                continue
            if not wanted.spans and not live.may_hold(
                self._chain.group, names[0], names[-1]
            ):
                continue
            name = f"{self._dataset.name}/{live.name}"
            with (
                reading(self._storage.path(name)),
                self._storage.open(name) as source,
            ):
                file = pq.ParquetFile(source, read_dictionary=self._texts)
                for number in range(file.num_row_groups):
                    bounds = _bounds(file, number, self._chain.group)
                    if not wanted.spans and not _any_between(names, bounds):
                        continue
                    columns = [self._chain.group, self._chain.clock]
                    light = file.read_row_group(number, columns=columns)
                    wished = self._wished(light, near, wanted.spans)
                    if pc.any(wished).as_py():
                        yield file, number, wished, light

    def _wished(
        self, light: pa.Table, near: pa.Table, spans: Sequence[Stretch]
    ) -> pa.Array:
        """Which rows are wanted; in Arrow, for most row groups are small."""
        codes, texts = dictionary(light[self._chain.group])
        clock = one_chunk(light[self._chain.clock])
        groups = one_chunk(near["group"])
        place = pc.index_in(lower_hex(texts), value_set=groups).take(codes)
        limits = (one_chunk(near[name]).take(place) for name in ("low", "high"))
        inside = pc.fill_null(_between(clock, *limits), False)
        for span in spans:
            of_span = pc.fill_null(_between(clock, span.low, span.high), False)
            inside = pc.or_(inside, of_span)
        return inside


def _between(clock: pa.Array, low: pa.Array | int, high: pa.Array | int) -> pa.Array:
    return pc.and_(pc.greater_equal(clock, low), pc.less_equal(clock, high))


def _bounds(file: pq.ParquetFile, number: int, column: str) -> tuple[str, str] | None:
    place = file.schema_arrow.names.index(column)
    statistics = file.metadata.row_group(number).column(place).statistics
    if statistics is None or not statistics.has_min_max:
        return None
    return statistics.min, statistics.max


def _any_between(names: Sequence[str], bounds: tuple[str, str] | None) -> bool:
    if bounds is None:
        return True
    place = bisect_left(names, bounds[0])
    return place < len(names) and names[place] <= bounds[1]
