"""Bring the events up to date, with their series and tags."""

from __future__ import annotations

from fetcher.polymarket import catalogue, full_pass, selection
from fetcher.polymarket.gamma import EVENTS
from fetcher.polymarket.holes import events_to_refresh
from fetcher.polymarket.lookup import ask_listing, bring_events
from fetcher.polymarket.news import news_jobs
from fetcher.run import Run


def fetch_events(run: Run) -> None:
    """Store new and changed events, or those of the markets that the run selects.

    An event also counts as changed when one of its markets was stored in this run.
    """
    chosen = selection.chosen(run)
    if chosen is not None:
        bring_events(run, sorted({m.event_id for m in chosen if m.event_id}))
        return
    known = catalogue.of(run)
    if full_pass.is_due(run, EVENTS):
        full_pass.walk_in_full(run, (EVENTS,))
    if run.stop.is_set():
        return
    run.jobs("events", news_jobs(run, EVENTS, on_disorder=lambda: None))
    if EVENTS.name not in known.walked_in_full:
        ids = events_to_refresh(known)
        found = ask_listing(run, EVENTS, "id", ids)
        bring_events(run, [i for i in ids if i not in found])
