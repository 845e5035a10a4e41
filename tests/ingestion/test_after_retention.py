"""After retention the warehouse is built without what went; readers never notice."""

from __future__ import annotations

import pytest
from bronze_lake import BronzeLake, trade
from small_warehouse import SmallWarehouse

from bronze import DATASETS
from ingestion.run import ingest
from lake.expiry import expire
from lake.storage import LocalStorage

DAY = 86_400
HASHES = "select lower(hex(transaction_hash))[-2:] from silver.TradeFact order by 1"
EXPIRY = """
select dataset, expiry_no, expired_before::date, rows_expired from silver.Expiry
"""


class Died(Exception):
    """The run ends here."""


@pytest.fixture
def aged(bronze: BronzeLake, warehouse: SmallWarehouse) -> SmallWarehouse:
    """A warehouse of three days of fills, published."""
    for day, name in enumerate(("a1", "a2", "a3")):
        bronze.commit("trades", [trade(day * DAY, hash=name)])
    warehouse.ingest()
    return warehouse


def let_go(warehouse: SmallWarehouse, before: str = "2026-01-03") -> None:
    storage = LocalStorage(warehouse.lake)
    log = BronzeLake(warehouse.lake).log("trades")
    assert expire(storage, log, DATASETS["trades"], before) is not None


def hashes(warehouse: SmallWarehouse) -> list[str]:
    return [name for (name,) in warehouse.ask(HASHES)]


def test_what_went_is_gone_after_the_next_run_and_noted(aged: SmallWarehouse):
    let_go(aged)
    assert hashes(aged) == ["a1", "a2", "a3"]
    assert aged.ingest().rebuilt
    assert hashes(aged) == ["a3"]
    [(dataset, number, before, rows)] = aged.ask(EXPIRY)
    assert (dataset, number, f"{before}", rows) == ("trades", 1, "2026-01-03", 2)
    assert aged.ask("select sum(rows_expired) from silver.ExpiredTally") == [(2,)]


def test_later_runs_go_on_as_ever_until_more_goes(
    aged: SmallWarehouse, bronze: BronzeLake
):
    let_go(aged, "2026-01-02")
    assert aged.ingest().rebuilt
    for name in ("b1", "b2"):  # both files take their turn
        bronze.commit("trades", [trade(2 * DAY + 60, hash=name)])
        assert not aged.ingest().rebuilt
    assert not aged.ingest().published
    let_go(aged)
    assert aged.ingest().rebuilt
    assert hashes(aged) == ["a3", "b1", "b2"]
    assert aged.ask("select expiry_no, rows_expired from silver.Expiry order by 1") == [
        (1, 1),
        (2, 1),
    ]


@pytest.mark.parametrize("lines", [0, 1])
def test_a_run_that_dies_leaves_the_old_state_whole(aged: SmallWarehouse, lines: int):
    let_go(aged)
    said = []

    def report(line: str) -> None:
        if len(said) == lines:
            raise Died
        said.append(line)

    with pytest.raises(Died):
        ingest(aged.lake, aged.path, report=report, report_seconds=0.0)
    assert hashes(aged) == ["a1", "a2", "a3"]
    assert aged.ask(EXPIRY) == []
    aged.ingest()
    assert hashes(aged) == ["a3"]


def test_a_first_run_that_died_goes_on_and_knows_what_went(
    bronze: BronzeLake, tmp_path
):
    for day, name in enumerate(("a1", "a2", "a3")):
        bronze.commit("trades", [trade(day * DAY, hash=name)])
    small = SmallWarehouse(bronze.root, bronze.root / "warehouse.duckdb")
    let_go(small)

    def report(line: str) -> None:
        raise Died

    with pytest.raises(Died):
        ingest(small.lake, small.path, report=report, report_seconds=0.0)
    small.ingest()
    assert hashes(small) == ["a3"]
    assert len(small.ask(EXPIRY)) == 1
