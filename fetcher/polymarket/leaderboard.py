"""The boards of traders: every period, category and order, each in one fast burst.

A board is paged by offsets in disguise, and it is computed anew all the time. So it is
held in memory until it is whole, and a board that moved between two of its pages is
marked as such and taken once more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from bronze import leaderboard
from fetcher.answer import Answer, parse_json
from fetcher.errors import Gone, UnexpectedPayload
from fetcher.polymarket import selection
from fetcher.polymarket.askable import Askable
from fetcher.polymarket.planner import in_shard
from fetcher.polymarket.reading import Reading
from fetcher.polymarket.typed_rows import Converter, Misfit, Row
from fetcher.polymarket.version import DataService, service_of
from fetcher.polymarket.walk_rows import moment
from fetcher.run import Job, Run

log = logging.getLogger(__name__)

DATASET = "leaderboard"
PERIODS = ("day", "week", "month", "all")
# v2 takes any text for a category, so these are the ones that v1 names.
CATEGORIES = (
    "OVERALL", "POLITICS", "SPORTS", "ESPORTS", "CRYPTO", "CULTURE", "MENTIONS",
    "WEATHER", "ECONOMICS", "TECH", "FINANCE",
)  # fmt: skip
SORTS = ("PNL", "VOLUME")
ATTEMPTS = 2  # at a board that moves
V1_PAGE, V1_LAST_OFFSET = 50, 1_000
_MOVED = "moved"
_MINUTE = 60
_OF_V1 = {
    "proxyWallet": "user_id",
    "userName": "user_name",
    "profileImage": "profile_image",
    "xUsername": "x_username",
    "verifiedBadge": "verified",
}
_CONVERTER = Converter(leaderboard.FIELDS)


@dataclass(frozen=True)
class Board:
    """One board of the service."""

    period: str
    category: str
    sort: str

    @property
    def name(self) -> str:
        """Its key in the walk state."""
        return f"{self.period}/{self.category}/{self.sort}"


@dataclass(frozen=True)
class Page:
    """One answer: its rows, and the parameters of the next question."""

    answer: Answer
    items: list[Any]
    following: list[tuple[str, str]] | None


BOARDS = tuple(Board(*one) for one in product(PERIODS, CATEGORIES, SORTS))


def fetch_leaderboard(run: Run) -> None:
    """Take the boards that were not taken for a while, or all that are asked for.

    A run over some markets or wallets leaves them alone unless they are its mode.
    """
    is_asked = run.options.mode == DATASET
    if not is_asked and (selection.selects(run.options) or run.options.wallets):
        return
    work = Leaderboard(run, service_of(run))
    boards = list(due_boards(run))
    jobs = [Job(f"the board {one.name}", partial(work.capture, one)) for one in boards]
    run.jobs(DATASET, jobs, total=len(jobs))
    run.check()
    if work.gone is not None:
        raise work.gone


def due_boards(run: Run) -> Iterator[Board]:
    """The boards of this shard whose last whole capture is too old, or all asked for.

    Whoever names their mode, or `--fresh`, asks for all of them.
    """
    at_once = run.options.mode == DATASET or run.options.fresh
    last = Askable(run, DATASET).asked_of(board.name for board in BOARDS)
    since = run.clock() - _MINUTE * run.settings.leaderboard.interval_minutes
    for board in BOARDS:
        is_due = at_once or last.get(board.name, 0.0) <= since
        if is_due and in_shard(board.name, run.options.shard):
            yield board


class Leaderboard:
    """One run's captures."""

    def __init__(self, run: Run, service: DataService) -> None:
        self._run = run
        self._version = service.version
        self._settings = run.settings.leaderboard
        self.gone: Gone | None = None

    def capture(self, board: Board) -> None:
        """Take the board, and once more if it moved."""
        for _ in range(ATTEMPTS):
            self._run.check()
            if self.gone is not None:
                return
            try:
                pages = list(self._pages(board))
            except Gone as error:
                self.gone = error
                return
            why = moved(pages, board.sort, self._version)
            self._store(board, pages, why)
            if why is None:
                return
            log.info("%s moved while it was paged: %s", board.name, why)

    def _pages(self, board: Board) -> Iterator[Page]:
        depth = self._settings.depth
        taken = 0
        asked: list[tuple[str, str]] | None = self._first(board, depth)
        seen: set[str] = set()
        while asked is not None and taken < depth:
            self._run.check()
            page = self._page(asked, seen)
            rows = page.items[: depth - taken]
            taken += len(rows)
            yield Page(page.answer, rows, page.following)
            asked = page.following

    def _first(self, board: Board, depth: int) -> list[tuple[str, str]]:
        if self._version == "v1":
            return [
                ("timePeriod", board.period.upper()),
                ("category", board.category),
                ("orderBy", "VOL" if board.sort == "VOLUME" else board.sort),
                ("limit", str(V1_PAGE)),
                ("offset", "0"),
            ]
        return [
            ("time_period", board.period),
            ("category", board.category),
            ("sort_by", board.sort),
            ("limit", str(min(depth, self._settings.page_rows))),
        ]

    def _page(self, asked: list[tuple[str, str]], seen: set[str]) -> Page:
        if self._version == "v1":
            path, groups = "/v1/leaderboard", ("data_v1_all",)
            answer, items = self._run.data.load(path, asked, _bare, groups=groups)
            offset = int(asked[-1][1]) + V1_PAGE
            is_last = len(items) < V1_PAGE or offset > V1_LAST_OFFSET
            following = None if is_last else [*asked[:-1], ("offset", str(offset))]
            return Page(answer, items, following)
        path, groups = "/v2/leaderboard", ("data_v2_all",)
        answer, (items, cursor) = self._run.data.load(
            path, asked, _paged, groups=groups
        )
        if cursor in seen:
            raise UnexpectedPayload(f"{answer.request} repeats the cursor {cursor}")
        if cursor is None:
            return Page(answer, items, None)
        seen.add(cursor)
        filters = [pair for pair in asked if pair[0] != "cursor"]
        return Page(answer, items, [*filters, ("cursor", cursor)])

    def _store(self, board: Board, pages: Sequence[Page], why: str | None) -> None:
        what = {"board": board.name, "version": self._version}
        reading = Reading(self._run, DATASET, what)
        shared = {
            "time_period": board.period,
            "category": board.category,
            "sort_by": board.sort,
            "captured_at": moment(pages[0].answer.fetched_at.timestamp()),
            "has_moved": why is not None,
            "version": self._version,
        }
        for page in pages:
            cursor = dict(page.following or ()).get("cursor")
            taken = reading.take(page.answer, page.items, _row, next_cursor=cursor)
            reading.keep(one.row | shared for one in taken)
        reading.subject(board.name, "end" if why is None else _MOVED, detail=why or "")
        reading.end("end" if why is None else _MOVED, detail=why)


