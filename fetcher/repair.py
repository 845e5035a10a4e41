"""Walk again the markets of which rows are missing."""

from __future__ import annotations

import logging

from fetcher.modes import Phase, phases
from fetcher.polymarket.walk_rows import due_row, walks_table
from fetcher.run import Run
from fetcher.verify import verify
from lake.batch import Batch

log = logging.getLogger(__name__)

REASON = "missing_rows"

MARK = Phase("trades", "fetcher.repair", "mark_due", group="data_v2_trades")


def repairing() -> tuple[Phase, ...]:
    """What a repair does: mark what is missing, then walk what is due.

    Wallets that are remembered are brought up to date on the way.
    """
    return (MARK, *phases("trades"), *phases("activity"))


def mark_due(run: Run) -> None:
    """Mark the markets of every walk that lacks rows as due for another walk."""
    report = verify(run.lake, deep=True, stop=run.stop)
    for problem in report.problems:
        log.warning("%s: %s %s", problem.dataset, problem.what, problem.why)
    due = {(one.dataset, key) for one in report.unbalanced for key in one.keys}
    if not due:
        log.info("no walk lacks rows; going on with what is due anyway")
        return
    log.info("%d markets are walked again", len({key for _, key in due}))
    now = run.clock()
    rows = [due_row(dataset, key, REASON, now) for dataset, key in sorted(due)]
    run.writer.put(Batch({"walks": walks_table(rows)}))
    run.writer.fold()  # what is due is read from the walk state
