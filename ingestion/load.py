"""Take bronze into silver, intake by intake: which step of which model runs when.

What each step does stands in `warehouse/sql/silver/`; they hand each other rows in
temporary tables. Everything here runs inside the caller's transaction, and taking the
same files in again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import duckdb

from bronze import DATASETS
from ingestion.bronze_views import show_bronze
from ingestion.intake import Intake
from lake.delta_log import LiveFile
from lake.expiry import Expired
from warehouse import stored
from warehouse.models import models, run_steps

TOGETHER: tuple[tuple[str, ...], ...] = (
    ("markets",),
    ("events",),
    ("trades", "taker_trades"),
    ("live_volume",),
    ("clob_markets",),
    ("resolutions",),
    ("open_interest",),
    ("leaderboard",),
    ("prices",),
    ("price_windows",),
    ("activity",),
    ("positions",),
    ("user_pnl",),
    ("book_events",),
    ("book_snapshots",),
    ("book_coverage",),
    ("crypto_prices",),
    ("updown_windows",),
    ("position_polls",),
    ("position_snapshots",),
    ("service_errors",),
    ("walks",),
)
"""The datasets that silver reads, in the order in which they are taken in; those that
stand together are taken in together, day by day."""

CUT: dict[tuple[str, ...], int] = {
    ("prices",): 3,
    ("book_events",): 1,
    ("book_snapshots",): 1,
    ("crypto_prices",): 1,
    ("position_snapshots",): 1,
}
"""Those of which a day need not be taken in at once, and how many times as many rows
fit into an intake: of prices, only what changed is ever held."""

FACTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "live_volume": ("LiveVolumeFact", ("MarketKey", "WalkFact")),
    "resolutions": ("ResolutionFact", ("MarketKey", "WalkFact")),
    "open_interest": ("OpenInterestFact", ("MarketKey", "WalkFact")),
    "leaderboard": ("LeaderboardFact", ("WalkFact",)),
    "price_windows": ("PriceWindowFact", ("MarketKey", "MarketTokenDim", "WalkFact")),
    "activity": ("ActivityFact", ("WalkFact",)),
    "positions": ("WalletPositionFact", ("WalkFact",)),
    "user_pnl": ("UserPnlFact", ("WalkFact",)),
}
"""The datasets that become one fact table by its step `take_in`: that table, and the
tables of keys that learn first what the rows name."""

LIVE: dict[str, tuple[str, tuple[str, ...]]] = {
    "book_events": ("BookEventFact", ("MarketKey", "MarketTokenDim", "WalkFact")),
    "book_snapshots": ("BookSnapshotFact", ("MarketKey", "MarketTokenDim", "WalkFact")),
    "book_coverage": ("BookCoverageFact", ("MarketKey", "MarketTokenDim", "WalkFact")),
    "crypto_prices": ("CryptoPriceFact", ("WalkFact",)),
    "updown_windows": ("UpdownDim", ()),
    "position_polls": ("PositionPollFact", ("MarketKey", "WalkFact")),
    "position_snapshots": (
        "PositionSnapshotFact",
        ("MarketKey", "MarketTokenDim", "WalkFact"),
    ),
    "service_errors": ("ServiceErrorFact", ()),
}
"""The same of what is captured live: the step `read` of such a table says once for all
tables of keys what the rows name."""

_INSERT = re.compile(
    r"(?:^--[^\n]*\n|\s)*"
    r"(insert into silver\.\w+(?: by name| \([^)]*\))?)\s+(.*)",
    re.DOTALL | re.MULTILINE,
)

_WHOLE_TABLE = re.compile(
    r"select\s+[\w\s,*]+?\s+from (\w+)\s*(?:order\s+by\s[^;]*)?;?\s*", re.DOTALL
)
"""A query that has rows where the table that it names has some."""


class Loader:
    """Takes intakes into one open warehouse file, from the lake at `root`.

    `live` gives all files of a dataset: some of what was taken in before is read again
    where it and what is new do not agree.
    """

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        root: Path,
        live: Callable[[str], Iterable[LiveFile]],
    ) -> None:
        self._db = db
        self._root = root
        self._live = live
        self._ways: Mapping[str, Callable[[], int]] = {
            "markets": self._markets,
            "events": self._events,
            "clob_markets": self._clob_markets,
            "prices": self._prices,
            "walks": self._walks,
        }

    def take_in(self, datasets: tuple[str, ...], intake: Intake) -> int:
        """Take in an intake of one entry of `TOGETHER`; return the new rows."""
        for dataset in datasets:
            self._show(dataset, intake)
        first = datasets[0]
        if first == "trades":
            return self._trades(intake.whole_days.get("taker_trades", set()))
        if first in LIVE:
            return self._heard(first)
        return self._fact(first) if first in FACTS else self._ways[first]()

    def add_up(self) -> None:
        """Add up anew the hours and days of which fills have changed.

        Belongs at the end of a run, outside of a transaction: it makes its own. Gold
        must be there.
        """
        stored.refresh(self._db, self._execute)

    def note_expired(self, notes: Iterable[Expired]) -> None:
        """Note in a new file what retention had let go before."""
        rows = [
            (
                *(one.dataset, one.number, one.before),
                *(one.days, one.files, one.rows, one.size, one.at),
            )
            for one in notes
        ]
        if not rows:
            return
        self._db.execute(
            "create or replace temp table expiry_note as from silver.Expiry limit 0"
        )
        self._db.executemany(
            "insert into expiry_note values"
            " (?, ?, ?::timestamp, ?, ?, ?, ?, ?::timestamptz::timestamp)",
            rows,
        )
        self._run("Expiry", "take_in")

    def count_expired(self, tallies: Iterable[Path]) -> None:
        """Take in how many rows went of each walk and market; all tallies at once."""
        paths = [str(path) for path in tallies]
        if paths and not self._count("silver.ExpiredTally"):
            self._db.execute(
                "create or replace temp table expired_row as select *,"
                " split_part(filename, '/', -2) as dataset"
                " from read_parquet(?, filename = true)",
                [paths],
            )
            self._run("ExpiredTally", "take_in")

    def judge(self) -> None:
        """Keep what is asked of markets with every wallet; gold must be there."""
        stored.judge(self._db, self._execute)

    def _fact(self, dataset: str) -> int:
        model, keys = FACTS[dataset]
        before = self._count(f"silver.{model}")
        self._name(dataset, keys)
        self._run(model, "take_in")
        return self._count(f"silver.{model}") - before

    def _heard(self, dataset: str) -> int:
        model, keys = LIVE[dataset]
        before = self._count(f"silver.{model}")
        if keys:
            self._run(model, "read")
            self._name("live", keys)
        if dataset == "book_events":
            self._run("BookEventTypeDim", "take_in")
        self._run(model, "take_in")
        insert = models("silver")[model].steps.get("insert_fresh")
        if insert and self._count("incoming_event"):  # a large one: not held twice
            self._db.execute(insert)
            self._run("BookTally", "take_in")
        return self._count(f"silver.{model}") - before

    def _name(self, dataset: str, keys: Iterable[str]) -> None:
        """See to it that what the rows name has its keys."""
        for model in keys:
            self._run(model, f"named_by_{dataset}", "take_in")

    def _markets(self) -> int:
        self._run("MarketDim", "read")
        self._run("MarketKey", "named_by_markets", "take_in")
        self._run("MarketHistory", "take_in")
        self._run("MarketDim", "take_in")
        self._run("MarketTokenDim", "named_by_markets")
        return self._count("incoming_version")

    def _events(self) -> int:
        self._run("EventDim", "take_in")
        return self._count("latest_event")

    def _clob_markets(self) -> int:
        self._run("ClobMarketDim", "take_in")
        return self._count("latest_clob_market")

    def _prices(self) -> int:
        keys = ("MarketKey", "MarketTokenDim", "WalkFact")
        self._run("PriceHistoryFact", "read")
        if not self._count("told_stretch"):
            return 0
        self._name("prices", keys)
        self._run("PriceHistoryFact", "gather", "place", "tell_contested")
        self._run("PriceSpan", "take_in")
        if self._count("contested_stretch"):
            show_bronze(self._db, DATASETS["prices"], self._contested_files())
            self._run("PriceHistoryFact", "read_contested")
            self._name("prices", keys)
            self._run("PriceHistoryFact", "settle_contested", "place")
        self._run("PriceHistoryFact", "take_in")
        return self._count("fresh_run")

    def _contested_files(self) -> list[Path]:
        """All files with points of the stretches that are to be told anew."""
        days = self._db.execute(
            "select distinct strftime(unnest(generate_series("
            "make_timestamp(first_second * 1000000)::date::timestamp,"
            "make_timestamp(last_second * 1000000), interval 1 day)), '%Y-%m-%d')"
            " from contested_stretch"
        ).fetchall()
        markets = self._db.execute(
            "select min(condition_id), max(condition_id) from told_stretch"
            " semi join contested_stretch using (token_id)"
        ).fetchall()
        [(low, high)] = markets
        return [
            self._root / "prices" / file.name
            for file in self._live("prices")
            if (file.day,) in days
            and (low is None or file.may_hold("condition_id", low, high))
        ]

    def _trades(self, whole_taker_days: set[str]) -> int:
        self._read_trades(whole_taker_days)
        if not self._set_range("incoming_trade", "incoming_taker"):
            return 0
        self._run("TradeFact", "drop_known", "tell_contested", "number")
        self._run("TakerPending", "gather", "drop_answered")
        self._tally_matches("fresh_trade")
        if self._count("fresh_trade"):  # the one large insert: not held twice
            self._db.execute(models("silver")["TradeFact"].steps["insert_fresh"])
        self._run("UnbalancedMatch", "take_in")
        self._run("TradeSighting", "take_in", "resolve")
        self._run("TradeFact", "take_in_contested")
        self._run("StaleTrader", "mark_late")
        self._run("MarketTally", "take_in")
        self._run("WalkTally", "take_in")
        self._settle()
        self._run("StaleHour", "mark")
        self._run("StaleTrader", "mark_touched")
        return self._count("fresh_trade") + self._count("new_trade")

    def _walks(self) -> int:
        self._run("MarketKey", "named_by_walks", "take_in")
        self._run("WalkFact", "named_by_walks", "take_in", "describe")
        for model in (
            "WalkPage",
            "WalkSubject",
            "FoldedTally",
            "AbsentSecond",
            "FeedCoverage",
            "WalkDue",
            "WalletWalk",
        ):
            self._run(model, "take_in")
        self._run("TradeFact", "tell_disputed")
        if self._set_range("contested_pair"):
            for dataset in ("trades", "taker_trades"):
                self._show(dataset, Intake())
            self._read_trades(set())
            self._run("TradeFact", "number")
            self._run("TakerPending", "gather")
            self._run("TradeSighting", "take_in")
            self._settle()
            self._run("StaleHour", "mark")
            self._run("StaleTrader", "mark_touched")
        return self._count("bronze_walks")

    def _read_trades(self, whole_taker_days: set[str]) -> None:
        self._name("trades", ("MarketKey", "MarketTokenDim", "WalkFact"))
        self._run("TraderDim", "take_in")
        self._run("TradeFact", "read")
        self._run("TakerPending", "read")
        self._db.execute(
            "create or replace temp table taker_whole_day as "
            "select unnest(?::varchar[])::date as traded_on",
            [sorted(whole_taker_days)],
        )

    def _settle(self) -> None:
        """Tell anew what depends on more than a row: withdrawn, takers, balance."""
        self._run("TradeFact", "settle_withdrawn", "tell_touched", "read_touched")
        self._tally_matches(
            "(select * from touched_fact where withdrawn_at is null)",
        )
        self._run("TradeFact", "settle_takers")
        self._run("UnbalancedMatch", "forget_touched", "take_in")
        self._run("TakerPending", "keep_unanswered")

    def _tally_matches(self, rows: str) -> None:
        self._db.execute(f"create or replace temp view match_row as from {rows}")
        self._run("UnbalancedMatch", "tally")

    def _set_range(self, *tables: str, clock: str = "traded_at") -> bool:
        """Set between which times the intake's rows lie; false where it has none."""
        rows = " union all ".join(f"select {clock} from {table}" for table in tables)
        [(first, last)] = self._db.execute(
            f"select min({clock}), max({clock}) from ({rows})"
        ).fetchall()
        if first is None:
            return False
        self._db.execute("set variable batch_from = ?::timestamp", [first])
        self._db.execute("set variable batch_to = ?::timestamp", [last])
        return True

    def _show(self, dataset: str, intake: Intake) -> None:
        folder = self._root / dataset
        files = intake.files.get(dataset, [])
        show_bronze(self._db, DATASETS[dataset], [folder / f.name for f in files])

    def _run(self, model: str, *steps: str) -> None:
        run_steps(self._execute, model, *steps)

    def _execute(self, statement: str) -> None:
        """Run one statement, but never insert nothing.

        DuckDB 2.0.0 loses the rows of a large insert that follows an insert of no rows
        into the same table in the same transaction (`test_duckdb_traps.py`).
        """
        insert = _INSERT.fullmatch(statement)
        if insert is None:
            if statement.strip():
                self._db.execute(statement)
            return
        into, query = insert.groups()
        whole = _WHOLE_TABLE.fullmatch(query)
        if whole is not None:
            if self._count(whole[1]):
                self._db.execute(statement)
            return
        self._db.execute(f"create or replace temp table gain as\n{query}")
        if self._count("gain"):
            self._db.execute(f"{into} from gain")

    def _count(self, table: str) -> int:
        [(rows,)] = self._db.execute(f"select count(*) from {table}").fetchall()
        return int(rows)
