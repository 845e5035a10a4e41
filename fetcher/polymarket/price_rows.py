"""What an answer about prices becomes: points, the windows asked for, rows of walks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from bronze import DATASETS
from fetcher.polymarket.price_history import TIERS, Points, Told
from fetcher.polymarket.walk_rows import (
    Row,
    due_row,
    filter_text,
    moment,
    walks_table,
)

if TYPE_CHECKING:
    from fetcher.polymarket.price_walk import Need, PriceWalk

MIRROR_LIMIT = 0.01  # dollars; a market that misses 1 by more is asked for both tokens
MIRROR_OFF = "mirror_off"
NONE = Points()
_NEARLY = 0.9


@dataclass(frozen=True)
class Wanted:
    """The stretch of a token that an answer was asked for: `end` is not in it."""

    token_id: str
    condition_id: str
    start: int
    end: int


def obtained(fidelity: int, points: Points) -> int:
    """The minutes a point of what came, at least those asked for.

    A service that has nothing so fine may give coarser points without a word.
    """
    step = points.step_seconds
    coarser = [t for t in TIERS if step is not None and 60 * t * _NEARLY <= step]
    return max([fidelity, *coarser])


def page_tables(
    walk: PriceWalk, told: Told, wanted: Sequence[Wanted], *, asked_at: float
) -> dict[str, pa.Table]:
    """The rows of one answer, by dataset."""
    if told.answer is None:
        return {"price_windows": _windows(walk, told, wanted, asked_at)}
    windows = _windows(walk, told, wanted, asked_at)
    off = windows.filter(pc.greater(windows["mirror_error"], MIRROR_LIMIT))
    due = [
        due_row("prices", token, MIRROR_OFF, asked_at)
        for token in off["token_id"].to_pylist()
    ]
    return {
        "prices": _points(walk, told, wanted),
        "price_windows": windows,
        "walks": walks_table([_page_row(walk, told), *due]),
    }


def end_rows(
    walk: PriceWalk,
    needs: Iterable[Need],
    *,
    outcome: str,
    now: float,
    detail: str | None = None,
) -> list[Row]:
    """The `walks` rows of a walk that is over: itself, and each token it speaks for.

    A token's row has begun where its prices are final, so that the walk state knows
    from where to ask on.
    """
    shared = {
        "dataset": "prices",
        "walk_id": walk.walk_id,
        "strategy": "prices",
        "fetched_at": moment(now),
    }
    rows: list[Row] = [
        shared
        | {
            "kind": "walk",
            "filter": filter_text({"fidelity": str(walk.fidelity)}),
            "outcome": outcome,
            "detail": detail,
            "rows_served": walk.points,
            "pages": walk.page_no,
            "started_at": moment(walk.started_at),
        }
    ]
    for need in needs:
        refusal = walk.refused.get(need.token_id)
        subject = {
            "kind": "subject",
            "key": need.token_id,
            "outcome": outcome if refusal is None else "refused",
            "detail": refusal,
            "ts_oldest": need.start,
            "ts_newest": int(walk.final_to(need)),
            "started_at": moment(walk.final_to(need)),
        }
        rows.append(shared | subject)
    return rows


def _points(walk: PriceWalk, told: Told, wanted: Sequence[Wanted]) -> pa.Table:
    assert told.answer is not None
    some = [told.points.get(one.token_id, NONE) for one in wanted]
    counts = [len(points.times) for points in some]
    rows = sum(counts)
    fine = [60 * obtained(told.question.fidelity, points) for points in some]
    columns = {
        "token_id": _repeated([one.token_id for one in wanted], counts),
        "condition_id": _repeated([one.condition_id for one in wanted], counts),
        "timestamp": list(chain.from_iterable(points.times for points in some)),
        "price": list(chain.from_iterable(points.prices for points in some)),
        "resolution_seconds": _repeated(fine, counts),
        "fetched_at": _repeated([told.answer.fetched_at], [rows]),
        "walk_id": _repeated([walk.walk_id], [rows]),
        "page_no": _repeated([walk.page_no], [rows]),
        "row_no": pl.int_range(rows, dtype=pl.Int32, eager=True).to_arrow(),
        "extra": _extras(some, rows),
    }
    schema = DATASETS["prices"].schema
    return pa.Table.from_arrays(
        [
            values.cast(column.type)
            if isinstance(values := columns[column.name], pa.Array)
            else pa.array(values, column.type)
            for column in schema
        ],
        schema=schema,
    )


def _extras(some: Sequence[Points], rows: int) -> pa.Array:
    if not any(points.extras for points in some):
        return pa.nulls(rows, pa.string())
    extras: list[str | None] = [None] * rows
    first = 0
    for points in some:
        for place, extra in points.extras.items():
            extras[first + place] = extra
        first += len(points.times)
    return pa.array(extras, pa.string())


def _repeated(values: Sequence[Any], counts: Sequence[int]) -> pa.Array:
    """Each value as often as its count says."""
    return pa.concat_arrays(
        [pa.repeat(pa.scalar(v), n) for v, n in zip(values, counts, strict=True)]
    )


def _windows(
    walk: PriceWalk, told: Told, wanted: Sequence[Wanted], asked_at: float
) -> pa.Table:
    fetched_at = told.answer.fetched_at if told.answer else moment(asked_at)
    errors = _mirror_errors(told, wanted) if walk.goal == "sample" else {}
    rows = []
    for row_no, one in enumerate(wanted):
        points = told.points.get(one.token_id, NONE)
        inside = points.inside(one.start, one.end)
        compared, error = errors.get(one.token_id, (None, None))
        rows.append(
            {
                "token_id": one.token_id,
                "condition_id": one.condition_id,
                "asked_from": one.start,
                "asked_to": one.end,
                "fidelity_asked": told.question.fidelity,
                "fidelity_obtained": obtained(told.question.fidelity, points)
                if inside
                else None,
                "points": len(inside),
                "is_empty": not inside,
                "first_at": min(inside, default=None),
                "last_at": max(inside, default=None),
                "step_seconds": points.step_seconds,
                "refusal": told.refusal,
                "mirror_points": compared,
                "mirror_error": error,
                "asked_at": moment(asked_at),
                "fetched_at": fetched_at,
                "walk_id": walk.walk_id,
                "page_no": walk.page_no,
                "row_no": row_no,
            }
        )
    return pa.Table.from_pylist(rows, schema=DATASETS["price_windows"].schema)


def _mirror_errors(
    told: Told, wanted: Sequence[Wanted]
) -> dict[str, tuple[int, float | None]]:
    """Of each second token: the points compared, and by how much they miss."""
    firsts: dict[str, str] = {}
    errors = {}
    for one in wanted:
        if one.condition_id not in firsts:
            firsts[one.condition_id] = one.token_id
            continue
        errors[one.token_id] = mirror_error(
            told.points.get(firsts[one.condition_id], NONE),
            told.points.get(one.token_id, NONE),
            within=30 * told.question.fidelity,
        )
    return errors


def mirror_error(
    first: Points, second: Points, *, within: float
) -> tuple[int, float | None]:
    """How many points of two tokens lie together, and the mean by which they miss 1."""
    left, right = (
        pl.DataFrame(
            {"at": points.times, name: points.prices},
            schema={"at": pl.Int64, name: pl.Float64},
        ).sort("at")
        for name, points in (("other", first), ("price", second))
    )
    close = right.join_asof(
        left.unique("at", keep="last", maintain_order=True),
        on="at",
        strategy="nearest",
        tolerance=int(within),
    ).drop_nulls()
    if close.is_empty():
        return 0, None
    missed = close.select((pl.col("other") + pl.col("price") - 1).abs().mean()).item()
    return close.height, float(missed)


def _page_row(walk: PriceWalk, told: Told) -> Row:
    assert told.answer is not None
    times = [points.times for points in told.points.values() if points.times]
    return {
        "kind": "page",
        "dataset": "prices",
        "walk_id": walk.walk_id,
        "page_no": walk.page_no,
        "strategy": "prices",
        "request": told.answer.request,
        "rows_served": sum(points.served for points in told.points.values()),
        "ts_oldest": min(map(min, times), default=None),
        "ts_newest": max(map(max, times), default=None),
        "age_seconds": told.answer.age_seconds,
        "trace_id": told.answer.trace_id,
        "started_at": moment(walk.started_at),
        "fetched_at": told.answer.fetched_at,
    }
