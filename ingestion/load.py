"""Take bronze batches into silver: which step of which model runs when.

What each step does stands in `warehouse/sql/silver/`; they hand each other rows in
temporary tables. Everything here runs inside the caller's transaction, and taking the
same files in again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from bronze import DATASETS
from ingestion.batches import Batch
from ingestion.bronze_views import show_bronze
from warehouse.models import models

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
    ("walks",),
)
"""The datasets that silver reads, in the order in which they are taken in; those that
stand together are taken in together, day by day."""

_INSERT = re.compile(
    r"(?:^--[^\n]*\n|\s)*"
    r"(insert into silver\.\w+(?: by name| \([^)]*\))?)\s+(.*)",
    re.DOTALL | re.MULTILINE,
)


class Loader:
    """Takes batches into one open warehouse file, from the lake at `root`."""

    def __init__(self, db: duckdb.DuckDBPyConnection, root: Path) -> None:
        self._db = db
        self._root = root
        self._ways: Mapping[tuple[str, ...], Callable[[Batch], int]] = {
            ("markets",): self._markets,
            ("events",): self._events,
            ("trades", "taker_trades"): self._trades,
            ("live_volume",): self._live_volume,
            ("clob_markets",): self._clob_markets,
            ("resolutions",): self._resolutions,
            ("open_interest",): self._open_interest,
            ("leaderboard",): self._leaderboard,
            ("prices",): self._prices,
            ("price_windows",): self._price_windows,
            ("activity",): lambda _: self._wallets("activity", "ActivityFact"),
            ("positions",): lambda _: self._wallets("positions", "WalletPositionFact"),
            ("user_pnl",): lambda _: self._wallets("user_pnl", "UserPnlFact"),
            ("walks",): self._walks,
        }

    def take_in(self, datasets: tuple[str, ...], batch: Batch) -> int:
        """Take in a batch of one entry of `TOGETHER`; return the rows that were new."""
        for dataset in datasets:
            self._show(dataset, batch)
        return self._ways[datasets](batch)

    def _markets(self, batch: Batch) -> int:
        self._run("MarketDim", "read")
        self._run("MarketKey", "named_by_markets", "take_in")
        self._run("MarketHistory", "take_in")
        self._run("MarketDim", "take_in")
        self._run("MarketTokenDim", "named_by_markets")
        return self._count("incoming_version")

    def _events(self, batch: Batch) -> int:
        self._run("EventDim", "take_in")
        return self._count("latest_event")

    def _live_volume(self, batch: Batch) -> int:
        before = self._count("silver.LiveVolumeFact")
        self._run("MarketKey", "named_by_live_volume", "take_in")
        self._run("WalkFact", "named_by_live_volume", "take_in")
        self._run("LiveVolumeFact", "take_in")
        return self._count("silver.LiveVolumeFact") - before

    def _clob_markets(self, batch: Batch) -> int:
        self._run("ClobMarketDim", "take_in")
        return self._count("latest_clob_market")

    def _resolutions(self, batch: Batch) -> int:
        before = self._count("silver.ResolutionFact")
        self._run("MarketKey", "named_by_resolutions", "take_in")
        self._run("WalkFact", "named_by_resolutions", "take_in")
        self._run("ResolutionFact", "take_in")
        return self._count("silver.ResolutionFact") - before

    def _open_interest(self, batch: Batch) -> int:
        before = self._count("silver.OpenInterestFact")
        self._run("MarketKey", "named_by_open_interest", "take_in")
        self._run("WalkFact", "named_by_open_interest", "take_in")
        self._run("OpenInterestFact", "take_in")
        return self._count("silver.OpenInterestFact") - before

    def _leaderboard(self, batch: Batch) -> int:
        before = self._count("silver.LeaderboardFact")
        self._run("WalkFact", "named_by_leaderboard", "take_in")
        self._run("LeaderboardFact", "take_in")
        return self._count("silver.LeaderboardFact") - before

    def _prices(self, batch: Batch) -> int:
        self._name_tokens("prices")
        self._run("PriceHistoryFact", "read")
        if not self._set_range("incoming_price", clock="observed_at"):
            return 0
        self._run("PriceHistoryFact", "drop_known", "take_in")
        return self._count("incoming_price")

    def _price_windows(self, batch: Batch) -> int:
        before = self._count("silver.PriceWindowFact")
        self._name_tokens("price_windows")
        self._run("PriceWindowFact", "take_in")
        return self._count("silver.PriceWindowFact") - before

    def _name_tokens(self, dataset: str) -> None:
        """See to it that markets, tokens and walks of the rows have their keys."""
        self._run("MarketKey", f"named_by_{dataset}", "take_in")
        self._run("MarketTokenDim", f"named_by_{dataset}", "take_in")
        self._run("WalkFact", f"named_by_{dataset}", "take_in")

    def _wallets(self, dataset: str, model: str) -> int:
        before = self._count(f"silver.{model}")
        self._run("WalkFact", f"named_by_{dataset}", "take_in")
        self._run(model, "take_in")
        return self._count(f"silver.{model}") - before

    def _trades(self, batch: Batch) -> int:
        self._read_trades(batch.whole_days.get("taker_trades", set()))
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
        self._run("MarketTally", "take_in")
        self._run("WalkTally", "take_in")
        self._settle()
        return self._count("fresh_trade") + self._count("new_trade")

    def _walks(self, batch: Batch) -> int:
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
                self._show(dataset, Batch())
            self._read_trades(set())
            self._run("TradeFact", "number")
            self._run("TakerPending", "gather")
            self._run("TradeSighting", "take_in")
            self._settle()
        return self._count("bronze_walks")

    def _read_trades(self, whole_taker_days: set[str]) -> None:
        self._run("MarketKey", "named_by_trades", "take_in")
        self._run("MarketTokenDim", "named_by_trades", "take_in")
        self._run("TraderDim", "take_in")
        self._run("WalkFact", "named_by_trades", "take_in")
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
        """Set between which times the batch's rows lie; false where it has none."""
        rows = " union all ".join(f"select {clock} from {table}" for table in tables)
        [(first, last)] = self._db.execute(
            f"select min({clock}), max({clock}) from ({rows})"
        ).fetchall()
        if first is None:
            return False
        self._db.execute("set variable batch_from = ?::timestamp", [first])
        self._db.execute("set variable batch_to = ?::timestamp", [last])
        return True

    def _show(self, dataset: str, batch: Batch) -> None:
        folder = self._root / dataset
        files = batch.files.get(dataset, [])
        show_bronze(self._db, DATASETS[dataset], [folder / f.name for f in files])

    def _run(self, model: str, *steps: str) -> None:
        for step in steps:
            for statement in models("silver")[model].steps[step].split(";\n"):
                self._execute(statement)

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
        self._db.execute(f"create or replace temp table gain as\n{query}")
        if self._count("gain"):
            self._db.execute(f"{into} from gain")

    def _count(self, table: str) -> int:
        [(rows,)] = self._db.execute(f"select count(*) from {table}").fetchall()
        return int(rows)
