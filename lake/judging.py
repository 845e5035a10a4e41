"""Judge the rows of one fold against bronze, and report what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

import polars as pl
import pyarrow as pa

from lake.batch import Progress
from lake.coding import Coding
from lake.confirm import (
    PAIR,
    WALK_PAIR,
    absent,
    judged,
    newly_spoken_for,
    ranges,
    scopes,
    spoken_for,
)
from lake.dataset import Dataset
from lake.encoding import coded, frame, joined, one_chunk, series
from lake.held import Held, Wanted
from lake.parts import DAY, Part
from lake.walks import WALKS

Types = dict[str, type[pl.DataType]]
Hulls = Callable[[str, pl.Series], pl.DataFrame]
"""Of a dataset, for groups: `group, oldest, newest`, outside of which bronze has no
rows of the group. A group that it has no rows of may be left out."""


class Judging:
    """The judging of one fold, to which parts come in the order of their days."""

    def __init__(
        self,
        dataset: Dataset,
        held: Held,
        hulls: Hulls,
        *,
        before: Mapping[str, Progress],
        now: Mapping[str, Progress],
    ) -> None:
        assert dataset.chain is not None
        self._dataset = dataset
        self._chain = dataset.chain
        self._held = held
        self._hulls = hulls
        self._whole = ranges(
            stretch for record in now.values() if (stretch := spoken_for(record))
        )
        self._narrow, self._wide = scopes(
            stretch
            for walk_id, record in now.items()
            if (stretch := newly_spoken_for(before.get(walk_id), record))
        )
        near = self._narrow.join(self._hull(self._narrow["group"]), on="group")
        self._wanted = Wanted(
            near.select(
                "group",
                low=pl.max_horizontal("low", "oldest"),
                high=pl.min_horizontal("high", "newest"),
            ).filter(pl.col("low") <= pl.col("high")),
            self._wide,
        )
        self._watched = self._wanted.near.select("group").unique()
        self._pairs: dict[int, list[pl.DataFrame]] = {}
        self._days = set() if self._wanted.nothing else set(self._held.days)
        self._served: list[pl.DataFrame] = []
        self._confirmed: list[pl.DataFrame] = []
        self._absent: list[pl.DataFrame] = []

    def stored(self, part: Part) -> Part:
        """Return the part without the rows that bronze holds already."""
        keys, walks, names = self._keys(part)
        served = keys.group_by("walk", "name").agg(
            served=pl.len(), oldest=pl.col("clock").min(), newest=pl.col("clock").max()
        )
        served = served.with_columns(
            pl.lit(walks).gather("walk").alias("walk_id"),
            pl.lit(names).gather("name").alias("group"),
        )
        self._served.append(
            served.select("walk_id", "group", "served", "oldest", "newest")
        )
        self._watch(part, keys, served, walks, names)
        contested = self._contested(keys, served)
        if contested.is_empty():
            return part
        coding = Coding(part.rows.take(contested.to_arrow()), self._chain)
        verdicts = judged(
            coding.rows,
            self._like(coding, part),
            coding.texts("walk_id")
            .join(self._whole, left_on="text", right_on="walk_id")
            .drop("text"),
        )
        known = verdicts.filter("confirmed").select(WALK_PAIR)
        gone = coding.rows.with_columns(row=contested).join(
            known, on=WALK_PAIR, how="semi"
        )
        self._confirmed.append(_confirmed(coding, gone.drop("row")))
        kept = (
            pl.DataFrame({"row": pl.arange(len(keys), dtype=pl.UInt32, eager=True)})
            .join(gone.select("row"), on="row", how="anti")
            .to_series()
            .sort()
        )
        return Part(part.rows.take(kept.to_arrow()), part.day.gather(kept))

    def report(self, now: float) -> pa.Table:
        """Return the rows of `walks` that say what was stored, confirmed and absent."""
        self._settle(None)
        counts: Types = {"served": pl.UInt32, "oldest": pl.Int64, "newest": pl.Int64}
        by: Types = {"walk_id": pl.String, "group": pl.String}
        served = (
            pl.concat([pl.DataFrame(schema=by | counts), *self._served])
            .group_by(*by)
            .agg(pl.col("served").sum(), pl.col("oldest").min(), pl.col("newest").max())
        )
        sums: Types = {"confirmed": pl.UInt32, "sum": pl.Int64}
        confirmed = (
            pl.concat([pl.DataFrame(schema=by | sums), *self._confirmed])
            .group_by(*by)
            .agg(pl.col("confirmed").sum(), pl.col("sum").sum())
        )
        folded = (
            served.join(confirmed, on=[*by], how="left")
            .with_columns(pl.col("confirmed").fill_null(0))
            .select(
                kind=pl.lit("folded"),
                walk_id="walk_id",
                key="group",
                rows_stored=pl.col("served").cast(pl.Int64) - pl.col("confirmed"),
                rows_confirmed=pl.col("confirmed").cast(pl.Int64),
                checksum=pl.col("sum").cast(pl.String),
                ts_oldest="oldest",
                ts_newest="newest",
            )
        )
        missed = pl.concat(
            [pl.DataFrame(schema=by | {"clock": pl.Int64}), *self._absent]
        ).select(
            kind=pl.lit("absent"),
            walk_id="walk_id",
            key="group",
            ts_oldest="clock",
            ts_newest="clock",
        )
        rows = pl.concat([folded, missed], how="diagonal").with_columns(
            dataset=pl.lit(self._dataset.name),
            fetched_at=pl.lit(datetime.fromtimestamp(now, UTC)),
        )
        return WALKS.filled(rows.to_arrow())

    def _hull(self, names: pl.Series) -> pl.DataFrame:
        if names.is_empty():
            schema = {"group": pl.String, "oldest": pl.Int64, "newest": pl.Int64}
            return pl.DataFrame(schema=schema)
        return self._hulls(self._dataset.name, names.unique())

    def _keys(self, part: Part) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
        """Each row's walk and group as numbers, and its clock; and both texts."""
        walk, walks = coded(part.rows["walk_id"])
        name, names = coded(part.rows[self._chain.group])
        clock = one_chunk(part.rows[self._chain.clock])
        keys = frame({"walk": walk, "name": name, "clock": clock})
        return keys, series(walks), series(names)

    def _contested(self, keys: pl.DataFrame, served: pl.DataFrame) -> pl.Series:
        """The numbers of rows that bronze, or another walk of this fold, may have."""
        hull = self._hull(served["group"])
        groups = (
            served.group_by("name", "group")
            .agg(several=pl.len() > 1)
            .join(hull, on="group", how="left")
            .filter(pl.col("several") | pl.col("oldest").is_not_null())
        )
        if groups.is_empty():
            return pl.Series("row", [], pl.UInt32)
        inside = pl.col("clock").is_between("oldest", "newest").fill_null(value=False)
        return (
            keys.with_row_index("row")
            .join(groups, on="name")
            .filter(inside | pl.col("several"))
            .sort("row")["row"]
        )

    def _like(self, coding: Coding, part: Part) -> pl.DataFrame:
        """The rows that bronze holds of the same groups and seconds."""
        near = (
            coding.rows.group_by("group")
            .agg(low=pl.col("clock").min(), high=pl.col("clock").max())
            .join(coding.texts("group"), on="group")
            .select("low", "high", group="text")
        )
        wanted = Wanted(near)
        pairs = coding.rows.select(PAIR).unique()
        return pl.concat(
            [
                coding.rows.clear(),
                *(
                    coding.like(joined(found)).join(pairs, on=PAIR, how="semi")
                    for found in _gathered(
                        found
                        for day in part.day.unique().sort()
                        for found in self._held.rows(day, wanted.within(*_seconds(day)))
                    )
                ),
            ]
        )

    def _watch(
        self,
        part: Part,
        keys: pl.DataFrame,
        served: pl.DataFrame,
        walks: pl.Series,
        names: pl.Series,
    ) -> None:
        """Note the seconds of which some walk may have missed the rows."""
        self._settle(int(part.day.sort()[0]))
        crossed = (
            served.join(self._narrow, on="group")
            .filter(pl.col("walk_id") != pl.col("walk_id_right"))
            .select("group")
        )
        watched = served.select("name", "group").join(
            pl.concat([self._watched, crossed]).unique(), on="group", how="semi"
        )
        if watched.is_empty() and not self._wide:
            return
        wanted = pl.col("name").is_in(watched["name"].unique().implode())
        for span in self._wide:
            wanted = wanted | pl.col("clock").is_between(span.low, span.high)
        pairs = keys.with_columns(day=part.day).filter(wanted).unique()
        for (day,), of_day in pairs.partition_by("day", as_dict=True).items():
            self._pairs.setdefault(day, []).append(
                of_day.select(
                    pl.lit(walks).gather("walk").alias("walk_id"),
                    pl.lit(names).gather("name").alias("group"),
                    "clock",
                )
            )

    def _settle(self, before: int | None) -> None:
        """Find what is absent on the days that no more parts will come for."""
        days = {
            day for day in (*self._days, *self._pairs) if before is None or day < before
        }
        served, held = [_NO_PAIRS], [_NO_PAIRS.select(PAIR)]
        for day in sorted(days):
            served += self._pairs.pop(day, [])
            held += self._held.pairs(day, self._wanted.within(*_seconds(day)))
            if sum(map(len, served)) + sum(map(len, held)) > _PAIRS_AT_ONCE:
                self._note_absent(pl.concat(served), held)
                served, held = [_NO_PAIRS], [_NO_PAIRS.select(PAIR)]
        self._note_absent(pl.concat(served), held)
        self._days -= days

    def _note_absent(self, served: pl.DataFrame, held: list[pl.DataFrame]) -> None:
        """Find what is absent on whole days of what came and what bronze has."""
        seen = pl.concat([served.select(PAIR), *held])
        if not seen.is_empty():
            self._absent.append(absent(self._narrow, self._wide, served, seen))


