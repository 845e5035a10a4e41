"""The command `warehouse`: what it prints, where, and with which exit code."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import signal
import threading
from pathlib import Path

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

from warehouse.cli import main
from warehouse.completeness import REASONS


@pytest.fixture
def warehouse(warehouse_file):
    """Call the command on the small sound warehouse."""
    config = str(warehouse_file.parent.parent / "config.toml")

    def call(command, *arguments):
        return CliRunner().invoke(main, [command, *arguments, "--config", config])

    return call


def damage(path, sql):
    with duckdb.connect(str(path)) as db:
        db.execute(sql)


FILLS = "select outcome, side, size from gold.trades order by size, side limit 2"


def test_a_query_prints_a_table(warehouse):
    shown = warehouse("query", FILLS)
    assert shown.exit_code == 0
    assert shown.output.splitlines() == [
        "outcome  side  size",
        "───────  ────  ────",
        "Yes      BUY   0.02",
        "Yes      SELL  0.02",
    ]


def test_a_query_prints_json_and_csv_for_programs(warehouse):
    expected = [
        {"outcome": "Yes", "side": "BUY", "size": 0.02},
        {"outcome": "Yes", "side": "SELL", "size": 0.02},
    ]
    assert json.loads(warehouse("query", FILLS, "--json").output) == expected
    read = list(csv.DictReader(io.StringIO(warehouse("query", FILLS, "--csv").output)))
    assert read == [{key: str(value) for key, value in one.items()} for one in expected]


def test_values_that_json_does_not_have_are_made_plain(warehouse):
    sql = (
        "select timestamp '2026-11-01 12:00:00' as at, 'nan'::double as nan, "
        "1.50::decimal(9,2) as money, 170141183460469231731687303715884105727 as huge, "
        "'\\xAB'::blob as bytes, [1, 2] as list, null as nothing, 'é\"' as text"
    )
    assert json.loads(warehouse("query", sql, "--json").output) == [
        {
            "at": "2026-11-01T12:00:00",
            "nan": None,
            "money": 1.5,
            "huge": 170141183460469231731687303715884105727,
            "bytes": "0xab",
            "list": [1, 2],
            "nothing": None,
            "text": 'é"',
        }
    ]


def test_a_long_table_is_cut_and_says_so(warehouse):
    shown = warehouse("query", "from range(1000)", "--rows", "3")
    assert len(shown.output.splitlines()) == 2 + 3 + 1
    assert "more than 3 rows" in shown.output
    assert (
        len(warehouse("query", "from range(1000)", "--rows", "0").output.split()) > 999
    )
    assert (
        len(json.loads(warehouse("query", "from range(999)", "--json").output)) == 999
    )


def test_a_token_is_shown_whole_to_be_copied_and_longer_texts_are_cut(warehouse):
    token = "9" * 78
    shown = warehouse("query", f"select '{token}' as token, repeat('x', 79) as more")
    assert token in shown.output
    assert "x" * 77 + "…" in shown.output


def test_an_empty_result_has_its_column_names(warehouse):
    shown = warehouse("query", "select 1 as one where false")
    assert shown.output.split() == ["one", "───"]


@pytest.mark.parametrize("sql", ["select nope", "selec 1", "select * from gold.nope"])
def test_a_wrong_query_is_one_sentence(warehouse, sql):
    shown = warehouse("query", sql)
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert shown.stderr.startswith("Error: ")
    assert len(shown.stderr.splitlines()) == 1


def test_an_error_while_rows_are_read_is_exit_1(warehouse):
    assert warehouse("query", "select error('no') from gold.trades").exit_code == 1


@pytest.mark.parametrize(
    "sql",
    [
        "delete from silver.TradeFact",
        "create temp table mine (a int)",
        "copy (select 1) to '{file}'",
        "explain analyze copy (select 1) to '{file}'",
        "copy (pivot gold.trades on side using count(*)) to '{file}'",
        "select 1; copy (select 1) to '{file}'",
        "attach '{file}' as mine",
        "export database '{file}'",
        "install httpfs",
        "pragma enable_profiling",
        "set threads = 1",
        "",
    ],
)
def test_a_query_reads_and_does_nothing_else(warehouse, tmp_path, sql):
    file = tmp_path / "written"
    shown = warehouse("query", sql.format(file=file))
    assert shown.exit_code == 2, shown.output
    assert shown.stderr.startswith("Error: A query ")
    assert len(shown.stderr.splitlines()) == 1
    assert not file.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "/* all */ with a as (from gold.trades) select count(*) from a; -- done",
        "explain analyze select 1",
        "explain (format json) select 1",
        "describe gold.trades",
        "show tables",
        "pivot gold.trades on side using count(*)",
        "values (1), (2)",
    ],
)
def test_every_way_to_read_is_a_query(warehouse, sql):
    shown = warehouse("query", sql)
    assert shown.exit_code == 0, shown.output


def test_people_read_rounded_numbers_and_programs_exact_ones(warehouse):
    sql = (
        "select 96937.00000001 as cents, 96937.00000001::double as shares, "
        "-0.0::double as zero, 1e-9::double as small, [0.1::double + 0.2] as list"
    )
    shown = warehouse("query", sql).output.splitlines()[-1].split()
    assert shown == ["96,937", "96,937", "0", "1e-09", "[0.3]"]
    assert '"shares": 96937.00000001' in warehouse("query", sql, "--json").output


def test_an_export_takes_no_statement_for_a_query(warehouse, tmp_path):
    sql = "copy (select 1) to 'other.csv'"
    shown = warehouse("export", sql, "--to", str(tmp_path / "out.csv"))
    assert shown.exit_code == 2


@pytest.mark.parametrize("command", ["query", "check", "completeness", "lineage"])
def test_a_missing_warehouse_says_what_to_run(tmp_path, command):
    config = tmp_path / "config.toml"
    config.write_text('[paths]\nwarehouse = "none.duckdb"\n')
    arguments = {"query": ["select 1"], "lineage": ["2026-11-01"]}.get(command, [])
    shown = CliRunner().invoke(main, [command, *arguments, "--config", str(config)])
    assert shown.exit_code != 0
    assert "ingest" in shown.stderr
    assert not (tmp_path / "none.duckdb").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["query"],
        ["query", "select 1", "--csv", "--json"],
        ["completeness", "--limit", "-1"],
        ["views", "--config", "/none.toml"],
        ["check", "no_such_check"],
    ],
)
def test_wrong_usage_is_exit_2_and_a_sentence(arguments):
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 2
    assert shown.stderr.startswith("Error: ")


def test_without_a_command_the_commands_are_listed():
    shown = CliRunner().invoke(main, [])
    assert shown.exit_code == 2
    assert shown.stderr.startswith("Usage: ")
    assert shown.stderr.endswith("List the gold views, with a sentence on each.\n")


def test_a_file_that_may_not_be_read_is_one_sentence(
    warehouse, warehouse_file, monkeypatch
):
    """A test may run as root, who may read everything."""
    as_ever = Path.open

    def refuse(path, *arguments, **options):
        if path == warehouse_file:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return as_ever(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    shown = warehouse("query", "select 1")
    assert shown.exit_code == 1
    assert shown.stderr == (
        f"Error: Cannot use {warehouse_file}: Permission denied. "
        "Fix the permissions, then run the same command again.\n"
    )


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_stops_a_long_query(warehouse, number, code):
    endless = "select sum(hash(a.range * 7 + b.range)) from range({0}) a, range({0}) b"
    threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
    assert warehouse("query", endless.format(10**7)).exit_code == code


def test_every_command_and_option_has_help():
    for command in main.commands.values():
        assert command.help
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or parameter.help


def test_checks_that_hold_exit_0(warehouse):
    shown = warehouse("check")
    assert shown.exit_code == 0, shown.output
    assert "0 broken" in shown.output


def test_a_file_that_opens_and_cannot_be_read_is_one_sentence(
    warehouse, warehouse_file
):
    damage(warehouse_file, "drop table silver.MarketKey")
    for command in ("check", "completeness"):
        shown = warehouse(command)
        assert shown.exit_code == 1
        assert len(shown.stderr.splitlines()) == 1
        assert "`ingest --rebuild`" in shown.stderr


def test_a_broken_promise_exits_1_and_shows_the_rows(warehouse, warehouse_file):
    damage(warehouse_file, "update silver.TradeFact set price = 1.5 where row_no = 0")
    shown = warehouse("check", "prices_are_dollars_a_share")
    assert shown.exit_code == 1
    assert "BROKEN  prices_are_dollars_a_share" in shown.output
    assert "maker 0" in shown.output
    found = warehouse("check", "prices_are_dollars_a_share", "--json")
    assert found.exit_code == 1
    (broken,) = json.loads(found.output)["broken"]
    assert broken["rows"] == len(broken["examples"]) >= 1


def test_a_dataset_that_was_not_answered_for_long_is_named(warehouse, warehouse_file):
    assert warehouse("check", "datasets_are_fresh").exit_code == 0
    config = warehouse_file.parent.parent / "config.toml"
    config.write_text(config.read_text().replace("stale_hours = 0", "stale_hours = 2"))
    shown = warehouse("check", "datasets_are_fresh")
    assert shown.exit_code == 1
    assert "trades" in shown.output


def test_a_complete_warehouse_passes_strictly(warehouse):
    shown = warehouse("completeness", "--strict")
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("2 markets: 2 complete, 0 partial, 0 unknown")


def test_a_market_that_lacks_a_row_is_named_with_what_to_do(warehouse, warehouse_file):
    damage(warehouse_file, "delete from silver.TradeFact where row_no = 0")
    shown = warehouse("completeness")
    assert shown.exit_code == 0
    assert "partial missing_rows" in shown.output
    assert REASONS["missing_rows"][1].split("`")[1] in shown.output
    assert f"0x{1:064x}"[:50] in shown.output
    assert warehouse("completeness", "--strict").exit_code == 1


def test_the_worst_markets_are_shown_with_what_they_lack_and_as_of_when(
    warehouse, warehouse_file
):
    damage(
        warehouse_file,
        "update silver.LiveVolumeFact set taker_volume = taker_volume + 1.5",
    )
    shown = warehouse("completeness").output
    assert "shares_short" in shown
    (worst, *_) = json.loads(warehouse("completeness", "--json").output)["worst"]
    assert worst["shares_short"] == pytest.approx(1.5)
    assert worst["as_of"].startswith("2026-11-01T13:38")
    assert "2026-11-01 13:38" in shown


def test_completeness_tells_programs_the_same(warehouse, warehouse_file):
    damage(warehouse_file, "delete from silver.TradeFact where row_no = 0")
    found = json.loads(warehouse("completeness", "--json").output)
    assert found["complete"] + found["partial"] + found["unknown"] == 2
    assert found["reasons"][0]["reason"] == "missing_rows"
    assert found["worst"][0]["condition_id"] == f"0x{1:064x}"


def test_every_reason_of_the_contract_has_its_meaning():
    contract = (
        "walk_unfinished, windowed, service_window, offset_cap, amm_era, dust_floor, "
        "exchange_hole, missing_rows, excess_rows, never_walked"
    )
    assert set(REASONS) == {"", "expired", *contract.split(", ")}


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "out.csv.gz", "it's.csv"])
def test_a_view_is_exported(warehouse, tmp_path, name):
    path = tmp_path / name
    shown = warehouse("export", "trades", "--to", str(path))
    assert shown.exit_code == 0, shown.output
    if name.endswith(".parquet"):
        read = pl.read_parquet(path)
    else:
        read = pl.read_csv(path, infer_schema=False)
    assert len(read) == 9
    assert read.columns[:3] == ["traded_at", "condition_id", "token_id"]
    assert os.listdir(tmp_path).count(name) == 1  # noqa: PTH208


def test_a_query_is_exported(warehouse, tmp_path):
    path = tmp_path / "sizes.parquet"
    shown = warehouse("export", "select size from gold.trades;", "--to", str(path))
    assert shown.output == f"{path}: 9 rows\n"
    assert pl.read_parquet(path).columns == ["size"]


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("gold.trades", "out.xlsx"),
        ("gold.trades", "out.gz"),
        ("no_such_view", "out.csv"),
        ("gold.trades", "no folder/out.csv"),
    ],
)
def test_an_export_that_cannot_be_is_wrong_usage(warehouse, tmp_path, what, name):
    shown = warehouse("export", what, "--to", str(tmp_path / name))
    assert shown.exit_code == 2
    assert len(shown.stderr.splitlines()) == 1


def test_a_failed_export_leaves_the_old_file(warehouse, tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    sql = "select error('no') from gold.trades"
    assert warehouse("export", sql, "--to", str(path)).exit_code == 1
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.glob(".*")] == []
