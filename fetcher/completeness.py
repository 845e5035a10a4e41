"""How many markets are complete, as far as the walks alone can tell.

The warehouse adds the exchange's totals and what each transaction says of itself:
`warehouse completeness` is the judge, this is the count at the end of a run.
"""

from __future__ import annotations

from fetcher.polymarket import catalogue
from fetcher.run import Run
from fetcher.summary import Completeness

TRADES = "trades"


def completeness(run: Run) -> Completeness:
    """Count the markets by how far they were walked.

    Complete: to their end, and not due again. Partial: the others of which anything
    was walked or seen. Unknown: the rest of the catalogue.
    """
    state = run.lake.walk_state()
    counts = state.counts(TRADES)
    due = state.walked(TRADES, state.due(TRADES))
    walked_and_due = sum(one.to_end_at is not None for one in due.values())
    complete = counts.to_end - walked_and_due
    listed = catalogue.of(run).counts()["markets"]
    return Completeness(
        complete=complete,
        partial=counts.known - complete,
        unknown=max(0, listed - counts.known),
    )
