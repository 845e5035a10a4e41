"""A small exchange and a small ingest: silver tables made by hand for the gold tests.

`Exchange` makes matches, serves them to walks, and names totals. What a walk is served
becomes rows of silver, with the tallies that ingest keeps beside them, worked out here
in plain Python.
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from warehouse import stored
from warehouse.models import define_gold, define_silver, run_steps

DUST = Decimal("0.01")
NOON = datetime.fromisoformat("2026-11-01 12:00:00")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@dataclass(frozen=True)
class Fill:
    market: int
    hash: bytes
    wallet: str
    token: int  # 0 or 1
    is_buy: bool
    size: Decimal
    price: Decimal
    at: datetime
    is_taker: bool
    number: int  # tells apart fills that are equal


@dataclass
class Walk:
    key: int
    strategy: str
    started_at: datetime
    outcome: str | None
    covers_to: datetime
    fetched_at: datetime
    markets: tuple[int, ...]
    served: list[Fill]
    stored: list[Fill]
    in_bronze: list[Fill] = field(default_factory=list)


@cache
def _blank() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """A warehouse without rows; defining all views costs more than most tests."""
    folder = tempfile.TemporaryDirectory(prefix="polylake-exchange-")
    path = Path(folder.name) / "blank.duckdb"
    with duckdb.connect(str(path)) as db:
        define_silver(db)
        define_gold(db)
    return folder, path


_numbers = itertools.count()


def empty_warehouse() -> duckdb.DuckDBPyConnection:
    """Open a warehouse of its own that has every table and view and no row."""
    _, blank = _blank()
    path = blank.with_name(f"{next(_numbers)}.duckdb")
    shutil.copyfile(blank, path)
    return duckdb.connect(str(path))


def add_up(db: duckdb.DuckDBPyConnection) -> None:
    """Add up all that was put in by hand, and end as ingest ends."""
    _sum_up(db)
    stored.judge(db, db.execute)


def catch_up(db: duckdb.DuckDBPyConnection) -> None:
    """End as ingest ends, after the catalogue or the proof changed."""
    stored.refresh(db, db.execute)
    stored.judge(db, db.execute)


def _sum_up(db: duckdb.DuckDBPyConnection) -> None:
    for stale in ("StaleHour", "StaleTrader"):
        run_steps(db.execute, stale, "mark_everything")
    stored.refresh(db, db.execute)


def keep(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Close a warehouse and leave its file at `path`."""
    ask = "select path from duckdb_databases() where not internal"
    open_at = db.execute(ask).fetchone()
    assert open_at
    db.close()  # folds the write-ahead log into the file
    shutil.copyfile(open_at[0], path)


