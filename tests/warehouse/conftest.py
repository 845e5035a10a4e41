"""A small whole warehouse for the tests that only read one."""

from __future__ import annotations

from pathlib import Path

import pytest
from exchange import NOON, Exchange, keep, minutes
from rich import rich_warehouse

LATER = NOON + minutes(100)


@pytest.fixture
def exchange():
    return Exchange()


@pytest.fixture
def sound():
    """A warehouse in which every promise holds: two markets, four matches."""
    exchange = Exchange()
    first, second = exchange.market(volume=15.5), exchange.market()
    exchange.match(first, "10", "5.5", price="0.4")
    exchange.match(first, "0.02", at=NOON + minutes(1), price="0.5")
    exchange.match(first, ("7", "mint"), at=NOON + minutes(1), price="0.25")
    exchange.match(second, "3", price="0.9")
    for market in (first, second):
        exchange.total(market, LATER - minutes(2))
        exchange.walk(market, at=LATER)
    exchange.midpoint(first, NOON, 0.4)
    exchange.price_window(first, NOON, LATER, 1)
    exchange.settlement(second, LATER, 1.0, 0.0)
    return exchange.warehouse()


@pytest.fixture(scope="session")
def rich():
    """A warehouse of which every gold view has rows; only to be read."""
    return rich_warehouse()


@pytest.fixture
def warehouse_file(sound, tmp_path) -> Path:
    """The same warehouse as a file, with a config.toml beside it that names it."""
    path = tmp_path / "data" / "warehouse.duckdb"
    path.parent.mkdir()
    keep(sound, path)
    (tmp_path / "config.toml").write_text(
        '[paths]\nlake = "data"\nwarehouse = "data/warehouse.duckdb"\n'
        "[checks]\nstale_hours = 0\n"
    )
    return path
