"""Open interest: a reading where something happened, and one of the whole exchange."""

from __future__ import annotations

import polars as pl
import pytest
from trades_rig import home_beside

DAY = 86_400


@pytest.fixture
def home(tmp_path):
    with home_beside(tmp_path, size="tiny", cdn=False) as home:
        home.fetch(mode="markets")
        yield home


def latest(home) -> dict[str, float]:
    rows = home.rows("open_interest").sort("fetched_at")
    return dict(rows.select("condition_id", "value").iter_rows())


def true_interest(home) -> dict[str, float]:
    """What all wallets have paid into each market and not got back."""
    ledger = home.box.truth()["ledger"]
    paid = -(pl.col("cash_usdc") + pl.col("fees_usdc")).sum()
    return dict(ledger.group_by("condition_id").agg(paid).iter_rows())


def test_every_market_is_read_and_the_whole_exchange(home):
    summary = home.fetch(mode="open-interest")
    assert (summary.exit_code, summary.failures) == (0, [])
    known, true = latest(home), true_interest(home)
    listed = home.box.truth()["markets"].filter(~pl.col("combo"))["condition_id"]
    assert set(known) - {"GLOBAL"} == set(listed)
    for condition in listed:
        assert known[condition] == pytest.approx(true.get(condition, 0.0), abs=1e-5)
    assert known["GLOBAL"] == pytest.approx(sum(true.values()), abs=1e-3)


def test_only_markets_in_which_something_happened_are_read_again(home):
    home.fetch(mode="trades")
    home.fetch(mode="open-interest")
    before = home.rows("open_interest").height
    home.fetch(mode="open-interest")
    again = home.rows("open_interest").height - before
    assert again == 1  # the whole exchange
    home.box.advance(DAY)
    truth = home.box.truth()["fills"]
    traded = truth.filter(pl.col("timestamp") > home.box.now() - DAY)
    home.fetch(mode="trades")
    home.fetch(mode="open-interest")
    read = home.rows("open_interest").sort("fetched_at").tail(-before - 1)
    assert set(traded.filter(pl.col("reach") == "market")["condition_id"]) <= set(
        read["condition_id"]
    )
    assert read.height < before


def test_fills_of_the_same_run_are_news_in_it(home):
    road = ("markets", "trades", "open_interest")
    home.fetch(among=road)
    before = home.rows("trades").height
    home.box.advance(3_600)
    home.box.admin("inject", kind="late", seconds=60, count=5, purge=True)
    home.fetch(among=road)
    fills = home.rows("trades").sort("fetched_at").tail(-before)
    readings = home.rows("open_interest").group_by("condition_id").agg(pl.len())
    twice = readings.filter(pl.col("len") > 1)["condition_id"]
    assert fills.height
    assert set(fills["condition_id"].str.to_lowercase()) <= set(twice)


def test_v1_is_read_where_v2_is_gone(tmp_path):
    with home_beside(tmp_path, "v1", size="tiny", cdn=False) as home:
        home.fetch(mode="markets")
        assert home.fetch(mode="open-interest").exit_code == 0
        true = true_interest(home)
        for condition, value in latest(home).items():
            if condition != "GLOBAL":
                assert value == pytest.approx(true.get(condition, 0.0), abs=1e-5)


@pytest.mark.parametrize("status", [404, 410])
def test_a_route_that_is_gone_is_one_failure(tmp_path, status):
    folder = tmp_path / "payloads"
    folder.mkdir()
    (folder / "gone").write_text('{"error": "not found", "code": "not_found"}')
    (folder / "routes.toml").write_text(
        f'[[route]]\npath = "/data/v2/oi"\nfile = "gone"\nstatus = {status}\n'
    )
    with home_beside(tmp_path / "home", size="tiny", payloads=folder) as home:
        home.fetch(mode="markets")
        summary = home.fetch(mode="open-interest")
        assert [f"answered {status}" in one.why for one in summary.failures] == [True]


def test_rows_without_a_value_or_of_other_markets_are_not_taken(tmp_path):
    folder = tmp_path / "payloads"
    folder.mkdir()
    said = ("null", "NaN", "1e999", '"5"')
    rows = (f'{{"condition_id": "GLOBAL", "value": {value}}}' for value in said)
    answer = f'{{"data": [{", ".join(rows)}]}}'
    (folder / "oi").write_text(answer)
    (folder / "routes.toml").write_text(
        '[[route]]\npath = "/data/v2/oi"\nfile = "oi"\n'
    )
    with home_beside(tmp_path / "home", size="tiny", payloads=folder) as home:
        summary = home.fetch(mode="open-interest")  # no catalogue: no market to ask
        assert summary.counts["open_interest"].quarantined == len(said)
        assert home.lake.files("open_interest") == []
