"""What the feed has named, and what the exchange says was traded in all."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial

from fetcher.polymarket.due import UNKNOWN_MARKET, candidates
from fetcher.polymarket.lookup import look_up
from fetcher.polymarket.planner import Candidate
from fetcher.polymarket.totals import Wanted, read_totals, totals_requests
from fetcher.polymarket.trade_work import TradeWork
from fetcher.polymarket.walk_rows import due_row, walks_table
from fetcher.run import Job
from lake.batch import Batch

log = logging.getLogger(__name__)

TOTALS = "live_volume"
MORE_THAN_DUST = 1.0  # shares; fills below 0.01 are counted and never served


def unknown_markets(work: TradeWork) -> dict[str, list[Candidate]]:
    """Look up the markets that were named and are not in the catalogue.

    Returns, for each dataset, those that no walk covers. What Gamma does
    not have either (combos) is noted as due and walked by its condition id alone.
    """
    named = work.named.take()
    unknown = work.catalogue.never_listed(named)
    if not unknown:
        return {}
    look_up(work.run, unknown, [named[one] for one in unknown if named[one]])
    nowhere = set(work.catalogue.never_listed(unknown))
    found: dict[str, list[Candidate]] = {}
    rows = []
    for dataset in work.datasets:
        covered = work.covered(dataset, unknown)
        due = [condition for condition in unknown if condition not in covered]
        found[dataset] = candidates(work.catalogue, due)
        now = work.service.now()
        rows += [
            due_row(dataset, condition, UNKNOWN_MARKET, now)
            for condition in due
            if condition in nowhere
        ]
    if rows:
        work.run.writer.put(Batch(rows={"walks": walks_table(rows)}))
    return found if any(found.values()) else {}


def refresh_named(work: TradeWork) -> None:
    """Ask Gamma again for the listed markets that the feed named: they have changed.

    Costs requests in proportion to the markets that traded since the last run.
    """
    listed = work.catalogue.by_condition(work.named.known())
    look_up(work.run, listed)


class Totals:
    """The totals that a run asks for: before its market walks, and after them."""

    def __init__(self, work: TradeWork) -> None:
        self._work = work
        self._wanted: set[str] = set()

    def want(self, conditions: Iterable[str]) -> None:
        """Ask for these markets at the end of the run."""
        self._wanted |= {condition.lower() for condition in conditions}

    def read(self, conditions: Iterable[str]) -> None:
        """Ask now for the totals of these markets' events."""
        work = self._work
        if work.service.version != "v2":
            return
        by_event: dict[str, set[str]] = {}
        for condition, market in work.catalogue.by_condition(conditions).items():
            if market.event_id:
                by_event.setdefault(market.event_id, set()).add(condition)
        jobs = [
            Job(f"totals of {len(part)} events", partial(self._read, part), TOTALS)
            for part in totals_requests(by_event)
        ]
        work.run.jobs("trades", jobs, total=len(jobs))

    def read_wanted(self) -> None:
        """Ask for all that was wanted."""
        wanted, self._wanted = self._wanted, set()
        self.read(wanted)

    def _read(self, wanted: Wanted) -> None:
        work = self._work
        with work.run.tally.working_on(TOTALS):
            batch = read_totals(work.run.data, work.service, wanted)
            work.run.writer.put(batch)
            totals = batch.rows[TOTALS].select(["condition_id", "taker_volume"])
            work.traded |= {
                one["condition_id"].lower()
                for one in totals.to_pylist()
                if one["taker_volume"] > MORE_THAN_DUST
            }
            work.run.tally.add(TOTALS, rows_seen=totals.num_rows)
