"""Ask the CLOB for price histories, twenty tokens a question, and read the answers.

What lies behind the traps: a window of more than 15 days is refused, so it is never
asked for; an `interval` hides what a settled market has, so windows are named by their
two ends; an empty history is no error.
"""

from __future__ import annotations

import json
import logging
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import le, sub
from statistics import median
from typing import Any

from fetcher.answer import Answer, parse_json
from fetcher.errors import Gone, Refused, UnexpectedPayload
from fetcher.http import Api
from fetcher.polymarket.numbers import finite
from fetcher.polymarket.quick_points import quick_points
from lake.quarantine import Misfit

log = logging.getLogger(__name__)

BATCH_PATH = "/batch-prices-history"
SINGLE_PATH = "/prices-history"
TIME_PATH = "/time"
GROUPS = ("clob_all", "clob_prices_history")
TIME_GROUPS = ("clob_all",)
TOKENS_A_REQUEST = 20
LONGEST_SECONDS = 1_296_000
CACHED_SECONDS = 90  # an answer without an Age may have lain in a cache so long

# Minutes a point that the exchange keeps: the finer, the shorter.
TIERS = (1, 5, 30, 180, 720)
SURE_POINTS = 8  # fewer tell nothing of their distance
FIRST_SECOND = 1_500_000_000  # nothing is older: what is, is no unix second
LAST_SECOND = 4_102_444_800


def ladder(fidelity: int) -> tuple[int, ...]:
    """Minutes a point to ask for, the finest first: what is not kept is empty."""
    return (fidelity, *(tier for tier in TIERS if tier > fidelity))


@dataclass(frozen=True)
class Question:
    """Tokens and the seconds between which their prices are wanted, ends included."""

    tokens: tuple[str, ...]
    start: int
    end: int
    fidelity: int  # minutes a point

    def of(self, tokens: Sequence[str]) -> Question:
        """The same of other tokens."""
        return Question(tuple(tokens), self.start, self.end, self.fidelity)


@dataclass(frozen=True)
class Points:
    """The history of one token as it was served, in its order; `extra` is JSON text."""

    times: list[int] = field(default_factory=list)
    prices: list[float] = field(default_factory=list)
    extras: dict[int, str] = field(default_factory=dict)  # by place in the lists
    misfits: list[Misfit] = field(default_factory=list)

    @property
    def served(self) -> int:
        """How many points the answer had."""
        return len(self.times) + len(self.misfits)

    def inside(self, start: int, end: int) -> Sequence[int]:
        """The times that are not before `start`, and before `end`."""
        times = self.times
        if self._is_ascending:
            return times[bisect_left(times, start) : bisect_left(times, end)]
        return [time for time in times if start <= time < end]

    @cached_property
    def step_seconds(self) -> float | None:
        """The usual distance of two points; null where too few tell it."""
        if len(self.times) < SURE_POINTS:
            return None
        return float(median(map(sub, self.times[1:], self.times)))

    @cached_property
    def _is_ascending(self) -> bool:
        return all(map(le, self.times, self.times[1:]))


@dataclass(frozen=True)
class Told:
    """One answer: the points of each token asked for; or why a token is refused."""

    answer: Answer | None
    question: Question
    points: Mapping[str, Points]
    refusal: str | None = None


class PriceHistories:
    """The CLOB's histories; thread safe.

    Where a batch is refused, its tokens are asked for by halves: one bad token costs
    the others nothing. Where there is no such thing as a batch, each alone.
    """

    def __init__(self, clob: Api) -> None:
        self._clob = clob
        self._has_batches = True

    def ask(self, question: Question) -> Iterator[Told]:
        """Yield one or more answers that together speak of every token once."""
        if question.end - question.start > LONGEST_SECONDS:
            raise ValueError(f"{question} is longer than the service allows")
        if not self._has_batches:
            for token in question.tokens:
                yield self._single(question.of([token]))
            return
        try:
            answer, points = self._clob.load(
                BATCH_PATH,
                (),
                lambda body: read_batch(body, question.tokens),
                groups=GROUPS,
                body=_batch_body(question),
            )
            yield Told(answer, question, points)
        except Gone as error:
            log.warning("Prices are asked for one token at a time: %s", error)
            self._has_batches = False
            yield from self.ask(question)
        except Refused as error:
            if len(question.tokens) == 1:
                yield Told(None, question, {}, str(error))
                return
            middle = len(question.tokens) // 2
            yield from self.ask(question.of(question.tokens[:middle]))
            yield from self.ask(question.of(question.tokens[middle:]))

    def _single(self, question: Question) -> Told:
        [token] = question.tokens
        params = [
            ("market", token),
            ("startTs", str(question.start)),
            ("endTs", str(question.end)),
            ("fidelity", str(question.fidelity)),
        ]
        try:
            answer, points = self._clob.load(
                SINGLE_PATH, params, read_single, groups=GROUPS
            )
        except Refused as error:
            return Told(None, question, {}, str(error))
        return Told(answer, question, {token: points})


