"""The `ingest` command as cron sees it: exit codes, JSON, one sentence on errors."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading

import duckdb
import pytest
from bronze_lake import trade
from click.testing import CliRunner

import ingestion.cli
import ingestion.run
from bronze import DATASETS
from ingestion.load import TOGETHER
from lake.locks import held
from warehouse.stopping import StopAtSignal, Stopped


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
    told, markets = run().stdout.splitlines()
    assert "took in 1 rows of trades" in told
    assert markets == "1 markets: 0 complete, 1 partial, 0 unknown"
    assert "up to date" in run().stdout
    assert "built anew" in run("--rebuild").stdout


def test_no_row_is_reported_twice_however_the_two_files_take_turns(run, bronze):
    told = []
    for second in range(4):
        bronze.commit("trades", [trade(second=second, walk=f"m{second}")])
        trades = json.loads(run("--json").stdout)["datasets"]["trades"]
        told.append((trades["rows_seen"], trades["rows_new"], trades["files"]))
    assert told == [(1, 1, 1)] * 4
    bronze.commit("trades", [trade(second=9, walk="m9")])
    log = run().stderr
    assert "2 new rows to this file, 2 read, 1 of them published before" in log


def test_an_empty_lake_is_no_error_and_says_what_to_do(run):
    first = run()
    assert first.exit_code == 0
    assert first.stdout.endswith(
        "took in nothing new. It knows no market: run `fetch` first.\n"
    )


def test_every_dataset_of_bronze_is_taken_in():
    assert {name for names in TOGETHER for name in names} == set(DATASETS)


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


def test_a_bronze_file_that_cannot_be_read_is_one_sentence(run, bronze):
    bronze.commit("trades", [trade()])
    (path,) = (bronze.root / "trades").glob("dt=*/*.parquet")
    path.write_bytes(path.read_bytes()[:40])
    result = run("--json")
    assert result.exit_code == 1
    assert path.name in result.stderr
    assert "`fetch verify --deep`" in json.loads(result.stdout)["failures"][0]["why"]


def test_the_log_has_a_dated_line_for_each_dataset_that_brought_something(run, bronze):
    months = [trade(second=month * 3_000_000, row=month) for month in range(3)]
    bronze.commit("trades", months)
    (line,) = run().stderr.splitlines()
    assert re.fullmatch(r"\S+Z INFO trades and taker_trades: 3 new rows, .*", line)
    assert run().stderr == ""


def test_help_is_short_to_ask_for_and_names_the_exit_codes():
    help_text = CliRunner().invoke(ingestion.cli.main, ["-h"]).output
    assert "Exit codes: 0 " in help_text
    assert all(parameter.help for parameter in ingestion.cli.main.params)


def test_help_loads_nothing_heavy():
    code = (
        "import sys, ingestion.cli;"
        "heavy = {'pyarrow', 'polars', 'duckdb', 'deltalake'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


STOPPED_AT_IMPORT = """
import os, sys

class Stop:
    def find_spec(self, name, *_):
        if name == sys.argv[2]:
            os.kill(os.getpid(), int(sys.argv[1]))

sys.meta_path.insert(0, Stop())
from ingestion.cli import main
main(["--config", sys.argv[3], "--json"])
"""


@pytest.mark.parametrize("module", ["duckdb", "ingestion.run"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_counts_from_the_first_moment_on(config, module, number, code):
    done = subprocess.run(
        [
            *(sys.executable, "-c", STOPPED_AT_IMPORT),
            *(str(int(number)), module, str(config)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    report = json.loads(done.stdout)
    assert (report["stopped"], report["exit_code"]) == ("signal", code)
    assert not report["published"]


def test_a_signal_while_the_summary_is_printed_cuts_nothing_off():
    with StopAtSignal() as stop:
        with stop.stoppable():
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped), stop.stoppable():
            pass


def test_a_second_signal_ends_the_process_at_once():
    codes = []
    with StopAtSignal(at_once=codes.append):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert codes == [130]


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

    monkeypatch.setattr(ingestion.run, "ingest", ask_without_end)
    result = run("--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["stopped"] == "signal"


def test_a_signal_that_duckdb_makes_an_error_of_is_still_one(run, monkeypatch):
    def query(*_, **__) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Stopped:
            raise RuntimeError("Query interrupted") from None

    monkeypatch.setattr(ingestion.run, "ingest", query)
    result = run("--json")
    assert result.exit_code == 143
    assert json.loads(result.stdout)["stopped"] == "signal"


def test_a_published_file_that_was_cut_is_named_with_what_to_do(run, bronze, config):
    bronze.commit("trades", [trade(), trade(row=1)])
    assert run().exit_code == 0
    path = config.parent / "data" / "warehouse.duckdb"
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2)
    done = run()
    assert done.exit_code in (0, 1)  # DuckDB reads what it needs, where that is left
    assert done.exit_code == 0 or "`ingest --rebuild`" in done.output
    assert run("--rebuild").exit_code == 0
    with duckdb.connect(str(path), read_only=True) as db:
        assert db.execute("select count(*) from gold.trades").fetchall() == [(2,)]
