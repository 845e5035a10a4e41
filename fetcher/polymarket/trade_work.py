"""What the parts of a trades run share: the service, the saved walks, the jobs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fetcher.answer import Answer
from fetcher.polymarket import catalogue
from fetcher.polymarket.asking import ask
from fetcher.polymarket.catalogue import Catalogue
from fetcher.polymarket.chain import Chain, End, ended, is_unreadable
from fetcher.polymarket.due import ended_at
from fetcher.polymarket.feed import Feed, feed_key
from fetcher.polymarket.market_walk import DAY, WINDOW_DAYS, MarketSource
from fetcher.polymarket.named_markets import NamedMarkets
from fetcher.polymarket.planner import begun_at
from fetcher.polymarket.trade_rows import TradePage
from fetcher.polymarket.version import DataService
from fetcher.run import Run
from fetcher.saved import fits
from lake.batch import Batch, CursorChange, Json
from settings.errors import PolylakeError

log = logging.getLogger(__name__)

DATASETS = ("trades", "taker_trades")


@dataclass
class TradeWork:
    """One run's walks over trades.

    `traded` are the markets of which the exchange counts shares (lower case).
    """

    run: Run
    service: DataService
    began: float
    named: NamedMarkets = field(default_factory=NamedMarkets)
    walked: dict[str, dict[str, float]] = field(default_factory=dict)
    wallets: set[str] = field(default_factory=set)
    due_at: dict[tuple[str, str], float] = field(default_factory=dict)
    traded: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets to walk: both sides, and the takers' side if it is wanted."""
        return DATASETS if self.run.settings.trades.taker_walk else DATASETS[:1]

    @property
    def catalogue(self) -> Catalogue:
        """The run's catalogue."""
        return catalogue.of(self.run)

    @property
    def markets(self) -> MarketSource:
        """What market walks are given."""
        return MarketSource(
            ask=self.ask,
            service=self.service,
            storage=self.run.lake.storage,
            margin_seconds=self.run.settings.trades.margin_seconds,
            begun=self._begun,
        )

    def ask(self, chain: Chain) -> tuple[Answer, TradePage]:
        """Ask for the next page of a walk; what the feed names is remembered."""
        answer, page = ask(self.run.data, chain, has_traded=self._has_traded(chain))
        if chain.strategy == "feed":
            self.named.see(page)
        if self.run.options.deep_history:
            wallets = page.rows["proxy_wallet"].unique().to_pylist()
            with self._lock:
                self.wallets |= {wallet.lower() for wallet in wallets}
        return answer, page

    def _has_traded(self, chain: Chain) -> bool:
        """Whether the chain's markets have fills that are surely served."""
        if chain.page_no or self.traded.isdisjoint(map(str.lower, chain.scope)):
            return False
        edge = self.service.latest() - (WINDOW_DAYS + 1) * DAY
        begun = self._begun(chain.scope)
        return any(
            (begun.get(condition) or 0) > edge
            for condition in chain.scope
            if condition.lower() in self.traded
        )

    def _begun(self, conditions: tuple[str, ...]) -> Mapping[str, int | None]:
        known = self.catalogue.by_condition(conditions)
        return {key: begun_at(market) for key, market in known.items()}

    def drain(self, dataset: str, batches: Iterable[Batch]) -> None:
        """Hand the batches of a walk to the writer, until its end or the run's."""
        run = self.run
        with run.tally.working_on(dataset):
            for batch in batches:
                run.writer.put(batch)
                self._count(dataset, batch)
                run.check()

    def _count(self, dataset: str, batch: Batch) -> None:
        rows = batch.rows[dataset].num_rows if dataset in batch.rows else 0
        said = batch.rows["walks"].select(["kind", "rows_served"]).to_pylist()
        served = sum(row["rows_served"] for row in said if row["kind"] == "page")
        self.run.tally.add(dataset, rows_seen=served, quarantined=served - rows)
        if any(one.ended for one in batch.progress):
            self._remember_ended(batch)

    def _remember_ended(self, batch: Batch) -> None:
        columns = ["kind", "dataset", "key", "outcome", "started_at"]
        with self._lock:
            for row in batch.rows["walks"].select(columns).to_pylist():
                if row["kind"] == "subject" and row["outcome"] == "end":
                    at = row["started_at"].timestamp()
                    self.walked.setdefault(row["dataset"], {})[row["key"]] = at

    def covered(self, dataset: str, conditions: Iterable[str]) -> set[str]:
        """Those markets that a walk came to the end of, no earlier than the feed's
        coverage begins: an older walk leaves a hole between the two."""
        feed = self.feed(feed_key(dataset))
        least = max(feed.covered_from if feed is not None else 0, 1)
        wanted = list(conditions)
        ended = ended_at(self.run.lake.walk_state(), dataset, wanted)
        ended |= {
            condition: at
            for condition, at in self.walked.get(dataset, {}).items()
            if condition in wanted
        }
        return {condition for condition, at in ended.items() if at >= least}

    def due_since(self, dataset: str, condition: str) -> float:
        """Walks of the market that began before this do not count."""
        return self.due_at.get((dataset, condition), 0.0)

    # The cursor file

    def feed(self, key: str) -> Feed | None:
        """The saved account of a feed."""
        saved = self.run.cursor.values.get(key)
        if saved is None:
            return None
        if not fits(Feed, saved):
            raise PolylakeError(
                f"{self.run.cursor.path} does not say rightly how far the {key} was "
                "walked. Move the file away: all that is stored stays, and what was "
                "not finished is walked again."
            )
        return Feed.load(saved)

    def saved_chains(self) -> dict[str, Chain]:
        """The saved walks of trades that can go on; others are over."""
        chains: dict[str, Chain] = {}
        for walk_id, saved in dict(self.run.cursor.walks).items():
            if not isinstance(saved, dict) or saved.get("dataset") not in DATASETS:
                continue
            if is_unreadable(saved):
                log.warning("The saved walk %s is unreadable and starts over", walk_id)
                change = CursorChange(walks={walk_id: None})
                self.run.writer.put(Batch(rows={}, cursor=change))
            else:
                chains[walk_id] = Chain.load(walk_id, saved)
        return chains

    def drop(self, chains: Iterable[Chain], why: str) -> None:
        """End walks that will not be resumed; what they brought stays."""
        for chain in chains:
            batch = ended(chain, End("dropped", detail=why), now=self.service.now())
            self.run.writer.put(batch)

    def keep(self, **values: Json | None) -> None:
        """Save values in the cursor file, after what was put before."""
        self.run.writer.put(Batch(rows={}, cursor=CursorChange(values=values)))
