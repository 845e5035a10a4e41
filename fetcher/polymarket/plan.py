"""What a whole run would cost, before anything is fetched: `fetch plan`.

Estimates from what the catalogue says was traded; without a catalogue, from the newest
market id and what is usual. Nothing is asked but small questions: for that id, for the
time of the exchange, by which prices are kept or gone, and, where options choose
markets, for Gamma's listing of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import repeat
from math import ceil
from typing import Any

from fetcher.answer import unexpected
from fetcher.http import Api
from fetcher.modes import ALL
from fetcher.polymarket import catalogue, selection
from fetcher.polymarket.askable import CONDITIONS_A_REQUEST
from fetcher.polymarket.chain import PAGE_ROWS
from fetcher.polymarket.due import never_walked
from fetcher.polymarket.gamma import MARKETS
from fetcher.polymarket.leaderboard import DATASET, due_boards
from fetcher.polymarket.market_jobs import TAKERS_SHARE
from fetcher.polymarket.planner import candidate, in_shard
from fetcher.polymarket.price_plan import price_cost, usual_cost
from fetcher.polymarket.price_walk import DATASET as PRICES
from fetcher.polymarket.totals import EVENTS_A_REQUEST
from fetcher.run import Run
from settings.errors import UsageError
from settings.wording import size_text

# Measured: bytes of a row in sorted, zstd-packed Parquet.
ROW_BYTES = {
    "trades": 56,
    "taker_trades": 45,
    "markets": 600,
    "resolutions": 120,
    "open_interest": 40,
    "leaderboard": 12,
    PRICES: 1.5,
}
LISTING_ROWS = 100
SECONDS_A_WINDOW = 10  # what the limits of the settings count in
REQUESTS_OF_ANY_RUN = 3  # which version, how far behind, the top of the feed
USUAL_ROWS_A_MARKET = 400
USUAL_MARKETS_AN_EVENT = 4
ASKED = ("resolutions", "open_interest")  # of every market, by twenties
PLANNED = (ALL, "markets", "events", "trades", PRICES, *ASKED, DATASET)


@dataclass(frozen=True)
class Part:
    """The cost of one dataset; `hours` at the rate that the settings allow."""

    dataset: str
    markets: int
    rows: int
    requests: int
    hours: float
    gigabytes: float


@dataclass(frozen=True)
class Plan:
    """The cost of a run; `basis` says what the numbers were made from."""

    basis: str
    parts: tuple[Part, ...]

    @property
    def requests(self) -> int:
        """Requests in all."""
        return sum(part.requests for part in self.parts)

    @property
    def hours(self) -> float:
        """Hours in all: datasets are fetched one after the other."""
        return sum(part.hours for part in self.parts)

    @property
    def gigabytes(self) -> float:
        """Bronze in all."""
        return sum(part.gigabytes for part in self.parts)

    def as_json(self) -> dict[str, object]:
        """The plan for programs."""
        totals = {"requests": self.requests, "hours": round(self.hours, 6)}
        totals["gigabytes"] = round(self.gigabytes, 6)
        parts = [asdict(part) for part in self.parts]
        return {"basis": self.basis, **totals, "datasets": parts}

    def as_text(self) -> str:
        """The plan for people."""
        lines = [f"Estimated from {self.basis}:"]
        for part in self.parts:
            markets = f"{part.markets:,} markets, " if part.dataset != DATASET else ""
            lines.append(
                f"  {part.dataset}: {markets}{part.rows:,} rows, "
                f"{part.requests:,} requests, {_time(part.hours)}, "
                f"{size_text(1000 * part.gigabytes)}"
            )
        lines.append(
            f"  in all: {self.requests:,} requests, {_time(self.hours)} at the "
            f"configured rates, {size_text(1000 * self.gigabytes)}"
        )
        return "\n".join(lines)


def plan(run: Run) -> Plan:
    """What is left to fetch of the run's markets, and what that costs.

    UsageError for a mode whose cost nobody knows beforehand.
    """
    mode = run.options.mode.replace("-", "_")
    if mode not in PLANNED:
        raise UsageError(
            f"No plan can be made of --mode {run.options.mode}: the exchange does not "
            "say beforehand how much there is."
        )
    if run.options.wallets:
        raise UsageError(
            "No plan can be made of --wallet: the exchange does not say beforehand how "
            "much a wallet did."
        )
    walks = _walks(run)
    markets = max(part.markets for part in walks.parts)
    limit = run.settings.limits["data_v2_all"]
    others = [
        _part(one, markets, markets, ceil(markets / CONDITIONS_A_REQUEST), limit)
        for one in ASKED
    ]
    if mode in (ALL, PRICES):
        others.insert(0, _prices(run, markets))
    if mode == DATASET or not selection.selects(run.options):
        boards = len(list(due_boards(run)))
        names = boards * run.settings.leaderboard.depth
        others.append(_part(DATASET, 0, names, boards, limit))
    if mode in {part.dataset for part in others}:
        return Plan(walks.basis, tuple(p for p in others if p.dataset == mode))
    return Plan(walks.basis, (*walks.parts, *(others if mode == ALL else ())))


def _prices(run: Run, markets: int) -> Part:
    """The part that is about price histories; `markets` are known or expected."""
    if selection.selects(run.options) or catalogue.of(run).counts()["markets"]:
        cost = price_cost(run)
    else:
        fidelity = run.settings.prices.fidelity_minutes
        cost = usual_cost(markets, fidelity=fidelity)
    limit = run.settings.limits["clob_prices_history"]
    return _part(PRICES, cost.tokens, cost.points, cost.requests, limit)


def _walks(run: Run) -> Plan:
    """The part of the plan that is about markets and their trades."""
    known = catalogue.of(run)
    chosen = selection.chosen(run)
    shard = run.options.shard
    trades = run.settings.trades
    shape: dict[str, Any] = {
        "limits": run.settings.limits,
        "taker_walk": trades.taker_walk,
        "pack_markets": trades.pack_markets,
        "pack_rows": trades.pack_rows,
    }
    if chosen is not None:
        listed = (m for m in chosen if in_shard(m.condition_id, shard))
        return plan_markets(
            (candidate(market).rows for market in listed),
            basis="the volumes of the chosen markets",
            **shape,
        )
    if known.counts()["markets"]:
        state = run.lake.walk_state()
        left = never_walked(
            known, state, "trades", since=0.0, covered_from=0, shard=shard
        )
        return plan_markets(
            (one.rows for one in left),
            basis="the catalogue's volumes, of markets not yet walked",
            **shape,
        )
    newest = newest_market_id(run.gamma)
    # Ids are shared with what never became a market, so this is an upper bound.
    return plan_markets(
        repeat(float(USUAL_ROWS_A_MARKET), newest),
        basis=f"the newest market id, {newest:,}, and what is usual (no catalogue yet)",
        listed=newest,
        **shape,
    )


def plan_markets(
    expected: Iterable[float],
    *,
    basis: str,
    limits: Mapping[str, int],
    listed: int = 0,
    taker_walk: bool,
    pack_markets: int,
    pack_rows: int,
) -> Plan:
    """The cost of markets of which so many rows are expected.

    `listed` markets are still to be listed by Gamma.
    """
    markets = large = small = 0
    rows = small_rows = 0.0
    for one in expected:
        markets += 1
        rows += one
        if one >= pack_rows:
            large += ceil(one / PAGE_ROWS)
        else:
            small += 1
            small_rows += one
    packs = max(ceil(small / pack_markets), ceil(small_rows / pack_rows))
    events = ceil(markets / USUAL_MARKETS_AN_EVENT)
    parts = []
    if listed:
        requests = 2 * ceil(listed / LISTING_ROWS)  # markets, and events beside them
        parts.append(
            _part("markets", listed, listed, requests, limits["gamma_markets"])
        )
    walks = large + packs + REQUESTS_OF_ANY_RUN
    totals = 2 * ceil(events / EVENTS_A_REQUEST)
    limit = limits["data_v2_trades"]
    parts.append(_part("trades", markets, int(rows), walks + totals, limit))
    if taker_walk:
        taker_rows = int(rows * TAKERS_SHARE)
        least = ceil(small / pack_markets) + 1
        requests = max(ceil(walks * TAKERS_SHARE), least)
        parts.append(_part("taker_trades", markets, taker_rows, requests, limit))
    return Plan(basis, tuple(parts))


def newest_market_id(gamma: Api) -> int:
    """About how many markets there are; FetchError where Gamma does not say."""
    answer = gamma.get(
        MARKETS.path,
        [("limit", "1"), ("order", "id"), ("ascending", "false")],
        groups=MARKETS.groups,
    )
    try:
        return int(answer.json()["markets"][0]["id"])
    except (KeyError, IndexError, TypeError, ValueError):
        raise unexpected(answer, "names no newest market") from None


def _time(hours: float) -> str:
    """A duration in the unit that fits it."""
    seconds = hours * 3600
    if seconds < 90:
        return f"{seconds:.0f} seconds" if seconds >= 10 else f"{seconds:.1f} seconds"
    return f"{seconds / 60:.0f} minutes" if hours < 1.5 else f"{hours:,.1f} hours"


def _part(dataset: str, markets: int, rows: int, requests: int, limit: int) -> Part:
    seconds = requests * SECONDS_A_WINDOW / limit
    return Part(
        dataset,
        markets,
        rows,
        requests,
        hours=seconds / 3600,
        gigabytes=rows * ROW_BYTES[dataset] / 1e9,
    )
