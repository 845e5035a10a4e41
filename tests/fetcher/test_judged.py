"""What the warehouse knows to be short is walked again, until two walks agree."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from fetcher.judged import judged

NOON = datetime(2025, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def says(tmp_path):
    """A warehouse with a verdict on one market, and what a repair makes of it."""

    def make(status: str, reason: str, *, agree: bool | None, missing: int = 0):
        path = tmp_path / "warehouse.duckdb"
        with duckdb.connect(str(path)) as db:
            db.execute(
                """
                create schema gold;
                create table gold.market_completeness as
                select '0xa' as condition_id, $1 as status, $2 as reason;
                """.replace("$1", f"'{status}'").replace("$2", f"'{reason}'")
            )
            db.execute(
                "create table gold.market_coverage as select '0xa' as condition_id, "
                "timestamp '2025-11-21 12:00' as walked_to_end_at, "
                "$1::boolean as walks_agree, $2::bigint as rows_missing",
                [agree, missing],
            )
        return judged(path)

    return make


@pytest.mark.parametrize("reason", ["missing_rows", "walk_unfinished", "excess_rows"])
def test_what_another_walk_may_mend_is_walked_again(says, reason):
    assert says("partial", reason, agree=False).mendable == {"0xa": NOON}


def test_what_two_whole_walks_agree_on_is_not_walked_a_third_time(says):
    assert says("partial", "missing_rows", agree=True).mendable == {}


def test_rows_of_ours_that_are_missing_are_walked_again_whatever_agrees(says):
    found = says("partial", "missing_rows", agree=True, missing=1)
    assert found.mendable == {"0xa": NOON}


def test_a_hole_of_the_exchange_is_counted_and_left(says):
    found = says("partial", "exchange_hole", agree=True)
    assert (found.mendable, found.exchange_holes) == ({}, 1)


@pytest.mark.parametrize("reason", ["amm_era", "dust_floor", "service_window"])
def test_what_no_walk_can_mend_is_left(says, reason):
    assert says("partial", reason, agree=None).mendable == {}


def test_without_a_warehouse_nothing_is_known_to_be_short(tmp_path):
    assert judged(tmp_path / "none.duckdb").mendable == {}
    (tmp_path / "cut.duckdb").write_bytes(b"cut short")
    assert judged(tmp_path / "cut.duckdb").mendable == {}
