"""How many markets are complete, as far as the walks alone can tell.

A walk to the end is necessary and not sufficient: the warehouse adds the exchange's
totals and what each transaction says of itself. `warehouse completeness` is the judge,
and this is the count at the end of a run, of what can be complete at most.
"""

from __future__ import annotations

from fetcher.polymarket import catalogue
from fetcher.run import Run
from fetcher.summary import Completeness

TRADES = "trades"


def completeness(run: Run) -> Completeness:
    """Count the markets by how far they were walked.

    Complete: to the end of their history, and not due again. Partial: the others of
    which anything was walked or seen, also those whose history begins before what is
    served. Unknown: markets that nobody walked, and walked ones that Gamma does not
    list (combos), of which the exchange names no total.
    """
    state = run.lake.walk_state()
    counts = state.counts(TRADES)
    known = catalogue.of(run)
    unlisted = known.never_listed(state.unusual(TRADES))
    whole = sum(one.is_whole for one in state.walked(TRADES, unlisted).values())
    seen = counts.known - len(unlisted)
    never_seen = max(0, known.counts()["markets"] - seen)
    return Completeness(
        complete=counts.whole - whole,
        partial=counts.known - counts.whole,
        unknown=never_seen + whole,
        walked_to_end=counts.to_end,
    )
