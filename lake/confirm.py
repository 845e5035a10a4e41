"""Which of the rows that walks brought does bronze hold already? Pure functions.

Rows are told apart by their identity, and equal rows are counted: how often a row
really happened is the greatest count that any one walk saw. A walk's rows of one
market and second are therefore judged together. If bronze has as many of each, storing
them would add nothing, and they count as confirmed; else all of them are stored, so
that bronze says what that walk saw of that second.

Frames here have the columns `walk_id`, `group`, `clock` and those of the identity.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from lake.batch import EVERYTHING, Progress
from lake.walk_id import speaks_for_whole_seconds

PAIR = ["group", "clock"]
WALK_PAIR = ["walk_id", *PAIR]


@dataclass(frozen=True)
class Stretch:
    """Seconds, both ends included, of which a walk saw every row of its scope."""

    walk_id: str
    scope: tuple[str, ...]
    low: int
    high: int


def spoken_for(record: Progress) -> Stretch | None:
    """Return all seconds that the walk speaks for as a whole by now, if any."""
    if not speaks_for_whole_seconds(record.walk_id) or record.top is None:
        return None
    if record.ended and record.complete_to is not None:
        low = record.complete_to
    elif record.reached is not None:
        low = record.reached + 1
    else:
        return None
    if not record.scope or low > record.top:
        return None
    scope = tuple(
        lower if (lower := name.lower()).startswith("0x") else name
        for name in record.scope
    )
    return Stretch(record.walk_id, scope, low, record.top)


def newly_spoken_for(before: Progress | None, now: Progress) -> Stretch | None:
    """Return the seconds that the walk speaks for now and did not at `before`."""
    stretch = spoken_for(now)
    if stretch is None or before is None or before.reached is None:
        return stretch
    high = min(stretch.high, before.reached)
    if stretch.low > high:
        return None
    return Stretch(stretch.walk_id, stretch.scope, stretch.low, high)


def most_seen(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each identity with the greatest count that one walk saw, `most`."""
    identity = [name for name in rows.columns if name != "walk_id"]
    return (
        rows.group_by(rows.columns)
        .agg(most=pl.len())
        .group_by(identity)
        .agg(pl.col("most").max())
    )


def judged(
    served: pl.DataFrame, held: pl.DataFrame, whole: pl.DataFrame
) -> pl.DataFrame:
    """Return each walk, group and clock of `served`, and whether it is `confirmed`.

    `held` are the rows of these groups and seconds that bronze has. The walks are
    taken in the order of their ids, each judged against bronze and those before it.
    `whole` says for which seconds a walk speaks (walk_id, low, high). Elsewhere, to
    have seen no more than is held is enough: what the walk lacks proves nothing. A
    second of which bronze has rows of the same walk is never confirmed: its rows add
    up to more than these.
    """
    identity = [name for name in served.columns if name != "walk_id"]
    counts = served.group_by(served.columns).agg(seen=pl.len())
    turns = (
        counts.select(WALK_PAIR)
        .unique()
        .with_columns(turn=pl.col("walk_id").rank("dense").over(PAIR))
        .join(whole, on="walk_id", how="left")
        .with_columns(
            whole=pl.col("clock").is_between("low", "high").fill_null(value=False)
        )
        .drop("low", "high")
        .join(
            held.select(WALK_PAIR).unique().with_columns(again=True),
            on=WALK_PAIR,
            how="left",
        )
    )
    counts = counts.join(turns, on=WALK_PAIR)
    before = held.group_by(served.columns).agg(had=pl.len())
    most = most_seen(held)
    totals = _totals(most)
    verdicts = []
    turn_by_turn = counts.partition_by("turn", as_dict=True)
    for turn in sorted(turn_by_turn):
        now = turn_by_turn.pop(turn)
        verdict = (
            now.join(most, on=identity, how="left", nulls_equal=True)
            .group_by([*WALK_PAIR, "whole", "again"])
            .agg(
                inside=(pl.col("seen") <= pl.col("most").fill_null(0)).all(),
                seen=pl.col("seen").sum(),
            )
            .join(totals, on=PAIR, how="left")
            .select(
                *WALK_PAIR,
                confirmed=pl.col("inside")
                & pl.col("again").is_null()
                & (~pl.col("whole") | (pl.col("seen") == pl.col("total"))).fill_null(
                    value=False
                ),
            )
        )
        stored = now.join(
            verdict.filter(~pl.col("confirmed")), on=WALK_PAIR, how="semi"
        )
        verdicts.append(verdict)
        if stored.is_empty():
            continue
        most = (
            pl.concat(
                [
                    most,
                    stored.join(
                        before, on=served.columns, how="left", nulls_equal=True
                    ).select(
                        *identity, most=pl.col("seen") + pl.col("had").fill_null(0)
                    ),
                ]
            )
            .group_by(identity)
            .agg(pl.col("most").max())
        )
        totals = _totals(most)
    return pl.concat([turns.clear().select(*WALK_PAIR, confirmed="whole"), *verdicts])


def _totals(most: pl.DataFrame) -> pl.DataFrame:
    return most.group_by(PAIR).agg(total=pl.col("most").sum())


def absent(
    narrow: pl.DataFrame,
    wide: Iterable[Stretch],
    served: pl.DataFrame,
    held: pl.DataFrame,
) -> pl.DataFrame:
    """Return walk, group and clock where a walk saw no row, but `held` has some.

    `narrow` and `wide` are stretches as `scopes` gives them, `served` the walks, groups
    and clocks that rows came for, `held` the groups and clocks that bronze has.
    """
    held = held.select(PAIR).unique()
    near = held.join(narrow, on="group").filter(
        pl.col("clock").is_between("low", "high")
    )
    far = [
        held.filter(pl.col("clock").is_between(one.low, one.high)).with_columns(
            walk_id=pl.lit(one.walk_id)
        )
        for one in wide
    ]
    return pl.concat([frame.select(WALK_PAIR) for frame in (near, *far)]).join(
        served, on=WALK_PAIR, how="anti"
    )


def scopes(stretches: Iterable[Stretch]) -> tuple[pl.DataFrame, list[Stretch]]:
    """Return the markets' stretches, a row a walk and group, and those of the feed."""
    stretches = list(stretches)
    wide = [one for one in stretches if one.scope == EVERYTHING]
    narrow = [
        (one.walk_id, group, one.low, one.high)
        for one in stretches
        if one.scope != EVERYTHING
        for group in one.scope
    ]
    schema = {
        "walk_id": pl.String,
        "group": pl.String,
        "low": pl.Int64,
        "high": pl.Int64,
    }
    return pl.DataFrame(narrow, schema=schema, orient="row"), wide


def ranges(stretches: Iterable[Stretch]) -> pl.DataFrame:
    """Return the stretches without their scopes: walk_id, low, high."""
    rows = [(one.walk_id, one.low, one.high) for one in stretches]
    schema = {"walk_id": pl.String, "low": pl.Int64, "high": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")
