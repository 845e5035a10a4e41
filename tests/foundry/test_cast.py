"""A lake that is cast: what is in it, that it is whole, and that it can be added to."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

from bronze import DATASETS
from foundry.again import fetch_again
from foundry.cast import cast, check_room
from foundry.casting import Casting
from foundry.cli import main
from ingestion.run import ingest
from lake.lake import Lake
from settings.errors import UsageError
from warehouse.check import checks, expect, run_check
from warehouse.connect import open_to_read
from warehouse.models import models

CASTING = Casting.of(3_000, days=4, markets=60)
SUMS = (
    "select status, count(*), sum(trades_held) from gold.market_completeness "
    "group by all order by all"
)
MORE = ("--append", "--fills", "200", "--markets", "9")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A lake, before anything is added."""
    folder = tmp_path_factory.mktemp("cast") / "lake"
    cast(folder, CASTING)
    return folder


@pytest.fixture(scope="module")
def warehouse(folder) -> duckdb.DuckDBPyConnection:
    """What `ingest` makes of it."""
    path = folder / "warehouse.duckdb"
    ingest(folder, path)
    with open_to_read(path) as db:
        yield db


def rows(folder: Path, dataset: str) -> pl.DataFrame:
    return Lake.open_to_read(folder, DATASETS).scan(dataset).collect()


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("dt=*/*.parquet")  # names tell checksums
    }


def test_equal_options_make_equal_files_and_another_seed_others(folder, tmp_path):
    cast(tmp_path / "again", CASTING)
    assert files(tmp_path / "again") == files(folder)
    cast(tmp_path / "other", Casting.of(3_000, seed=2, days=4, markets=60))
    assert not files(tmp_path / "other") & files(folder)


def test_there_are_as_many_fills_as_were_asked_for_on_every_day(folder):
    trades = rows(folder, "trades")
    assert 3_000 <= trades.height < 3_000 + 4 * 50  # a match is never cut
    assert trades["dt"].n_unique() == 4


def test_both_sides_of_each_match_are_there_and_the_takers_rows_beside(folder):
    matches = (
        rows(folder, "trades")
        .group_by("transaction_hash")
        .agg(pl.len().alias("fills"), pl.col("size").sum(), pl.col("condition_id"))
    )
    taken = rows(folder, "taker_trades").select("transaction_hash", taken="size")
    both = matches.join(taken, on="transaction_hash", validate="1:1")
    assert both.height == matches.height
    assert both.select((pl.col("size") / 2 - pl.col("taken")).abs().max()).item() < 1e-6
    assert both["fills"].min() == 2
    assert both["fills"].max() > 3
    assert both["condition_id"].list.n_unique().max() == 1


def test_equal_fills_of_one_match_are_there(folder):
    identity = [c.name for c in DATASETS["trades"].columns][:8]
    assert rows(folder, "trades").select(identity).is_duplicated().any()


def test_ingest_takes_in_every_fill_and_proves_every_listed_market(warehouse, folder):
    said = warehouse.execute("select count(*), count(is_taker) from silver.TradeFact")
    height = rows(folder, "trades").height
    assert said.fetchall() == [(height, height)]
    listed = "condition_id in (select condition_id from silver.MarketDim)"
    assert warehouse.execute(
        f"select distinct status from gold.market_completeness where {listed}"
    ).fetchall() == [("complete",)]


def test_no_check_of_the_warehouse_is_broken(warehouse):
    expect(warehouse, stale_hours=0)
    written = [check for check in checks() if check.name in models("checks")]
    offences = [run_check(warehouse, check) for check in written]
    assert [offence for offence in offences if offence is not None] == []


def test_what_is_added_is_one_run_of_fetch_in_so_many_markets(folder, tmp_path):
    lake = tmp_path / "more"
    cast(lake, CASTING)
    before = files(lake)
    done = CliRunner().invoke(main, ["lake", "--folder", str(lake), *MORE])
    assert done.exit_code == 0, done.output
    new = files(lake) - before
    assert sorted(name.partition("/")[0] for name in new) == [
        "taker_trades",
        "trades",
        "walks",
    ]
    added = rows(lake, "trades").filter(pl.col("timestamp") >= CASTING.end)
    assert 200 <= added.height < 250
    assert added["condition_id"].n_unique() == 9
    assert added["timestamp"].max() < CASTING.end + 300
    again = tmp_path / "again"
    cast(again, CASTING)
    CliRunner().invoke(main, ["lake", "--folder", str(again), *MORE])
    assert files(again) == files(lake)


def test_a_folder_with_anything_in_it_is_refused(folder):
    options = ["lake", "--folder", str(folder), "--fills", "1000"]
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 1
    assert "is not an empty folder" in done.output


def test_only_a_cast_lake_is_added_to(tmp_path):
    done = CliRunner().invoke(main, ["lake", "--folder", str(tmp_path), *MORE])
    assert done.exit_code == 1
    assert "was not cast" in done.output


def test_the_disk_is_asked_first(tmp_path):
    endless = Casting.of(10**18, days=10**12, markets=100, wallets=100)
    with pytest.raises(UsageError, match="need about 80000000000"):
        check_room(tmp_path / "lake", endless)
    assert not (tmp_path / "lake").exists()


def test_more_in_a_day_than_memory_is_made_for_is_refused(tmp_path):
    with pytest.raises(UsageError, match="Say more --days"):
        check_room(tmp_path / "lake", Casting.of(20_000_000, days=3))


def test_a_day_that_is_fetched_again_brings_walks_alone_and_keeps_all_complete(
    folder, tmp_path
):
    lake = tmp_path / "lake"
    shutil.copytree(folder, lake)
    path = lake / "warehouse.duckdb"
    ingest(lake, path)
    with open_to_read(path) as db:
        before = db.execute(SUMS).fetchall()
    assert fetch_again(lake, turn=0) > 100
    told = ingest(lake, path)
    assert told.datasets["walks"].rows_seen > 0
    assert told.datasets["trades"].rows_seen == 0
    with open_to_read(path) as db:
        assert db.execute(SUMS).fetchall() == before
