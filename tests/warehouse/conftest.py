"""A small whole warehouse for the tests that only read one."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from captured import Captured
from exchange import NOON, Exchange, empty_warehouse, keep, minutes
from rich import rich_warehouse

LATER = NOON + minutes(100)


@pytest.fixture
def exchange():
    return Exchange()


@pytest.fixture
def captured():
    """Silver of live capture, empty but for the two tokens of one market."""
    with empty_warehouse() as db:
        one = Captured(db)
        one.token(1, "101")
        one.token(2, "102")
        yield one


@pytest.fixture(scope="session")
def sound_file(tmp_path_factory) -> Path:
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
    path = tmp_path_factory.mktemp("sound") / "warehouse.duckdb"
    keep(exchange.warehouse(), path)
    return path


@pytest.fixture(scope="session")
def sound_database(sound_file):
    path = sound_file.with_name("shared.duckdb")
    shutil.copyfile(sound_file, path)
    with duckdb.connect(str(path)) as db:
        yield db


@pytest.fixture
def sound(sound_database):
    """The sound warehouse, in a transaction of the test's own: no other sees it."""
    with sound_database.cursor() as db:
        db.execute("begin")
        yield db
        db.execute("rollback")


@pytest.fixture(scope="session")
def rich():
    """A warehouse of which every gold view has rows; only to be read."""
    return rich_warehouse()


@pytest.fixture
def warehouse_file(sound_file, tmp_path) -> Path:
    """The same warehouse as a file, with a config.toml beside it that names it."""
    path = tmp_path / "data" / "warehouse.duckdb"
    path.parent.mkdir()
    shutil.copyfile(sound_file, path)
    (tmp_path / "config.toml").write_text(
        '[paths]\nlake = "data"\nwarehouse = "data/warehouse.duckdb"\n'
        "[checks]\nstale_hours = 0\n"
    )
    return path
