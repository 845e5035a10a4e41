"""Walk the price histories of some tokens, window by window, the newest first.

A walk is of up to twenty tokens. Each window of at most 14 days is asked for at the
finest fidelity first. What of it stays empty at its old end is asked for again at the
next coarser one: a fine history may be gone while a coarse one is there for ever, and
a window that is half gone looks like one that begins late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

from fetcher.polymarket.price_history import (
    CACHED_SECONDS,
    LAST_SECOND,
    PriceHistories,
    Question,
    Told,
    ladder,
)
from fetcher.polymarket.price_rows import Wanted, end_rows, page_tables
from fetcher.polymarket.walk_rows import walks_table
from fetcher.saved import fits
from lake.batch import Batch, CursorChange, Json
from lake.quarantine import set_aside
from lake.storage import LocalStorage
from lake.walk_id import new_walk_id

DATASET = "prices"
DAY = 86_400
WINDOW_SECONDS = 14 * DAY  # of the 15 days that the service allows
NO_END = LAST_SECOND
END, WINDOW, SAMPLE = "end", "window", "sample"

# Points are not evenly spaced: as much may lie between two of them, in buckets.
_LOOSE = 4
# Old ends of windows that lie so close together are asked for together.
_TOGETHER_SECONDS = 6 * 3600


@dataclass(frozen=True, slots=True)
class Need:
    """The stretch of a token's history that is wanted: from `start`, before `end`.

    A token that was never asked for has nothing before `start`: to ask for more costs
    nothing.
    """

    token_id: str
    condition_id: str
    start: int
    end: int = NO_END
    is_first: bool = False


@dataclass(frozen=True)
class PriceWalk:
    """A walk and how far it is; `goal` is its outcome once it came to its end.

    `fidelity` is the finest that is asked for, in minutes a point. `newest` has the
    one that the newest window was obtained at, by token, and `stale_seconds` how old
    its answers may have been.
    """

    walk_id: str
    started_at: float
    needs: tuple[Need, ...]
    fidelity: int
    goal: str = END
    page_no: int = 0
    windows_done: int = 0
    points: int = 0
    stale_seconds: int = CACHED_SECONDS
    newest: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def saved(self) -> Json:
        """What the cursor file keeps of it."""
        values = asdict(self)
        del values["walk_id"]
        values["needs"] = list(values["needs"])
        return {"dataset": DATASET, "strategy": DATASET, **values}

    @classmethod
    def load(cls, walk_id: str, saved: Json) -> PriceWalk | None:
        """The walk that was saved; null if it is none of ours."""
        values = dict(saved) if isinstance(saved, dict) else {}
        values = {k: v for k, v in values.items() if k not in ("dataset", "strategy")}
        values["walk_id"] = walk_id
        if not fits(cls, values):
            return None
        return cls(**values | {"needs": tuple(Need(**one) for one in values["needs"])})

    @property
    def ladder(self) -> tuple[int, ...]:
        """Minutes a point to ask for, the finest first; a sample takes only that."""
        return (self.fidelity,) if self.goal == SAMPLE else ladder(self.fidelity)

    def windows(self) -> list[tuple[int, int]]:
        """The windows, each from its first second to before its last, newest first.

        Cut on a grid, so that tokens of all ages share them.
        """
        end = min(max(n.end for n in self.needs), int(self.started_at) + 1)
        start = min(n.start for n in self.needs)
        grid = range(start // WINDOW_SECONDS, (end - 1) // WINDOW_SECONDS + 1)
        cuts = [
            (max(start, k * WINDOW_SECONDS), min(end, (k + 1) * WINDOW_SECONDS))
            for k in reversed(grid)
        ]
        return [(low, high) for low, high in cuts if low < high]

    def final_to(self, need: Need) -> float:
        """The time up to which the need's prices will not change any more.

        The newest bucket is not whole yet, and answers may come out of a cache.
        """
        bucket = 60 * self.newest.get(need.token_id, self.fidelity)
        return min(need.end, self.started_at - self.stale_seconds - bucket)


@dataclass(frozen=True)
class PriceSource:
    """What a walk is given: whom to ask, the service's clock, where misfits go."""

    histories: PriceHistories
    storage: LocalStorage
    now: Callable[[], float]


def new_walk(
    needs: Sequence[Need], *, now: float, clock: float, fidelity: int, goal: str = END
) -> PriceWalk:
    """A walk that begins now: by the service's clock, and by ours.

    Its id tells ours, which is the one that news is stored by.
    """
    walk_id = new_walk_id("prices", now=clock)
    return PriceWalk(walk_id, now, tuple(needs), fidelity, goal)


