"""The `ingest` command as cron sees it: exit codes, JSON, one sentence on errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import duckdb
import pytest
from bronze_lake import trade
from click.testing import CliRunner

import ingestion.cli
from lake.locks import held


@pytest.fixture
def config(bronze, tmp_path):
    """Settings of the small lake."""
    path = tmp_path / "mine.toml"
    path.write_text('[paths]\nlake = "data"\nwarehouse = "data/warehouse.duckdb"\n')
    bronze.root.mkdir(exist_ok=True)
    return path


@pytest.fixture
def run(config):
    def run(*options, file=config):
        return CliRunner().invoke(ingestion.cli.main, ["--config", str(file), *options])

    return run


def test_the_command_reports_its_run_as_json(bronze, config):
    bronze.commit("trades", [trade(), trade(row=1)])
    done = subprocess.run(
        [sys.executable, "-m", "ingestion.cli", "--config", str(config), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)
    assert report["exit_code"] == 0
    assert report["stopped"] is None
    assert report["published"]
    assert report["started_at"] <= report["finished_at"]
    assert report["run_id"]
    assert report["failures"] == []
    assert set(report["completeness"]) == {"complete", "partial", "unknown"}
    trades = report["datasets"]["trades"]
    assert (trades["rows_seen"], trades["rows_new"], trades["files"]) == (2, 2, 1)


def test_a_run_says_in_words_what_it_took_in(run, bronze):
    bronze.commit("trades", [trade()])
    assert "took in 1 rows of trades" in run().stdout
    assert "up to date" in run().stdout
    assert "built anew" in run("--rebuild").stdout


def test_an_empty_lake_is_no_error(run):
    assert run().exit_code == 0


def test_a_missing_config_is_wrong_usage(run, tmp_path):
    result = run(file=tmp_path / "none.toml")
    assert result.exit_code == 2
    assert "none.toml" in result.stderr


def test_a_file_that_is_no_warehouse_is_named(run, tmp_path):
    path = tmp_path / "data" / "warehouse.duckdb"
    path.write_text("not a database")
    result = run("--json")
    assert result.exit_code == 1
    assert str(path) in result.stderr
    report = json.loads(result.stdout)
    assert report["exit_code"] == 1
    assert str(path) in report["failures"][0]["why"]


def test_a_second_run_at_the_same_time_exits_75(run, tmp_path):
    lock = tmp_path / "data" / ".warehouse" / "lock"
    with held(lock, what="it"):
        assert run().exit_code == 75


ENDLESS = """
select sum(hash(one.range * 7 + two.range))
from range(10000000) as one, range(10000000) as two
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_stops_the_run_in_the_middle_of_a_query(
    run, monkeypatch, number, code
):
    def ask_without_end(*_, opened, **__):
        with duckdb.connect() as db:
            opened(db)
            threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
            db.execute(ENDLESS)

    monkeypatch.setattr(ingestion.cli, "ingest", ask_without_end)
    result = run("--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["stopped"] == "signal"


def test_a_signal_that_duckdb_makes_an_error_of_is_still_one(run, monkeypatch):
    def query(*_, **__) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except ingestion.cli.Stopped:
            raise RuntimeError("Query interrupted") from None

    monkeypatch.setattr(ingestion.cli, "ingest", query)
    result = run("--json")
    assert result.exit_code == 143
    assert json.loads(result.stdout)["stopped"] == "signal"
