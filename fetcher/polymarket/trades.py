"""Fetch trades so that nothing is lost, and so that it can be shown.

In order: find out which version serves them; bring the feed up to date (feed.py); ask
Gamma for the markets that it named, known or not; read the exchange's totals; walk the
markets that are due (market_walk.py); read the totals again.
Each step can be stopped, and the next run goes on from what is durable.
"""

from __future__ import annotations

import logging

from fetcher.polymarket import selection
from fetcher.polymarket.due import unique
from fetcher.polymarket.feed import horizon_of
from fetcher.polymarket.feeds import Feeds
from fetcher.polymarket.follow_up import Totals, refresh_named, unknown_markets
from fetcher.polymarket.market_jobs import MarketJobs
from fetcher.polymarket.trade_work import TradeWork
from fetcher.polymarket.user_jobs import walk_deep_history, walk_wallets
from fetcher.polymarket.version import service_of
from fetcher.run import Options, Run
from settings.errors import UsageError

log = logging.getLogger(__name__)


def fetch_trades(run: Run) -> None:
    """Bring the trades of the whole exchange, or of what was chosen, up to date."""
    service = service_of(run)
    work = TradeWork(run, service, began=service.now())
    if run.options.fresh:
        _forget(work)
    if run.options.wallets:
        walk_wallets(work)
        return
    if is_about_everything(run.options):
        _whole_exchange(work)
    else:
        _chosen_markets(work)
    if run.options.deep_history and not run.stop.is_set():
        walk_deep_history(work)


def is_about_everything(options: Options) -> bool:
    """Whether a run asks for all trades of all markets."""
    windowed = options.since is not None or options.until is not None
    return not selection.selects(options) and not windowed


def _whole_exchange(work: TradeWork) -> None:
    run = work.run
    run_began = run.clock()
    failed_before = _failed(run)
    feeds, markets = Feeds(work), MarketJobs(work)
    feeds.bring_up_to_date()
    run.check()
    refresh_named(work)
    run.check()
    totals = Totals(work)
    totals.want(work.named.known())
    found = unknown_markets(work)
    due = {
        dataset: unique([*markets.due(dataset), *found.get(dataset, [])])
        for dataset in work.datasets
    }
    totals.want(one.condition_id for one in due["trades"])
    totals.read(one.condition_id for one in due["trades"])
    run.check()
    markets.walk(due, also=feeds.discovery_jobs())
    while found := unknown_markets(work):  # what the discovery has named
        totals.want(one.condition_id for one in found["trades"])
        markets.walk(found)
    run.check()
    totals.read_wanted()
    run.check()
    feeds.close_gaps()
    feeds.names_are_settled()
    if _failed(run) == failed_before:
        markets.planned(run_began)


def _chosen_markets(work: TradeWork) -> None:
    run = work.run
    options = run.options
    since = options.since
    chosen = selection.chosen(run)
    markets = MarketJobs(work)
    if chosen is None:
        in_reach = since is not None and since >= horizon_of(work.service.latest())
        if in_reach and work.service.version == "v2":
            markets.walk_feed_window()
            return
        chosen = markets.alive_in_window()
        if not chosen and not work.catalogue.counts()["markets"]:
            raise UsageError(
                "The markets of a window are found in the catalogue, and there is none "
                "yet. Run `fetch --mode markets` first, or name markets with --market."
            )
    totals = Totals(work)
    candidates = {
        dataset: markets.of_chosen(dataset, chosen) for dataset in work.datasets
    }
    ids = [one.condition_id for one in candidates["trades"]]
    totals.want(ids)
    totals.read(ids)
    run.check()
    markets.walk(candidates, only={one.condition_id for one in chosen})
    run.check()
    totals.read_wanted()


def _forget(work: TradeWork) -> None:
    """Let go of what was saved: `--fresh` walks everything again, deleting nothing."""
    work.drop(work.saved_chains().values(), "--fresh")
    work.keep(
        feed=None,
        taker_feed=None,
        discovery=None,
        trades_planned=None,
        trades_named_since=None,
    )
    work.run.writer.flush()


def _failed(run: Run) -> int:
    return sum(counts.jobs_failed for counts in run.tally.counts().values())
