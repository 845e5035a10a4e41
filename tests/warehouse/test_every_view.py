"""What every gold view promises on bad input: it answers, and invents no number.

A new view falls under these by being there; it needs rows in rich.py and no test here.
"""

from __future__ import annotations

import math
import re

import pytest

from warehouse.check import checks, run_check
from warehouse.models import models

NAMES = sorted(models("gold"))

# What Gamma says of a market, whether it is traded or not.
TOLD = {"shares_expected"}


VIEWS = {
    "MatchByKey": {"TradeFact", "MarketTokenDim", "MarketDim"},
    "MatchFact": {"TradeFact", "MarketTokenDim", "MarketDim"},
    "TraderTokenPnl": {"TraderToken", "TokenMark"},
}
"""The views of silver, and the tables that they read."""


def silver_tables(name: str) -> list[str]:
    """The silver tables that a view reads, be it through other views."""
    query = models("gold")[name].steps["select"]
    body = re.sub("^ *--.*$", "", query, flags=re.MULTILINE)
    found = set(re.findall(r"\bsilver\.(\w+)", body))
    for other in re.findall(r"\bgold\.(\w+)", body):
        found.update(silver_tables(other))
    for view in found & VIEWS.keys():
        found = found - {view} | VIEWS[view]
    return sorted(found)


def numbers(db, name, where="true"):
    """The floating-point columns of a view's rows."""
    shown = db.execute(f"select * from gold.{name} where {where}")
    columns = [column[0] for column in shown.description or []]
    return [
        {
            column: value
            for column, value in zip(columns, row, strict=True)
            if isinstance(value, float)
        }
        for row in shown.fetchall()
    ]


def is_sane(rows):
    return all(math.isfinite(value) for row in rows for value in row.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_view_has_no_number_that_is_none(rich, name):
    rows = numbers(rich, name)
    assert is_sane(rows)


@pytest.mark.parametrize("name", NAMES)
def test_a_view_answers_without_any_one_of_its_tables(rich, name):
    for table in silver_tables(name):
        rich.execute("begin")
        try:
            rich.execute(f"delete from silver.{table}")
            assert is_sane(numbers(rich, name)), table
        finally:
            rich.execute("rollback")


@pytest.mark.parametrize("name", NAMES)
def test_a_market_of_which_nothing_was_heard_has_no_price_and_no_volume(rich, name):
    columns = rich.execute(f"select * from gold.{name} limit 0").description or []
    if "condition_id" not in [column[0] for column in columns]:
        pytest.skip("its rows are not of a market")
    quiet = (
        "condition_id in (select condition_id from silver.MarketKey anti join "
        "silver.TradeFact using (market_key) anti join (select market_key from "
        "silver.MarketTokenDim semi join silver.BookEventFact using (token_key)) "
        "as heard_live using (market_key))"
    )
    for row in numbers(rich, name, quiet):
        invented = {column for column, value in row.items() if value != 0} - TOLD
        assert invented == set()


@pytest.mark.parametrize("name", [check.name for check in checks()])
def test_a_rich_warehouse_keeps_every_promise(rich, name):
    (check,) = [one for one in checks() if one.name == name]
    assert run_check(rich, check) is None
