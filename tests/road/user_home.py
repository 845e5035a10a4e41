"""A user's folder, the commands, and the replica that they talk to."""

from __future__ import annotations

import atexit
import json
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from click.testing import CliRunner

from fetcher.cli import fetch
from ingestion.cli import main as ingest
from ingestion.run import ingest as take_in
from ingestion.warehouse_cli import main as warehouse
from sandbox.testing import Box

BIN = Path(sys.executable).parent
PROGRAMS = {"fetch": fetch, "ingest": ingest, "warehouse": warehouse}

# Coarse prices, and each board once: eighty of them are a third of what a run costs.
USUAL = {
    "[prices]": "[prices]\nfidelity_minutes = 720\nhistory_days = 2\n",
    "[leaderboard]": "[leaderboard]\ninterval_minutes = 1000000\n",
}

IDENTITY = [
    "transaction_hash",
    "proxy_wallet",
    "condition_id",
    "token_id",
    "side",
    "timestamp",
    "size",
    "price",
]
HELD = """
    select
        transaction_hash, proxy_wallet, condition_id, token_id, side,
        epoch(traded_at)::bigint as timestamp, size, price
    from gold.trades
"""


class Home:
    """One user's folder beside one sandbox: run commands in it, look into it."""

    def __init__(self, folder: Path, box: Box, more: str = "") -> None:
        self.folder = folder
        self.box = box
        self.config = folder / "config.toml"
        self.config.write_text(
            box.toml()
            + '\n[paths]\nlake = "data"\nwarehouse = "data/warehouse.duckdb"\n'
            + 'cursors = "cursor.json"\n'
            + "".join(text for head, text in USUAL.items() if head not in more)
            + more
        )

    def command(self, *arguments: str) -> list[str]:
        """The command line of one of our programs, with this folder's settings."""
        program, *rest = arguments
        return [str(BIN / program), *rest, "--config", str(self.config)]

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Run a command to its end, expect its exit code, return what it printed.

        Here, in the test's own process: what only a process has (kills, signals, two
        at once) is tried with `command`.
        """
        program, *rest = arguments
        done = CliRunner().invoke(
            PROGRAMS[program], [*rest, "--config", str(self.config), "--json"]
        )
        assert done.exit_code == code, done.stderr[-4000:] + done.stdout[-2000:]
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def fetch(self, *options: str, code: int = 0) -> dict[str, Any]:
        """Run `fetch`, by default of everything."""
        chosen = options if "--mode" in options else ("--mode", "all", *options)
        return self.run("fetch", *chosen, code=code)

    def ingest(self, *options: str) -> dict[str, Any]:
        """Run `ingest`; the first time a file is there that has all tables and views.

        Such a file is what a run leaves that took in nothing: making it costs more than
        what most tests take in. What a first run makes from nothing is the same, and
        `test_docs_commands.py` has one.
        """
        slot = self.folder / "data" / ".warehouse" / "a.duckdb"
        if not slot.parent.exists():
            slot.parent.mkdir(parents=True)
            shutil.copyfile(laid_out(), slot)
        return self.run("ingest", *options)

    def ask(self, sql: str) -> pl.DataFrame:
        """Ask the published warehouse, as a notebook would."""
        path = self.folder / "data" / "warehouse.duckdb"
        with duckdb.connect(str(path), read_only=True) as db:
            return pl.from_arrow(db.sql(sql).to_arrow_table())

    def held(self) -> pl.DataFrame:
        """Every fill of gold.trades by its identity, sorted."""
        return comparable(self.ask(HELD))

    def servable(self) -> pl.DataFrame:
        """Every fill that the sandbox can serve now, sorted the same way."""
        fills = self.box.truth()["fills"].filter(pl.col("servable"))
        return comparable(fills)


@cache
def laid_out() -> Path:
    """A warehouse of nothing; goes when the tests end."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    take_in(folder / "data", folder / "warehouse.duckdb")
    return folder / "warehouse.duckdb"


def comparable(fills: pl.DataFrame) -> pl.DataFrame:
    """Fills as a sorted multiset of identities."""
    return (
        fills.select(IDENTITY)
        .with_columns(pl.col("size", "price").round(6))
        .sort(IDENTITY)
    )


def same(left: pl.DataFrame, right: pl.DataFrame) -> bool:
    """Whether two multisets are equal; says how they differ on stdout if not."""
    if left.equals(right):
        return True
    count = [frame.group_by(IDENTITY).len() for frame in (left, right)]
    both = count[0].join(count[1], on=IDENTITY, how="full", coalesce=True)
    differ = both.with_columns(pl.col("len", "len_right").fill_null(0)).filter(
        pl.col("len") != pl.col("len_right")
    )
    print(f"{left.height} against {right.height}; {differ.height} differ", differ)  # noqa: T201
    return False
