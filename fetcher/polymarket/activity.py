"""Fetch wallets whole: all they did, what they hold, and what they have made.

A wallet that was named once is remembered, in bronze `walks`, and later runs without
`--wallet` bring it up to date. Its first walk goes to the beginning of time; the next
ones go down to where the one before began, and a little further for rows that came
late. They cost one request for a wallet that did nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from bronze.activity import ACTIVITY, REQUIRED
from fetcher.answer import Answer
from fetcher.modes import ALL
from fetcher.polymarket import selection
from fetcher.polymarket.asking import ask
from fetcher.polymarket.chain import Chain, End, ended, is_unreadable, new_chain
from fetcher.polymarket.planner import in_shard
from fetcher.polymarket.trade_layout import Layout
from fetcher.polymarket.trade_rows import TradePage, read_page
from fetcher.polymarket.user_walk import FULL_HISTORY, walk_to_end
from fetcher.polymarket.version import DataService, find_service
from fetcher.polymarket.wallet_says import fetch_pnl, fetch_positions
from fetcher.run import Job, Run
from lake.batch import Batch, CursorChange
from lake.walk_state import Walked
from settings.errors import PolylakeError, UsageError

log = logging.getLogger(__name__)

DATASET = "activity"
PATH = "/v2/activity"
GROUPS = ("data_v2_all",)
OF_ACTIVITY = Layout(ACTIVITY, frozenset(REQUIRED), "proxy_wallet")
SAYS_EVERY_SECONDS = 86_400  # what a quiet wallet holds is asked for once a day


def fetch_activity(run: Run) -> None:
    """Bring the wallets that were named, or all that are remembered, up to date."""
    options = run.options
    if not options.wallets and options.mode == ALL:
        return
    if options.mode == DATASET and selection.selects(options):
        raise UsageError(
            "--mode activity is about whole wallets: name them with --wallet, without "
            "options that choose markets."
        )
    saved = saved_chains(run)
    wallets = options.wallets or remembered(run, saved)
    if not wallets:
        if options.mode == DATASET:
            raise UsageError(
                "No wallet is known yet: name one with --wallet ADDRESS. Runs after "
                "that bring it up to date by themselves."
            )
        return
    service = find_service(run.data, run.settings.apis.data.version, run.clock)
    if service.version != "v2":
        raise PolylakeError(
            "What wallets did is walked by Data API v2 only, and it is gone or "
            "switched off (apis.data.version). v1 stops at an offset, before the end "
            "of most histories."
        )
    work = WalletWork(run, service)
    if options.fresh:
        for chain in saved.values():
            end = End("dropped", detail="--fresh")
            run.writer.put(ended(chain, end, now=service.now()))
        saved = {}
    mine = [one for one in wallets if in_shard(one, options.shard)]
    known = run.lake.walk_state().walked(DATASET, mine)
    jobs = [
        Job(
            f"activity of {wallet}",
            partial(work.walk, wallet, saved.get(wallet), known.get(wallet)),
        )
        for wallet in mine
    ]
    run.jobs(DATASET, jobs, total=len(jobs))


def remembered(run: Run, saved: dict[str, Chain]) -> list[str]:
    """Every wallet that was ever walked, or whose walk is under way."""
    return sorted({*run.lake.walk_state().keys(DATASET), *saved})


def saved_chains(run: Run) -> dict[str, Chain]:
    """The saved walks, by wallet, that can go on."""
    chains: dict[str, Chain] = {}
    for walk_id, saved in dict(run.cursor.walks).items():
        if not isinstance(saved, dict) or saved.get("dataset") != DATASET:
            continue
        if is_unreadable(saved):
            log.warning("The saved walk %s is unreadable and starts over", walk_id)
            run.writer.put(Batch({}, cursor=CursorChange(walks={walk_id: None})))
        else:
            chain = Chain.load(walk_id, saved)
            chains[chain.filter["user"]] = chain
    return chains


@dataclass(frozen=True)
class WalletWork:
    """One run's walks over wallets."""

    run: Run
    service: DataService

    def walk(self, wallet: str, saved: Chain | None, known: Walked | None) -> None:
        """Walk what the wallet did, and ask what the exchange says of it."""
        run, options = self.run, self.run.options
        ended_at = None
        if known is not None and not known.due and known.to_end_at is not None:
            ended_at = known.to_end_at.timestamp()
        chain = self._chain(wallet, ended_at)
        served = 0
        if saved is not None and _goes_on_as(chain, saved):
            served += self._take(saved)
            chain = self._chain(wallet, saved.started_at)  # what came since
        elif saved is not None:
            end = End("dropped", detail="another stretch was asked for")
            run.writer.put(ended(saved, end, now=self.service.now()))
        served += self._take(chain)
        if served or options.wallets or options.fresh or self._is_old(wallet):
            for batch in (
                *fetch_positions(run.data, self.service, run.lake.storage, wallet),
                *fetch_pnl(run.data, self.service, run.lake.storage, wallet),
            ):
                run.writer.put(batch)
                run.check()

    def _chain(self, wallet: str, ended_at: float | None) -> Chain:
        """A new walk: of the window, of all, or down to where the last one began."""
        options = self.run.options
        start = options.since or 0
        if ended_at is not None and not options.fresh and not self._is_windowed:
            start = int(ended_at) - self.run.settings.trades.overlap_seconds
        filters = {
            "user": wallet,
            "start": str(max(start, FULL_HISTORY)),
            "exclude_deposits_withdrawals": "false",
        }
        if options.until is not None:
            filters["end"] = str(options.until - 1)  # the service means it inclusively
        return new_chain(
            DATASET, "activity", filters, (wallet,), now=self.service.now()
        )

    @property
    def _is_windowed(self) -> bool:
        return self.run.options.since is not None or self.run.options.until is not None

    def _take(self, chain: Chain) -> int:
        """Store a walk, and return how many rows it was served."""
        served = 0
        for batch in self._batches(chain):
            self.run.writer.put(batch)
            served += self._count(batch)
            self.run.check()
        return served

    def _batches(self, chain: Chain) -> Iterator[Batch]:
        start = int(chain.filter["start"])
        reached = 0 if start == FULL_HISTORY else start
        end = End("window" if self._is_windowed else "end", reached)
        margin = self.service.lag_seconds + self.run.settings.trades.margin_seconds
        storage = self.run.lake.storage
        return walk_to_end(
            self._ask, self.service, storage, chain, end, margin_seconds=margin
        )

    def _ask(self, chain: Chain) -> tuple[Answer, TradePage]:
        read = partial(read_page, layout=OF_ACTIVITY)
        return ask(self.run.data, chain, path=PATH, read=read, groups=GROUPS)

    def _count(self, batch: Batch) -> int:
        rows = batch.rows[DATASET].num_rows if DATASET in batch.rows else 0
        said = batch.rows["walks"].select(["kind", "rows_served"]).to_pylist()
        served = int(sum(r["rows_served"] for r in said if r["kind"] == "page"))
        self.run.tally.add(DATASET, rows_seen=served, quarantined=served - rows)
        return served

    def _is_old(self, wallet: str) -> bool:
        told = self.run.lake.walk_state().walked("positions", [wallet]).get(wallet)
        if told is None or told.to_end_at is None:
            return True
        age = self.service.now() - told.to_end_at.timestamp()
        return age > SAYS_EVERY_SECONDS


def _goes_on_as(chain: Chain, saved: Chain) -> bool:
    """Whether a saved walk is one that this run would begin, only further on."""
    if saved.filter.get("end") != chain.filter.get("end"):
        return False
    return int(saved.filter["start"]) <= int(chain.filter["start"])
