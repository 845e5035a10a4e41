"""Walks over wallets: those that were named, or all that may hold old fills."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from fetcher.polymarket import selection
from fetcher.polymarket.chain import Chain
from fetcher.polymarket.due import ended_at
from fetcher.polymarket.feed import DAY
from fetcher.polymarket.market_walk import WINDOW_DAYS
from fetcher.polymarket.trade_work import TradeWork
from fetcher.polymarket.user_walk import user_chain, walk_user, wallets_of
from fetcher.run import Job
from settings.errors import PolylakeError


def walk_wallets(work: TradeWork) -> None:
    """Walk all fills of the wallets that were named, or those in a window."""
    options = work.run.options
    _walk(
        work,
        [wallet.lower() for wallet in options.wallets],
        since=options.since,
        until=options.until,
    )


def walk_deep_history(work: TradeWork) -> None:
    """Walk every known wallet's fills from before what market walks reach."""
    run = work.run
    chosen = selection.chosen(run)
    conditions = None if chosen is None else [m.condition_id for m in chosen]
    stored = wallets_of(run.lake.files("trades"), conditions)
    wallets = sorted(work.wallets.union(stored))
    ended = (
        {} if run.options.fresh else ended_at(run.lake.walk_state(), "trades", wallets)
    )
    edge = int(work.service.latest()) - (WINDOW_DAYS - 1) * DAY
    _walk(work, [one for one in wallets if one not in ended], until=edge, deep=True)


def _walk(
    work: TradeWork,
    wallets: Iterable[str],
    *,
    since: int | None = None,
    until: int | None = None,
    deep: bool = False,
) -> None:
    if work.service.version != "v2":
        raise PolylakeError(
            "Wallets can be walked by Data API v2 only, and it is gone or switched off "
            "(apis.data.version)."
        )
    saved = {
        (chain.dataset, chain.filter.get("user"), chain.filter.get("start")): chain
        for chain in work.saved_chains().values()
        if chain.strategy == "user"
    }
    jobs = []
    for wallet in wallets:
        for dataset in work.datasets:
            chain = user_chain(
                dataset, wallet, now=work.service.now(), since=since, until=until
            )
            old = saved.get((dataset, wallet, chain.filter["start"]))
            if old is not None and old.filter.get("end") == chain.filter.get("end"):
                chain = old
            job = partial(_one, work, chain, deep)
            jobs.append(Job(f"{dataset} of {wallet}", job, dataset))
    work.run.jobs("trades", jobs, total=len(jobs))


def _one(work: TradeWork, chain: Chain, deep: bool) -> None:
    storage = work.run.lake.storage
    batches = walk_user(work.ask, work.service, storage, chain, deep=deep)
    work.drain(chain.dataset, batches)
