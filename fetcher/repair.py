"""Fetch again what is missing: lost rows, damaged files, what the totals say is short.

A repair ends: a market is walked again until two whole walks agree. What both do not
show is a hole of the exchange's own, and is left.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bronze import DATASETS
from fetcher.judged import judged
from fetcher.mending import REASON, forget_derived, mark
from fetcher.modes import Phase, phases
from fetcher.polymarket.walk_rows import due_row, walks_table
from fetcher.run import Run
from fetcher.verify import Report, balance
from lake.batch import Batch
from lake.damage import SetAside, note_mended, notes
from lake.lake import Lake

log = logging.getLogger(__name__)

MARK = Phase("trades", "fetcher.repair", "mark_due", group="data_v2_trades")
AGAIN = Phase("markets", "fetcher.repair", "fetch_again", group="gamma_markets")


def repairing() -> tuple[Phase, ...]:
    """What a repair does: mark what is missing, then walk what is due.

    Wallets that are remembered are brought up to date on the way.
    """
    return (MARK, AGAIN, *phases("trades"), *phases("activity"))


def mark_due(run: Run) -> None:
    """Mark as due the markets of every walk that lacks rows, and of every one that the
    warehouse knows to be short."""
    report = Report()
    balance(run.lake, report, deep=True)
    for problem in report.problems:
        log.warning("%s: %s %s", problem.dataset, problem.what, problem.why)
    forget_derived(run.lake, run.writer.put, _not_mended(run.lake))
    marked = mark(run.lake, run.writer.put, report.unbalanced, short=_short(run))
    if not marked:
        log.info("nothing is known to be lost or short; going on with what is due")
        return
    log.info("%d markets are walked again", marked)
    run.writer.fold()  # what is due is read from the walk state


def _short(run: Run) -> list[str]:
    """What the warehouse says is short, unless it was walked since it said so."""
    found = judged(run.settings.paths.warehouse)
    if found.exchange_holes:
        log.info(
            "%d markets have holes of the exchange's own; they are left as they are",
            found.exchange_holes,
        )
    walked = run.lake.walk_state().walked("trades", found.mendable)
    short = []
    for condition, known_end in found.mendable.items():
        ended = walked[condition].to_end_at if condition in walked else None
        if ended is None or (known_end is not None and ended <= known_end):
            short.append(condition)
    return short


# What was in files that were set aside


def fetch_again(run: Run) -> None:
    """Ask again for what was in damaged files of other datasets than walked ones."""
    files = _not_mended(run.lake)
    by_dataset: dict[str, list[SetAside]] = {}
    for one in files:
        by_dataset.setdefault(one.dataset, []).append(one)
    for dataset, some in by_dataset.items():
        before = len(run.tally.failures())
        again = _AGAIN.get(dataset)
        if again is not None:
            log.info("%s: fetching again what was in %d files", dataset, len(some))
            again(run, some)
        elif DATASETS[dataset].chain is None and dataset != "walks":
            log.warning(
                "%s: %d rows are lost for good: the exchange tells only the present",
                dataset,
                sum(one.rows for one in some),
            )
        run.check()
        if len(run.tally.failures()) == before:
            note_mended(run.lake, some)


def _catalogue(run: Run, files: Iterable[SetAside]) -> None:
    """One pass over all markets and events: it stores what the lake does not hold."""
    again = replace(run, options=replace(run.options, full=True))
    for phase in (*phases("markets"), *phases("events")):
        with run.tally.timed(phase.dataset):
            phase(again)


def _prices(run: Run, files: Iterable[SetAside]) -> None:
    """The days of the files, whole; days that follow each other together."""
    days = sorted({datetime.fromisoformat(one.day) for one in files})
    stretches: list[list[datetime]] = []
    for day in days:
        if stretches and day - stretches[-1][-1] == timedelta(days=1):
            stretches[-1].append(day)
        else:
            stretches.append([day])
    for stretch in stretches:
        since = int(stretch[0].replace(tzinfo=UTC).timestamp())
        until = int((stretch[-1] + timedelta(days=1)).replace(tzinfo=UTC).timestamp())
        again = replace(run, options=replace(run.options, since=since, until=until))
        for phase in phases("prices"):
            with run.tally.timed(phase.dataset):
                phase(again)


def _resolutions(run: Run, files: Iterable[SetAside]) -> None:
    """Every market that was ever asked about."""
    now = run.clock()
    keys = run.lake.walk_state().keys("resolutions")
    rows = [due_row("resolutions", key, REASON, now) for key in keys]
    if rows:
        run.writer.put(Batch({"walks": walks_table(rows)}))
        run.writer.fold()
    for phase in phases("resolutions"):
        with run.tally.timed(phase.dataset):
            phase(run)


_AGAIN: dict[str, Callable[[Run, Iterable[SetAside]], None]] = {
    "markets": _catalogue,
    "events": _catalogue,
    "clob_markets": _catalogue,
    "prices": _prices,
    "price_windows": _prices,
    "resolutions": _resolutions,
}


def _not_mended(lake: Lake) -> list[SetAside]:
    return [one for one in notes(lake) if not one.mended]