def service_skew(clob: Api, clock: Callable[[], float]) -> float:
    """How many seconds the service's clock is ahead of ours, at least.

    What is covered is told by its clock, since it stamps the points.
    """
    value = clob.get(TIME_PATH, groups=TIME_GROUPS).json()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnexpectedPayload(f"GET {TIME_PATH} tells no time but {value!r:.40}.")
    return value - clock()


def read_batch(body: bytes, tokens: Iterable[str]) -> dict[str, Points]:
    """Read a batch's answer: one history a token, none where it was left out."""
    tokens = list(tokens)
    quick = quick_points(body, tokens, first=FIRST_SECOND, last=LAST_SECOND)
    if quick is not None:
        return {token: Points(*quick.get(token, ([], []))) for token in tokens}
    history = _history(parse_json(body))
    if not isinstance(history, dict):
        raise UnexpectedPayload("its history is no object of tokens")
    asked = list(tokens)
    foreign = set(history) - set(asked)
    if foreign:
        raise UnexpectedPayload(f"it speaks of {sorted(foreign)[0]}, not asked for")
    return {token: read_points(history.get(token)) for token in asked}


def read_single(body: bytes) -> Points:
    """Read the answer to a question about one token."""
    history = _history(parse_json(body))
    if history is not None and not isinstance(history, list):
        raise UnexpectedPayload("its history is no list of points")
    return read_points(history)


def read_points(served: Any) -> Points:
    """Read one token's points; null counts as none, what is no point is set aside."""
    if served is None:
        return Points()
    if not isinstance(served, list):
        raise UnexpectedPayload(f"a history is no list but {served!r:.40}")
    try:
        times = [point["t"] for point in served]
        prices = [point["p"] for point in served]
    except (KeyError, TypeError):
        return _one_by_one(served)
    if (
        all(map(_is_second, times))
        and all(map(_is_price, prices))
        and all(len(point) == 2 for point in served)
    ):
        return Points(times, [float(price) for price in prices])
    return _one_by_one(served)


def _one_by_one(served: list[Any]) -> Points:
    points = Points()
    for place, point in enumerate(served):
        time: Any = point.get("t") if isinstance(point, dict) else None
        price: Any = point.get("p") if isinstance(point, dict) else None
        if not _is_second(time) or not _is_price(price):
            reason = "no price" if _is_second(time) else "no unix second"
            points.misfits.append(Misfit(reason, json.dumps(point), place))
            continue
        more = {key: value for key, value in point.items() if key not in ("t", "p")}
        if more:
            points.extras[len(points.times)] = json.dumps(more, sort_keys=True)
        points.times.append(time)
        points.prices.append(float(price))
    return points


def _is_second(value: Any) -> bool:
    return type(value) is int and FIRST_SECOND <= value < LAST_SECOND


def _is_price(value: Any) -> bool:
    return finite(value) is not None


def _history(value: Any) -> Any:
    if not isinstance(value, dict) or "history" not in value:
        raise UnexpectedPayload("it has no history")
    return value["history"]


def _batch_body(question: Question) -> bytes:
    asked = {
        "markets": list(question.tokens),
        "start_ts": question.start,
        "end_ts": question.end,
        "fidelity": question.fidelity,
    }
    return json.dumps(asked, separators=(",", ":")).encode()
