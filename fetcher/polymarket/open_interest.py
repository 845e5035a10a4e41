"""Open interest: read again where something was traded or the catalogue changed.

Once in a while all open markets are read. Beside them, each run reads the number of
the whole exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from fetcher.answer import Answer, parse_json
from fetcher.errors import Gone, Refused, UnexpectedPayload
from fetcher.modes import ALL
from fetcher.polymarket import catalogue, selection
from fetcher.polymarket.askable import (
    DAY,
    Askable,
    asked_at,
    changed_since_asked,
    packs,
)
from fetcher.polymarket.chain import same_market
from fetcher.polymarket.numbers import finite
from fetcher.polymarket.planner import in_shard
from fetcher.polymarket.reading import Reading
from fetcher.polymarket.traded_markets import Seen, Traded, seen_now, traded_since
from fetcher.polymarket.typed_rows import Misfit, Row, compact_json
from fetcher.polymarket.version import DataService, service_of
from fetcher.run import Job, Run
from fetcher.saved import restored
from settings.errors import UsageError

DATASET = "open_interest"
GLOBAL = "GLOBAL"
# path, groups, and what the service calls the market, by version
ROUTES = {
    "v2": ("/v2/oi", ("data_v2_all",), "condition", "condition_id"),
    "v1": ("/oi", ("data_v1_all",), "market", "market"),
}
READ, ABSENT, REFUSED = "end", "absent", "refused"
_HOUR = 3_600


def fetch_open_interest(run: Run) -> None:
    """Read the open interest of the markets of the run that may have changed."""
    if run.options.wallets:
        if run.options.mode == ALL:
            return
        raise UsageError("--wallet chooses fills: open interest belongs to markets.")
    work = OpenInterest(run, service_of(run))
    run.jobs(DATASET, work.jobs(), total=None)
    run.check()
    work.finish()


class OpenInterest:
    """One run's readings."""

    def __init__(self, run: Run, service: DataService) -> None:
        self._run = run
        self._askable = Askable(run, DATASET)
        self._began = run.clock()
        self._is_whole = False
        self._has_swept = False
        self._trades: Seen | None = None
        self._gone: Gone | None = None
        self._path, self._groups, self._param, self._key = ROUTES[service.version]
        counts = run.tally.counts().get(DATASET)
        self._failed = counts.jobs_failed if counts else 0

    def jobs(self) -> Iterator[Job]:
        """The whole exchange, then markets by twenties."""
        if not selection.selects(self._run.options):
            yield Job("open interest of the whole exchange", partial(self._ask, ()))
        for pack in packs(self._wanted()):
            more = f" and {len(pack) - 1} more" if len(pack) > 1 else ""
            what = f"open interest of {pack[0]}{more}"
            yield Job(what, partial(self._ask, pack))

    def finish(self) -> None:
        """Note up to when all was read, unless something failed."""
        if self._gone is not None:
            raise self._gone
        counts = self._run.tally.counts().get(DATASET)
        if self._is_whole and (counts is None or counts.jobs_failed == self._failed):
            values: dict[str, Any] = {"planned": self._began}
            if self._trades is not None:
                values["trades"] = asdict(self._trades)
            if self._has_swept:
                values["swept"] = self._began
            self._askable.save(**values)

    # What to read

    def _wanted(self) -> Iterator[str]:
        run, ask, known = self._run, self._askable, catalogue.of(self._run)
        chosen = selection.chosen(run)
        if chosen is not None:
            yield from (market.condition_id for market, _ in ask.with_state(chosen))
            return
        self._is_whole = True
        found = self._traded()
        traded, self._trades = found.markets, found.seen
        planned = ask.time_of("planned")
        sweep = _HOUR * run.settings.open_interest.sweep_hours
        swept = ask.time_of("swept") or 0.0
        if planned is None or (sweep and swept <= self._began - sweep):
            self._has_swept = True
        changed = known.each(changed_since=max((planned or 0.0) - DAY, 0.0))
        for market, walked in ask.with_state(changed):
            if changed_since_asked(market, walked):
                yield market.condition_id
        listed = known.by_condition(traded).values()
        for market, walked in ask.with_state(listed):
            if asked_at(walked) < traded.get(market.condition_id, 0.0):
                yield market.condition_id
        for condition in known.never_listed(traded):
            if in_shard(condition, run.options.shard) and len(condition) == 66:
                yield condition
        if self._has_swept and planned is not None:
            open_ones = (market for market in known.each() if not market.closed)
            for market, walked in ask.with_state(open_ones):
                if asked_at(walked) <= self._began - sweep:
                    yield market.condition_id

    def _traded(self) -> Traded:
        """Markets with fills that bronze got since the last whole run, and in this."""
        self._run.writer.fold()
        seen = restored(Seen, self._askable.saved("trades"))
        if seen is None:  # the first run reads all markets anyway
            return Traded({}, seen_now(self._run.lake))
        return traded_since(self._run.lake, seen)

    # Reading

    def _ask(self, conditions: Sequence[str]) -> None:
        self._run.check()
        if self._gone is not None:
            return
        try:
            self._read(conditions)
        except Gone as error:
            self._gone = error
        except Refused as error:
            if not conditions:
                raise
            if len(conditions) > 1:
                middle = len(conditions) // 2
                self._ask(conditions[:middle])
                self._ask(conditions[middle:])
                return
            reading = Reading(self._run, DATASET, {self._param: list(conditions)})
            reading.subject(conditions[0], REFUSED, detail=str(error))
            reading.end(REFUSED, detail=str(error))

    def _read(self, conditions: Sequence[str]) -> None:
        run = self._run
        reading = Reading(run, DATASET, {self._param: list(conditions)})
        asked = {same_market(one): one for one in conditions} or {
            GLOBAL.lower(): GLOBAL
        }
        params = [(self._param, ",".join(conditions))] if conditions else []
        answer, found = run.data.load(
            self._path,
            params,
            partial(_parse, key=self._key, asked=asked.keys()),
            groups=self._groups,
        )
        taken = reading.take(answer, found, partial(_row, answer=answer, key=self._key))
        rows = [one.row for one in taken]
        reading.keep(rows)
        told = {same_market(row["condition_id"]) for row in rows}
        for name, condition in asked.items():
            reading.subject(condition, READ if name in told else ABSENT)
        reading.end()


def _parse(body: bytes, *, key: str, asked: Iterable[str]) -> list[Any]:
    """Read the rows; UnexpectedPayload if they are of other markets."""
    value = parse_json(body)
    rows = value.get("data") if isinstance(value, dict) else value
    if not isinstance(rows, list):
        raise UnexpectedPayload("it is no list of open interest")
    wanted = set(asked)
    for row in rows:
        condition = row.get(key) if isinstance(row, dict) else None
        if isinstance(condition, str) and same_market(condition) not in wanted:
            raise UnexpectedPayload(f"it speaks of {condition}, which was not asked")
    return rows


def _row(item: Any, *, answer: Answer, key: str) -> Row:
    if not isinstance(item, dict):
        raise Misfit("open interest is not a JSON object")
    condition, value = item.get(key), finite(item.get("value"))
    if not isinstance(condition, str) or not condition:
        raise Misfit("it names no market")
    if value is None:
        raise Misfit("it has no value")  # unavailable, not zero
    more = {name: item[name] for name in item if name not in (key, "value")}
    return {
        "condition_id": condition,
        "value": value,
        "age_seconds": answer.age_seconds,
        "extra": compact_json(more) if more else None,
    }