class Exchange:
    """What was traded, what is served, and what our walks have brought home."""

    def __init__(self) -> None:
        self.markets: dict[int, dict[str, Any]] = {}
        self.fills: list[Fill] = []
        self.hidden: set[Fill] = set()
        self.walks: list[Walk] = []
        self.totals: list[tuple[int, datetime, float]] = []
        self.coverage: list[tuple[datetime, datetime, datetime]] = []
        self.withdrawn: set[Fill] = set()
        self.events: dict[str, dict[str, Any]] = {}
        self.quotes: list[dict[str, Any]] = []
        self.midpoints: list[tuple[int, int, datetime, datetime, float, int]] = []
        self.price_windows: list[tuple[int, int, datetime, datetime, int]] = []
        self.settled: list[tuple[int, datetime, list[float]]] = []
        self.taker_walk = True

    # What happens on the exchange

    def market(self, **columns: Any) -> int:
        key = len(self.markets) + 1
        self.markets[key] = {
            "condition_id": f"0x{key:064x}",
            "gamma_id": str(key),
            "question": f"Question {key}?",
            "event_id": f"e{key}",
            "created_at": NOON - timedelta(days=30),
            "source_fetched_at": NOON,
            "outcomes": ["Yes", "No"],
            **columns,
        }
        return key

    def unlisted(self) -> int:
        key = self.market()
        self.markets[key] = {"condition_id": f"0x{key:062x}", "unlisted": True}
        return key

    def event(self, event_id: str, **columns: Any) -> str:
        self.events[event_id] = {"source_fetched_at": NOON, **columns}
        return event_id

    def quote(self, market: int, at: datetime, **columns: Any) -> None:
        """A version of the market in the catalogue: best_bid, best_ask, liquidity."""
        self.quotes.append({"market_key": market, "valid_from": at, **columns})

    def match(
        self,
        market: int,
        *makers: str | tuple[str, str],
        at: datetime = NOON,
        price: str = "0.4",
        token: int = 0,
        is_buy: bool = True,
    ) -> list[Fill]:
        """A taker against makers of these sizes; ("5", "mint") is the other token's."""
        number = len(self.fills)
        tx = hashlib.sha256(f"{market} {number}".encode()).digest()
        rows = []
        for n, maker in enumerate(makers):
            size, minted = (
                (maker, False) if isinstance(maker, str) else (maker[0], True)
            )
            rows.append(
                Fill(
                    market,
                    tx,
                    f"maker {n}",
                    1 - token if minted else token,
                    is_buy if minted else not is_buy,
                    Decimal(size),
                    1 - Decimal(price) if minted else Decimal(price),
                    at,
                    False,
                    number + n,
                )
            )
        taken = sum((row.size for row in rows), Decimal(0))
        rows.append(
            Fill(
                market,
                tx,
                "taker",
                token,
                is_buy,
                taken,
                Decimal(price),
                at,
                True,
                number + len(rows),
            )
        )
        self.fills += rows
        return rows

    def served(self, market: int, until: datetime) -> list[Fill]:
        return [
            fill
            for fill in self.fills
            if fill.market == market
            and fill.at <= until
            and fill.size >= DUST
            and fill not in self.hidden
            and fill not in self.withdrawn
        ]

    def shares(self, market: int, until: datetime) -> Decimal:
        return sum(
            (
                fill.size
                for fill in self.fills
                if fill.market == market and fill.is_taker and fill.at <= until
            ),
            Decimal(0),
        )

    # What we fetch

    @property
    def held(self) -> list[Fill]:
        """All rows that some walk has brought, in order of arrival."""
        return list(
            dict.fromkeys(fill for walk in self.walks for fill in walk.in_bronze)
        )

    def walk(
        self,
        *markets: int,
        at: datetime,
        outcome: str | None = "end",
        strategy: str = "market",
        since: datetime = NOON - timedelta(days=9999),
        covers_to: datetime | None = None,
        fetched_at: datetime | None = None,
    ) -> Walk:
        served = [
            fill
            for market in markets
            for fill in self.served(market, at)
            if fill.at >= since
        ]
        known = set(self.held)
        stored = [fill for fill in served if fill not in known]
        walk = Walk(
            key=len(self.walks) + 1,
            strategy=strategy,
            started_at=at,
            outcome=outcome,
            covers_to=covers_to or at - minutes(1),
            fetched_at=fetched_at or at,
            markets=markets,
            served=served,
            stored=stored,
            in_bronze=list(stored),
        )
        self.walks.append(walk)
        return walk

    def feed(self, at: datetime, *, covered_from: datetime, since: datetime) -> Walk:
        walk = self.walk(
            *self.markets, at=at, strategy="feed", since=since, outcome="floor"
        )
        self.coverage.append((covered_from, at - minutes(1), at))
        return walk

    def total(self, market: int, at: datetime, shares: float | None = None) -> None:
        counted = float(self.shares(market, at)) if shares is None else shares
        self.totals.append((market, at, counted))

    def settlement(self, market: int, at: datetime, *payouts: float) -> None:
        """The exchange says what the market's outcomes paid."""
        self.settled.append((market, at, list(payouts)))

    def midpoint(
        self,
        market: int,
        at: datetime,
        price: float,
        *,
        until: datetime | None = None,
        token: int = 0,
        step: int = 60,
    ) -> None:
        """A run of the token's prices, as it was fetched: of one point, or longer."""
        self.midpoints.append((market, token, at, until or at, price, step))

    def price_window(
        self,
        market: int,
        start: datetime,
        end: datetime,
        points: int,
        *,
        token: int = 0,
    ) -> None:
        """The token's history was asked for, and had so many points."""
        self.price_windows.append((market, token, start, end, points))

    # What becomes of it

    def lose_from_bronze(self, fill: Fill) -> None:
        """Take the row out of its file; whoever ingests afterwards never sees it."""
        for walk in self.walks:
            walk.in_bronze = [one for one in walk.in_bronze if one is not fill]

    def warehouse(self) -> duckdb.DuckDBPyConnection:
        """What ingest would make of it."""
        db = self.filled()
        add_up(db)
        return db

    def summed(self) -> duckdb.DuckDBPyConnection:
        """The same before markets are judged: for views that do not read that."""
        db = self.filled()
        _sum_up(db)
        return db

    def filled(self) -> duckdb.DuckDBPyConnection:
        """The same before anything is added up: completeness asks the fills."""
        db = empty_warehouse()
        db.execute("begin")
        for key, market in self.markets.items():
            put(db, "MarketKey", market_key=key, condition_id=market["condition_id"])
            for token in (0, 1):
                put(
                    db,
                    "MarketTokenDim",
                    token_key=token_key(key, token),
                    token_id=str(10**70 + token_key(key, token)),
                    market_key=key,
                    condition_id=market["condition_id"],
                    outcome_index=token,
                    outcome=("Yes", "No")[token],
                    is_listed=True,
                )
            if "unlisted" not in market:
                put(db, "MarketDim", market_key=key, **market)
        for event_id, event in self.events.items():
            put(db, "EventDim", event_id=event_id, **event)
        for quote in self.quotes:
            put(db, "MarketHistory", gamma_id=str(quote["market_key"]), **quote)
        wallets = sorted({fill.wallet for fill in self.held})
        for key, wallet in enumerate(wallets, 1):
            put(db, "TraderDim", trader_key=key, trader_address=wallet)
        for walk in self.walks:
            self._put_walk(db, walk)
        for covered_from, watermark, known_at in self.coverage:
            put(
                db,
                "FeedCoverage",
                dataset="trades",
                covered_from=covered_from,
                watermark=watermark,
                known_at=known_at,
            )
        for key, (market, at, shares) in enumerate(self.totals, 1_000):
            put(
                db,
                "WalkFact",
                walk_key=key,
                walk_id=f"t{key}",
                dataset="live_volume",
                strategy="totals",
                started_at=at,
            )
            put(
                db,
                "LiveVolumeFact",
                market_key=market,
                walk_key=key,
                event_id=self.markets[market].get("event_id", "e"),
                age_seconds=0,
                taker_volume=shares,
                as_of=at,
                fetched_at=at,
            )
        for market, at, payouts in self.settled:
            put(
                db,
                "ResolutionFact",
                market_key=market,
                walk_key=1,
                is_question=False,
                status="resolved",
                payouts=payouts,
                was_disputed=False,
                updated_at=at,
                resolved_at=at,
                fetched_at=at,
                page_no=0,
                row_no=0,
            )
            put(
                db,
                "OpenInterestFact",
                market_key=market,
                walk_key=1,
                open_interest_usd=0.0,
                as_of=at,
                fetched_at=at,
            )
            put(
                db,
                "LeaderboardFact",
                time_period="all",
                category="OVERALL",
                sort_by="PNL",
                board_rank=1,
                trader_address="taker",
                captured_at=at,
                fetched_at=at,
                walk_key=1,
                page_no=0,
                row_no=0,
            )
        self._put_prices(db)
        self._put_fills(db, {wallet: n for n, wallet in enumerate(wallets, 1)})
        db.execute("commit")
        return db

    def _put_prices(self, db: duckdb.DuckDBPyConnection) -> None:
        if not self.midpoints and not self.price_windows:
            return
        put(db, "WalkFact", walk_key=900, walk_id="p900", dataset="prices")
        for number, run in enumerate(self.midpoints):
            market, token, at, until, price, step = run
            put(
                db,
                "PriceHistoryFact",
                token_key=token_key(market, token),
                resolution_seconds=step,
                price=price,
                observed_at=at,
                observed_until=until,
                fetched_at=at,
                walk_key=900,
                page_no=0,
                row_no=number,
            )
        db.execute(
            "insert into silver.PriceSpan select token_key, resolution_seconds,"
            " min(observed_at), max(observed_until) from silver.PriceHistoryFact"
            " group by all"
        )
        for number, (market, token, start, end, points) in enumerate(
            self.price_windows
        ):
            put(
                db,
                "PriceWindowFact",
                token_key=token_key(market, token),
                walk_key=900,
                page_no=number,
                is_empty=not points,
                points=points,
                asked_from=start,
                asked_to=end,
                fetched_at=end,
            )

    def _put_walk(self, db: duckdb.DuckDBPyConnection, walk: Walk) -> None:
        ended = walk.started_at if walk.outcome else None
        put(
            db,
            "WalkFact",
            walk_key=walk.key,
            walk_id=f"{walk.strategy[0]}{walk.key}",
            dataset="trades",
            strategy=walk.strategy,
            outcome=walk.outcome,
            rows_served=len(walk.served),
            pages=1,
            started_at=walk.started_at,
            ended_at=ended,
        )
        put(
            db,
            "WalkPage",
            walk_key=walk.key,
            page_no=0,
            rows_served=len(walk.served),
            age_seconds=0,
            ts_newest=max((fill.at for fill in walk.served), default=None),
            fetched_at=walk.fetched_at,
        )
        for market in walk.markets:
            served = [fill for fill in walk.served if fill.market == market]
            stored = [fill for fill in walk.stored if fill.market == market]
            bronze = [fill for fill in walk.in_bronze if fill.market == market]
            if walk.outcome and walk.strategy != "feed":
                put(
                    db,
                    "WalkSubject",
                    walk_key=walk.key,
                    market_key=market,
                    dataset="trades",
                    strategy=walk.strategy,
                    outcome=walk.outcome,
                    rows_served=len(served),
                    ts_newest=walk.covers_to,
                    started_at=walk.started_at,
                    ended_at=walk.started_at,
                )
            if served:
                put(
                    db,
                    "FoldedTally",
                    dataset="trades",
                    walk_key=walk.key,
                    market_key=market,
                    rows_stored=len(stored),
                    rows_confirmed=len(served) - len(stored),
                    folded_at=walk.started_at,
                )
            days: dict[Any, int] = defaultdict(int)
            for fill in bronze:
                days[fill.at.date()] += 1
            for day, rows in days.items():
                put(
                    db,
                    "WalkTally",
                    dataset="trades",
                    walk_key=walk.key,
                    market_key=market,
                    rows_taken_in=rows,
                    traded_on=day,
                )

    def _put_fills(
        self, db: duckdb.DuckDBPyConnection, traders: dict[str, int]
    ) -> None:
        first_seen: dict[Fill, datetime] = {}
        for walk in self.walks:
            for fill in walk.in_bronze:
                first_seen.setdefault(fill, walk.fetched_at)
        seen: dict[Fill, int] = defaultdict(int)
        places: dict[tuple[int, datetime], int] = defaultdict(int)
        tallies: dict[int, list[Fill]] = defaultdict(list)
        matches: dict[tuple[int, datetime, bytes], list[Fill]] = defaultdict(list)
        for fill in self.held:
            alike = replace(fill, number=0)
            seen[alike] += 1
            places[fill.market, fill.at] += 1
            tallies[fill.market].append(fill)
            if fill not in self.withdrawn:
                matches[fill.market, fill.at, fill.hash].append(fill)
            put(
                db,
                "TradeFact",
                market_key=fill.market,
                token_key=token_key(fill.market, fill.token),
                trader_key=traders[fill.wallet],
                transaction_hash=fill.hash,
                is_buy=fill.is_buy,
                occurrence=seen[alike],
                order_in_second=places[fill.market, fill.at],
                is_taker=fill.is_taker if self.taker_walk else None,
                is_taker_source="taker_walk" if self.taker_walk else None,
                size=float(fill.size),
                price=float(fill.price),
                traded_at=fill.at,
                withdrawn_at=NOON if fill in self.withdrawn else None,
                first_seen_at=first_seen[fill],
                walk_key=1,
                page_no=0,
                row_no=fill.number,
            )
        for market, rows in tallies.items():
            put(
                db,
                "MarketTally",
                market_key=market,
                rows_held=len(rows),
                shares_held=sum((row.size for row in rows), Decimal(0)),
                first_traded_at=min(row.at for row in rows),
                last_traded_at=max(row.at for row in rows),
                last_seen_at=max(first_seen[row] for row in rows),
            )
        for (market, at, tx), rows in matches.items():
            left_over = net_shares(rows)
            if left_over:
                put(
                    db,
                    "UnbalancedMatch",
                    market_key=market,
                    transaction_hash=tx,
                    fills=len(rows),
                    net_shares=left_over,
                    traded_at=at,
                )


def net_shares(rows: list[Fill]) -> Decimal:
    """What one direction has more than the other: bought Yes is as good as sold No."""
    return abs(
        sum(
            (row.size if row.is_buy == (row.token == 0) else -row.size for row in rows),
            Decimal(0),
        )
    )


def token_key(market: int, token: int) -> int:
    return 2 * market + token


def put(db: duckdb.DuckDBPyConnection, table: str, **columns: Any) -> None:
    """Insert one row of silver; columns that are not named are null."""
    names = ", ".join(columns)
    places = ", ".join("?" for _ in columns)
    db.execute(
        f"insert into silver.{table} ({names}) values ({places})",
        list(columns.values()),
    )


def delete_fill(db: duckdb.DuckDBPyConnection, fill: Fill) -> None:
    """Take one row out of the fact table behind ingest's back."""
    db.execute("delete from silver.TradeFact where row_no = ?", [fill.number])


def status(db: duckdb.DuckDBPyConnection, market: int) -> tuple[str, str]:
    """Status and reason of the market."""
    (row,) = db.execute(
        "select status, reason from gold.market_completeness "
        "inner join silver.MarketKey using (condition_id) where market_key = ?",
        [market],
    ).fetchall()
    return row[0], row[1]
