"""`fetch --mode positions`: the largest wallets of the selected markets, by cron."""

from __future__ import annotations

import time
from functools import partial

from bronze import DATASETS
from fetcher.errors import Refused
from fetcher.live.clock import SECOND_NS
from fetcher.live.positions import HOLDERS, POSITIONS, largest, poll_rows, state_of
from fetcher.live.store import table_of
from fetcher.polymarket import selection
from fetcher.polymarket.planner import in_shard
from fetcher.run import Job, Run
from lake.batch import Batch
from lake.walk_id import new_walk_id
from settings.errors import UsageError

DATASET = "position_snapshots"


def fetch_positions(run: Run) -> None:
    """Ask who holds most of each selected market; UsageError where none is."""
    chosen = selection.chosen(run)
    if chosen is None:
        raise UsageError(
            "--mode positions asks market by market: name some with --market, --event, "
            "--tag, --limit or --min-volume."
        )
    jobs = [
        Job(f"{source} of {market}", partial(_read, run, market, source))
        for market in (one.condition_id for one in chosen)
        if market and in_shard(market, run.options.shard)
        for source in (POSITIONS, HOLDERS)
    ]
    run.jobs(DATASET, jobs, total=len(jobs))


def _read(run: Run, market: str, source: str) -> None:
    run.check()
    asked_ns = time.time_ns()
    wallets = run.settings.capture.positions_wallets
    problem = None
    try:
        age, holdings, whole = largest(run.data, market, source, wallets)
    except Refused as error:
        age, holdings, whole, problem = None, [], False, str(error)
    walk_id = new_walk_id("reading", now=asked_ns / SECOND_NS)
    state = "failed" if problem else state_of(holdings, whole)
    rows = poll_rows(
        market, source, state, asked_ns, age, holdings, problem,
        now_ns=time.time_ns(), walk_id=walk_id, number=0,
    )  # fmt: skip
    run.tally.add(DATASET, rows_seen=len(holdings))
    tables = {name: table_of(DATASETS[name], some) for name, some in rows.items()}
    run.writer.put(Batch(tables))
