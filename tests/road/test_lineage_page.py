"""From a number to its requests, as docs/lineage.md shows it, on a lake just made."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from user_home import Home

from sandbox.testing import sandbox_server

PAGE = Path(__file__).parents[2] / "docs" / "lineage.md"


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    with sandbox_server(size="tiny", age_days=15.0) as box:
        user = Home(tmp_path_factory.mktemp("lineage"), box)
        user.fetch("--mode", "all", "--limit", "4")
        user.ingest()
        yield user


def test_every_query_of_the_page_answers(user, monkeypatch):
    monkeypatch.chdir(user.folder)
    queries = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(queries) == 3
    for query in queries:
        assert user.run("warehouse", "query", query), query
    requested = user.run("warehouse", "query", queries[1])
    assert len(requested) == 5
    assert all("/v2/trades?" in row["request"] for row in requested)


def test_a_day_of_a_market_leads_to_all_of_its_fills(user):
    (day,) = user.ask(
        "select condition_id, trade_date, trades from gold.daily_volume "
        "order by trades desc limit 1"
    ).iter_rows(named=True)
    found = user.run(
        *("warehouse", "lineage", day["condition_id"], "--limit", "1000"),
        *("--since", str(day["trade_date"])),
        *("--until", str(day["trade_date"].replace(year=9999))),
    )
    later = user.ask("select condition_id, traded_at from gold.trades").filter(
        (pl.col("condition_id") == day["condition_id"])
        & (pl.col("traded_at").dt.date() >= day["trade_date"])
    )
    fills = [one for one in found["origins"] if one["file"].startswith("trades/")]
    assert sum(one["rows"] for one in fills) == later.height
    assert all(one["request"] for one in found["origins"])


def test_a_bronze_row_leads_to_its_request(user):
    row = pl.read_parquet(user.folder / "data/trades/dt=*/*.parquet").row(0, named=True)
    place = f"{row['walk_id']}/{row['page_no']}/{row['row_no']}"
    (origin,) = user.run("warehouse", "lineage", place)["origins"]
    assert origin["row_nos"] == [row["row_no"]]
    assert origin["request"].startswith("/v2/trades?")


def test_a_view_leads_to_the_listing_as_well(user):
    (market, *_) = user.ask("select distinct condition_id from gold.trades").rows()
    found = user.run("warehouse", "lineage", *market, "--view", "market_summary")
    named = {one["file"].split("/")[0] for one in found["origins"]}
    assert {"trades", "markets"} <= named