def moved(pages: Sequence[Page], sort: str, version: str) -> str | None:
    """Why the pages are not of one board; null where nothing speaks against it.

    Within a page ranks are what they are; between two of them no wallet may come
    twice, the ranks go on, and so does the order.
    """
    value_of = "pnl" if sort == "PNL" else "volume" if version == "v2" else "vol"
    wallets: set[str] = set()
    last: Mapping[str, Any] | None = None
    for page in pages:
        rows = [_v2_names(item) for item in page.items if isinstance(item, dict)]
        if not rows:
            continue
        twice = {str(row.get("user_id")).lower() for row in rows} & wallets
        if twice:
            return f"{sorted(twice)[0]} stands on two pages"
        wallets |= {str(row.get("user_id")).lower() for row in rows}
        first = rows[0]
        if last is not None:
            before, after = _rank(last), _rank(first)
            if before is not None and after is not None:
                if after <= before and first.get(value_of) != last.get(value_of):
                    return f"rank {after} comes after rank {before}"
                if after > before + 1:
                    return f"no rank between {before} and {after}"
            if _is_above(first.get(value_of), last.get(value_of)):
                return f"rank {after} has more than rank {before}"
        last = rows[-1]
    return None


def _is_above(value: Any, other: Any) -> bool:
    are_numbers = all(isinstance(one, int | float) for one in (value, other))
    return are_numbers and value > other


def _rank(row: Mapping[str, Any]) -> int | None:
    try:
        return int(row["rank"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _v2_names(item: Mapping[str, Any]) -> dict[str, Any]:
    return {_OF_V1.get(key, key): value for key, value in item.items()}


def _row(item: Any) -> Row:
    if not isinstance(item, dict):
        raise Misfit("a place on a board is not a JSON object")
    named = _v2_names(item)
    row = _CONVERTER.row(named, without=frozenset({"rank"}))
    if not row.get("user_id"):
        raise Misfit("it names no wallet")
    rank = _rank(named)
    if rank is None and named.get("rank") is not None:
        raise Misfit(f"rank: a whole number expected, not {named['rank']!r}")
    return row | {"rank": rank}


def _bare(body: bytes) -> list[Any]:
    value = parse_json(body)
    if not isinstance(value, list):
        raise UnexpectedPayload("it is no list of places")
    return value


def _paged(body: bytes) -> tuple[list[Any], str | None]:
    value = parse_json(body)
    rows = value.get("data") if isinstance(value, dict) else None
    paging = value.get("pagination") if isinstance(value, dict) else None
    if not isinstance(rows, list) or not isinstance(paging, dict):
        raise UnexpectedPayload("it has no list 'data' with a 'pagination'")
    cursor = paging.get("next_cursor")
    if cursor is None and paging.get("has_more"):
        raise UnexpectedPayload("it says that there is more, but not where")
    return rows, cursor
