"""Bring the markets up to date: what is new or changed, or the whole catalogue."""

from __future__ import annotations

import threading

from fetcher.polymarket import catalogue, full_pass, selection
from fetcher.polymarket.gamma import EVENTS, MARKETS
from fetcher.polymarket.lookup import ask_listing, look_up
from fetcher.polymarket.news import news_jobs
from fetcher.run import Run

__all__ = ["fetch_markets", "look_up"]


def fetch_markets(run: Run) -> None:
    """Store new and changed markets, or those that the run's options select.

    The first run, one with --full or --fresh, and one after an unfinished pass walk
    the whole catalogue.
    """
    if selection.chosen(run) is not None:
        return
    if full_pass.is_due(run, MARKETS):
        full_pass.walk_in_full(run, (MARKETS, EVENTS))
    if run.stop.is_set():
        return
    disorder = threading.Event()
    run.jobs("markets", news_jobs(run, MARKETS, on_disorder=disorder.set))
    known = catalogue.of(run)
    now = known.service_time(run.clock())
    asked = known.watched(now) + (known.overdue(now) if disorder.is_set() else [])
    ids = [market.id for market in asked]
    ask_listing(run, MARKETS, "id", ids)
