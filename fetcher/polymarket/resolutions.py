"""How markets were settled: asked until the answer is final, and then never again.

A market is asked about when its catalogue row has changed, when its end is near or
past, and when an earlier answer was not final; the longer ago it ended, the more
seldom. Once in a while all open markets are asked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from bronze import resolutions
from fetcher.answer import parse_json
from fetcher.errors import Gone, Refused, UnexpectedPayload
from fetcher.modes import ALL
from fetcher.polymarket import catalogue, selection
from fetcher.polymarket.askable import (
    DAY,
    Askable,
    asked_at,
    changed_since_asked,
    is_final,
    packs,
)
from fetcher.polymarket.catalogue import CatalogueMarket
from fetcher.polymarket.chain import same_market
from fetcher.polymarket.reading import Reading
from fetcher.polymarket.typed_rows import Converter, Misfit, Row, digest
from fetcher.polymarket.version import DataService, service_of
from fetcher.run import Job, Run
from settings.errors import UsageError

log = logging.getLogger(__name__)

DATASET = "resolutions"
PATH = "/v2/resolutions"
GROUPS = ("data_v2_all",)

FINAL = "end"  # the outcome that settles a key of the walk state
OPEN, ABSENT, REFUSED = "open", "absent", "refused"
UNDISPUTED = frozenset({"initialized", "posed", "active"})
_IN_DISPUTE = frozenset({"challenged", "reproposed", "disputed"})
_PATIENCE = 0.1  # of the time since the market ended, between two questions
_HOUR = 3_600

_CONVERTER = Converter(resolutions.FIELDS)


def fetch_resolutions(run: Run) -> None:
    """Bring up to date how the markets of the run were settled."""
    if run.options.wallets:
        if run.options.mode == ALL:
            return
        raise UsageError("--wallet chooses fills: resolutions belong to markets.")
    service = service_of(run)
    if service.version == "v1":
        log.warning("resolutions are not fetched: Data API v1 has no such route")
        return
    work = Resolutions(run, service)
    run.jobs(
        DATASET,
        (work.job(pack) for pack in packs(work.wanted())),
        total=None,
    )
    run.check()
    work.finish()


class Resolutions:
    """One run's questions."""

    def __init__(self, run: Run, service: DataService) -> None:
        self._run = run
        self._service = service
        self._catalogue = catalogue.of(run)
        self._askable = Askable(run, DATASET)
        self._began = run.clock()
        self._failed = run.tally.counts().get(DATASET)
        self._is_whole = False
        self._has_swept = False
        self._gone: Gone | None = None
        self._pads = False

    # What to ask

    def wanted(self) -> Iterator[str]:
        """Yield the condition ids to ask about; a few may come twice."""
        run, known = self._run, self._catalogue
        chosen = selection.chosen(run)
        if chosen is None and _is_windowed(run):
            chosen = [m for m in known.each() if _ended_within(run, m)]
        if chosen is not None:
            for market, walked in self._askable.with_state(chosen):
                if not is_final(walked):
                    yield market.condition_id
            return
        self._is_whole = True
        planned = self._askable.time_of("planned")
        if planned is None:
            self._has_swept = True
            for market, walked in self._askable.with_state(known.each()):
                if not is_final(walked) and changed_since_asked(market, walked):
                    yield market.condition_id
            return
        seen: set[str] = set()
        for condition in self._due(planned):
            if condition not in seen:
                seen.add(condition)
                yield condition

    def _due(self, planned: float) -> Iterator[str]:
        known, ask, now = self._catalogue, self._askable, self._began
        changed = known.each(changed_since=max(planned - DAY, 1.0))
        for market, walked in ask.with_state(changed):
            if not is_final(walked) and changed_since_asked(market, walked):
                yield market.condition_id
        there = self._service.now()
        near = there + _HOUR * self._run.settings.resolutions.near_end_hours
        pending = known.by_condition(ask.due()).values()
        for market, walked in ask.with_state([*known.overdue(near), *pending]):
            patience = _PATIENCE * abs(there - _ended_at(market, there))
            if not is_final(walked) and asked_at(walked) <= now - patience:
                yield market.condition_id
        sweep = _HOUR * self._run.settings.resolutions.sweep_hours
        swept = ask.time_of("swept") or 0.0
        if sweep and swept <= now - sweep:
            self._has_swept = True
            open_ones = (market for market in known.each() if not market.closed)
            for market, walked in ask.with_state(open_ones):
                if not is_final(walked) and asked_at(walked) <= now - sweep:
                    yield market.condition_id

    def finish(self) -> None:
        """Note up to when all was asked, unless something failed."""
        if self._gone is not None:
            raise self._gone
        failed = self._run.tally.counts().get(DATASET)
        before = self._failed.jobs_failed if self._failed else 0
        if self._is_whole and (failed is None or failed.jobs_failed == before):
            times = {"planned": self._began}
            if self._has_swept:
                times["swept"] = self._began
            self._askable.save(**times)

    # Asking

    def job(self, conditions: tuple[str, ...]) -> Job:
        """The questions about some markets."""
        more = f" and {len(conditions) - 1} more" if len(conditions) > 1 else ""
        what = f"resolutions of {conditions[0]}{more}"
        return Job(what, partial(self._ask, conditions))

    def _ask(self, conditions: Sequence[str]) -> None:
        """Ask about markets of ids of one length, and single out what is refused."""
        self._run.check()
        if self._gone is not None:
            return
        try:
            self._ask_as_taken(conditions)
        except Gone as error:
            self._gone = error
        except Refused as error:
            if len(conditions) > 1:
                middle = len(conditions) // 2
                self._ask(conditions[:middle])
                self._ask(conditions[middle:])
                return
            reading = Reading(self._run, DATASET, {"condition": list(conditions)})
            reading.subject(conditions[0], REFUSED, detail=str(error))
            reading.end(REFUSED, detail=str(error))

    def _ask_as_taken(self, conditions: Sequence[str]) -> None:
        """Ask by the ids as they are; where 62 digits are refused, by 64 from then on.

        Some routes know such markets only by the padded id.
        """
        is_short = len(conditions[0]) == 64
        if not (is_short and self._pads):
            try:
                self._read(conditions, spelled=conditions)
            except Gone:
                raise
            except Refused:
                if not is_short:
                    raise
            else:
                return
        self._read(conditions, spelled=[one + "00" for one in conditions])
        self._pads = True

    def _read(self, conditions: Sequence[str], *, spelled: Sequence[str]) -> None:
        run = self._run
        reading = Reading(run, DATASET, {"condition": list(spelled)})
        asked = {same_market(one): one for one in conditions}
        answer, found = run.data.load(
            PATH,
            [("condition", ",".join(spelled))],
            partial(_parse, asked=asked.keys()),
            groups=GROUPS,
        )
        taken = reading.take(answer, found, partial(_condition_row, asked=asked))
        rows = {one.row["asked_condition_id"]: one.row for one in taken}
        fresh = self._catalogue.changed(DATASET, [one.row for one in taken])
        reading.keep(fresh)
        self._read_disputes(reading, fresh)
        for condition in conditions:
            outcome = _outcome(rows.get(condition))
            due = None if outcome == FINAL else self._why_due(condition, rows)
            reading.subject(condition, outcome, due=due)
        reading.end()

    def _read_disputes(self, reading: Reading, rows: Iterable[Row]) -> None:
        """Ask by question what was proposed, where that was disputed."""
        for row in rows:
            question = row.get("question_id")
            disputed = row.get("was_disputed") or row.get("status") in _IN_DISPUTE
            if not (question and disputed):
                continue
            try:
                answer, found = self._run.data.load(
                    PATH, [("question_id", question)], _listed, groups=GROUPS
                )
            except Refused as error:
                log.warning("nothing is told of a disputed question: %s", error)
                continue
            asked = row["asked_condition_id"]
            taken = reading.take(answer, found, partial(_question_row, asked=asked))
            told = [one.row for one in taken]
            reading.keep(self._catalogue.changed(DATASET, told))

    def _why_due(self, condition: str, rows: Mapping[str, Row]) -> str | None:
        """Why a market without a final answer is to be asked about again, if it is."""
        status = (rows.get(condition) or {}).get("status")
        if status is not None and status not in UNDISPUTED:
            return str(status)
        market = self._catalogue.market(condition)
        return "closed" if market is not None and market.closed else None


