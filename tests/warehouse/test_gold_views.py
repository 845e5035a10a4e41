"""Every gold view: header, key, sources, an empty warehouse. A new one needs no test
here beyond a test of what it computes."""

from __future__ import annotations

import re

import duckdb
import pytest
from click.testing import CliRunner

from warehouse.check import checks, run_check
from warehouse.cli import main
from warehouse.models import define_gold, define_silver, models
from warehouse.views import described, gold_views

NAMES = sorted(models("gold"))

CONTRACT = {
    "trades": (
        "traded_at condition_id token_id outcome question proxy_wallet side is_taker "
        "price size notional_usd transaction_hash occurrence order_in_second"
    ),
    "market_completeness": (
        "condition_id question trades_held shares_held shares_expected "
        "expected_source as_of status reason"
    ),
}


@pytest.fixture(scope="module")
def empty():
    db = duckdb.connect()
    define_silver(db)
    define_gold(db)
    return db


def columns_of(db, view):
    return dict(
        db.execute(
            "select column_name, data_type from duckdb_columns() "
            "where schema_name = 'gold' and table_name = ? order by column_index",
            [view],
        ).fetchall()
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_view_says_what_it_is(name):
    view = described(models("gold")[name])
    assert view.sentence.endswith(".")
    assert view.sentence.count(". ") == 0
    assert view.grain.startswith("one row per ")


@pytest.mark.parametrize("name", NAMES)
def test_a_view_runs_on_an_empty_warehouse(empty, name):
    assert empty.execute(f"select * from gold.{name}").fetchall() == []


@pytest.mark.parametrize("name", NAMES)
def test_the_key_of_a_view_is_made_of_its_columns(empty, name):
    key = described(models("gold")[name]).key
    assert set(key) <= set(columns_of(empty, name))


@pytest.mark.parametrize("name", NAMES)
def test_every_column_of_a_view_has_a_sentence(empty, name):
    model = models("gold")[name]
    columns = columns_of(empty, name)
    silent = [column for column in columns if model.about(column) is None]
    assert silent == [], "see warehouse/glossary.py, or say it in the header: Columns:"
    assert set(model.columns) <= set(columns)


@pytest.mark.parametrize("name", NAMES)
def test_the_key_of_a_view_is_unique(rich, name):
    (check,) = [one for one in checks() if one.name == f"unique_{name}"]
    rows = rich.execute(f"select count(*) from gold.{name}").fetchall()
    assert rows != [(0,)], "see tests/warehouse/rich.py"
    assert run_check(rich, check) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_view_names_all_its_sources(name):
    model = models("gold")[name]
    body = "\n".join(
        line
        for line in model.steps["select"].splitlines()
        if not line.lstrip().startswith("--")
    )
    read = set(re.findall(r"\b(?:silver|gold)\.\w+", body))
    assert read == set(described(model).sources)


@pytest.mark.parametrize("name", CONTRACT)
def test_the_columns_of_the_contract_stand_in_their_order(empty, name):
    assert list(columns_of(empty, name)) == CONTRACT[name].split()


def test_the_types_of_the_contract_hold(empty):
    types = columns_of(empty, "trades")
    assert types["traded_at"] == "TIMESTAMP"
    assert types["price"] == types["size"] == types["notional_usd"] == "DOUBLE"
    assert types["is_taker"] == "BOOLEAN"
    assert columns_of(empty, "market_completeness")["as_of"] == "TIMESTAMP"


def test_views_lists_each_with_its_sentence():
    shown = CliRunner().invoke(main, ["views"])
    assert shown.exit_code == 0
    for view in gold_views():
        line = rf"^gold\.{view.name} +{re.escape(view.sentence)}$"
        assert re.search(line, shown.output, re.MULTILINE)