def _gathered(tables: Iterable[pa.Table]) -> Iterator[list[pa.Table]]:
    """Yield the tables in lists of so many rows that each is worth its while."""
    gathered: list[pa.Table] = []
    for table in tables:
        gathered.append(table)
        if sum(one.num_rows for one in gathered) > _ROWS_AT_ONCE:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _confirmed(coding: Coding, rows: pl.DataFrame) -> pl.DataFrame:
    """Return walk_id and group (as texts), how many rows, and their checksum."""
    return (
        rows.group_by("walk_id", "group")
        .agg(confirmed=pl.len())
        .join(coding.checksums(rows), on=["walk_id", "group"])
        .join(coding.texts("walk_id"), on="walk_id")
        .join(coding.texts("group"), on="group", suffix="_of_group")
        .select(walk_id="text", group="text_of_group", confirmed="confirmed", sum="sum")
    )


def hulls_of(walks: pa.Table) -> pl.DataFrame:
    """Return the hulls that `folded` rows of `walks` tell: group, oldest, newest."""
    columns = ("kind", "key", "ts_oldest", "ts_newest")
    return (
        pl.DataFrame({name: series(walks[name]) for name in columns})
        .filter(pl.col("kind") == "folded")
        .group_by(group="key")
        .agg(oldest=pl.col("ts_oldest").min(), newest=pl.col("ts_newest").max())
    )


_ROWS_AT_ONCE = 100_000
_PAIRS_AT_ONCE = 1_000_000
_NO_PAIRS = pl.DataFrame(
    schema={"walk_id": pl.String, "group": pl.String, "clock": pl.Int64}
)


def _seconds(day: int) -> tuple[int, int]:
    return day * DAY, day * DAY + DAY - 1
