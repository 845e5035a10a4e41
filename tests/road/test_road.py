"""From the exchange to gold, by the commands a user types: what comes out is true."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest
from user_home import Home, same

from sandbox.testing import sandbox_server


def requests(summary: dict) -> int:
    return sum(one["requests"] for one in summary["datasets"].values())


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A user who fetched everything once and ingested it, and what `fetch` said."""
    with sandbox_server(size="tiny", age_days=30.0) as box:
        user = Home(tmp_path_factory.mktemp("first"), box)
        summary = user.fetch()
        user.ingest()
        yield user, summary


def test_gold_trades_are_the_fills_the_exchange_can_serve(first):
    user, summary = first
    assert summary["exit_code"] == 0
    assert summary["failures"] == []
    assert same(user.held(), user.servable())


def test_every_market_closed_and_hidden_ones_too_is_known(first):
    user, _ = first
    known = set(user.ask("select gamma_id from silver.MarketDim")["gamma_id"])
    markets = user.box.truth()["markets"].filter(~pl.col("combo"))
    assert set(markets["id"]) <= known


def test_a_market_is_complete_exactly_when_all_its_fills_can_be_served(first):
    user, _ = first
    status = user.ask(
        "select condition_id, status, reason from gold.market_completeness"
    )
    truth = user.box.truth()["markets"].filter(
        ~pl.col("combo") & (pl.col("condition_id") != "")
    )
    both = truth.join(status, on="condition_id", how="left")
    whole = pl.col("fills_servable") == pl.col("fills_total")
    wrong = both.filter(
        (whole & (pl.col("status") != "complete"))
        | (~whole & (pl.col("status") == "complete"))
        | ((pl.col("status") != "complete") & (pl.col("reason") == ""))
        | pl.col("status").is_null()
    )
    assert wrong.is_empty(), wrong.select(
        "slug", "kind", "fills_total", "fills_servable", "status", "reason"
    )


def test_a_second_run_without_news_asks_little_and_stores_nothing(first):
    user, summary = first
    second = user.fetch()
    assert requests(second) < max(20, requests(summary) / 3)
    assert second["datasets"]["trades"]["rows_new"] == 0


def test_the_warehouse_can_be_deleted_and_rebuilt_from_bronze(first):
    user, _ = first
    before = user.held()
    user.ingest("--rebuild")
    assert same(user.held(), before)


def test_what_happens_between_two_runs_arrives(home):
    with home(size="tiny") as user:
        user.fetch()
        user.ingest()
        user.box.advance(36_000)
        user.fetch()
        user.ingest()
        user.box.advance(3_600)
        user.fetch()
        user.ingest()
        held, servable = user.held(), user.servable()
        newest = user.box.now() - 900  # newer rows may wait for the next run
        assert same(
            held.filter(pl.col("timestamp") < newest),
            servable.filter(pl.col("timestamp") < newest),
        )


def test_fresh_fetches_all_again_and_changes_nothing(home):
    with home(size="tiny") as user:
        user.fetch()
        again = user.fetch("--fresh")
        user.ingest()
        assert again["datasets"]["trades"]["rows_seen"] > 0
        assert again["datasets"]["trades"]["rows_new"] == 0
        assert same(user.held(), user.servable())


def test_a_killed_run_goes_on_and_ends_with_the_same_rows(home):
    with home(size="tiny", latency_ms=20) as user:
        for patience in (1.5, 2.5, 3.5):
            run = subprocess.Popen(
                user.command("fetch", "--mode", "all"), stderr=subprocess.DEVNULL
            )
            try:
                run.wait(timeout=patience)
            except subprocess.TimeoutExpired:
                run.kill()
            run.wait()
        user.fetch()
        user.ingest()
        assert same(user.held(), user.servable())


def test_a_reader_that_stays_neither_waits_nor_makes_ingest_wait(home):
    with home(size="tiny") as user:
        user.fetch()
        user.ingest()
        path = user.folder / "data" / "warehouse.duckdb"
        reader = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import duckdb, sys\n"
                f"db = duckdb.connect({str(path)!r}, read_only=True)\n"
                "for line in sys.stdin:\n"
                "    print(db.execute('select count(*) from gold.trades')"
                ".fetchall()[0][0], flush=True)\n",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert reader.stdin is not None
        assert reader.stdout is not None

        def count() -> int:
            reader.stdin.write("\n")
            reader.stdin.flush()
            return int(reader.stdout.readline())

        try:
            before = count()
            for _ in range(2):
                user.box.advance(200_000)
                user.fetch()
                user.ingest()
                assert count() == before  # a whole old state, at once
        finally:
            reader.stdin.close()
            reader.stdout.close()
            reader.wait(timeout=20)
        assert user.held().height > before