def walk_prices(source: PriceSource, walk: PriceWalk) -> Iterator[Batch]:
    """Yield the batches of a walk from where it is to its end."""
    ladder = walk.ladder
    for number, (low, high) in enumerate(walk.windows()):
        if number < walk.windows_done:
            continue
        heads = {
            need.token_id: (max(low, need.start), min(high, need.end))
            for need in walk.needs
            if need.start < high and need.end > low
        }
        for place, fidelity in enumerate(ladder):
            coarser = ladder[place + 1] if place + 1 < len(ladder) else None
            if not heads:
                break
            for group in _together(heads) if place else [dict(heads)]:
                asked_at = source.now()
                for told in source.histories.ask(_question(group, fidelity)):
                    walk, batch = _taken(source, walk, group, told, asked_at)
                    for token in told.question.tokens:
                        rest = _rest(group[token], token, told, coarser)
                        heads.pop(token)
                        if rest is not None and told.refusal is None:
                            heads[token] = rest
                    yield batch
        walk = replace(walk, windows_done=number + 1)
        yield Batch(rows={}, cursor=CursorChange(walks={walk.walk_id: walk.saved()}))
    yield _ended(source, walk)


def dropped(walk: PriceWalk, why: str, *, now: float) -> Batch:
    """The batch that ends a walk that will not be resumed; what it brought stays."""
    rows = end_rows(walk, [], outcome="dropped", detail=why, now=now)
    return Batch(
        rows={"walks": walks_table(rows)},
        cursor=CursorChange(walks={walk.walk_id: None}),
    )


def _together(heads: dict[str, tuple[int, int]]) -> list[dict[str, tuple[int, int]]]:
    """The heads in groups that end at about the same time, each for one question."""
    groups: list[dict[str, tuple[int, int]]] = []
    last = None
    for token, (start, end) in sorted(heads.items(), key=lambda one: one[1][1]):
        if last is None or end - last > _TOGETHER_SECONDS:
            groups.append({})
            last = end
        groups[-1][token] = (start, end)
    return groups


def _question(group: dict[str, tuple[int, int]], fidelity: int) -> Question:
    # Whether an end belongs to the answer is not told: a second more on both sides
    # makes it no matter, and points that come twice are one in silver.
    return Question(
        tuple(group),
        min(start for start, _ in group.values()) - 1,
        max(end for _, end in group.values()),
        fidelity,
    )


def _rest(
    head: tuple[int, int], token: str, told: Told, coarser: int | None
) -> tuple[int, int] | None:
    """What of a head is still without a point, if a coarser history may have some."""
    if coarser is None:
        return None
    start, end = head
    points = told.points.get(token)
    inside = points.inside(start, end) if points else ()
    first = min(inside, default=end)
    least = 60 * max(_LOOSE * told.question.fidelity, coarser)
    if not inside:
        least = 60 * coarser
    return (start, first) if first - start >= least else None


def _taken(
    source: PriceSource,
    walk: PriceWalk,
    group: dict[str, tuple[int, int]],
    told: Told,
    asked_at: float,
) -> tuple[PriceWalk, Batch]:
    """The batch of one answer, and how far the walk is after it."""
    condition_of = {need.token_id: need.condition_id for need in walk.needs}
    wanted = [
        Wanted(token, condition_of[token], *group[token])
        for token in told.question.tokens
    ]
    tables = page_tables(walk, told, wanted, asked_at=asked_at)
    misfits = [m for points in told.points.values() for m in points.misfits]
    if misfits and told.answer is not None:
        set_aside(
            source.storage,
            DATASET,
            misfits,
            walk_id=walk.walk_id,
            page_no=walk.page_no,
            request=told.answer.request,
            fetched_at=told.answer.fetched_at,
        )
    age = told.answer.age_seconds if told.answer else None
    refused = {token: told.refusal for token in told.question.tokens if told.refusal}
    walk = replace(
        walk,
        page_no=walk.page_no + 1,
        points=walk.points + sum(p.served for p in told.points.values()),
        newest=walk.newest | _newest(walk, told),
        stale_seconds=max(walk.stale_seconds, age or 0),
        refused=walk.refused | refused,
    )
    cursor = CursorChange(walks={walk.walk_id: walk.saved()})
    return walk, Batch(rows=tables, cursor=cursor)


def _newest(walk: PriceWalk, told: Told) -> dict[str, int]:
    """The fidelities that the newest window was obtained at, the first word counts."""
    if walk.windows_done:
        return {}
    fidelity = told.question.fidelity
    return {
        token: max(fidelity, int(points.step_seconds or 0) // 60)
        for token, points in told.points.items()
        if points.times and token not in walk.newest
    }


def _ended(source: PriceSource, walk: PriceWalk) -> Batch:
    rows = end_rows(walk, walk.needs, outcome=walk.goal, now=source.now())
    return Batch(
        rows={"walks": walks_table(rows)},
        cursor=CursorChange(walks={walk.walk_id: None}),
    )