def _outcome(row: Row | None) -> str:
    """What an answer means for the next run."""
    if row is None:
        return ABSENT
    return FINAL if row.get("status") == "resolved" and row.get("payouts") else OPEN


def _parse(body: bytes, *, asked: Iterable[str]) -> list[Any]:
    """Read the rows; UnexpectedPayload if they are of other markets."""
    found = _listed(body)
    wanted = set(asked)
    for row in found:
        condition = row.get("condition_id") if isinstance(row, dict) else None
        if isinstance(condition, str) and same_market(condition) not in wanted:
            raise UnexpectedPayload(f"it speaks of {condition}, which was not asked")
    return found


def _listed(body: bytes) -> list[Any]:
    value = parse_json(body)
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, list):
        raise UnexpectedPayload("it has no list 'data'")
    return data


def _condition_row(item: Any, *, asked: Mapping[str, str]) -> Row:
    row = _row(item, "condition")
    condition = row.get("condition_id")
    if not condition:
        raise Misfit("it names no market")
    return row | {"asked_condition_id": asked[same_market(condition)]}


def _question_row(item: Any, *, asked: str) -> Row:
    return _row(item, "question") | {"asked_condition_id": asked}


def _row(item: Any, selector: str) -> Row:
    if not isinstance(item, dict):
        raise Misfit("a resolution is not a JSON object")
    row = _CONVERTER.row(item, without=frozenset({resolutions.BLOCK}))
    block = item.get(resolutions.BLOCK)
    if block is not None and (isinstance(block, bool) or not isinstance(block, int)):
        raise Misfit(f"{resolutions.BLOCK}: a whole number expected, not {block!r}")
    row[resolutions.BLOCK] = block
    return row | {"selector": selector, "content_hash": digest(item)}


def _ended_at(market: CatalogueMarket, now: float) -> float:
    """When trading ended, or is to end; now if nobody says."""
    known = market.closed_at if market.closed else market.end_at
    return now if known is None else float(known)


def _is_windowed(run: Run) -> bool:
    return run.options.since is not None or run.options.until is not None


def _ended_within(run: Run, market: CatalogueMarket) -> bool:
    ended = market.closed_at if market.closed_at is not None else market.end_at
    if ended is None:
        return False
    since, until = run.options.since, run.options.until
    return (since is None or ended >= since) and (until is None or ended < until)
