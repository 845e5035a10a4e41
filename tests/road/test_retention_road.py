"""What retention lets go is gone from bronze and gold, told of, and stays away."""

from __future__ import annotations

import time

import polars as pl
import pytest
from user_home import Home, same

from sandbox.testing import sandbox_server

DAY = 86_400
GOLD = {
    "pnl": "select * from gold.trader_pnl order by all",
    "days": "select * from gold.daily_volume order by all",
    "status": "select * from gold.market_completeness order by all",
    "prices": "select * from gold.prices order by all",
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A user who let go of old fills and prices, in the midst of some markets."""
    with sandbox_server(size="tiny", fills=3_000, age_days=40.0) as box:
        # The cut is made by our own clock, which need not be the sandbox's.
        days = age_of_cut(box) + int(time.time()) // DAY - int(box.now()) // DAY
        more = f"[retention]\ntrades_days = {days}\nprices_days = {days}\n"
        user = Home(tmp_path_factory.mktemp("kept"), box, more)
        user.fetch()
        user.ingest()
        user.whole = {name: user.ask(sql) for name, sql in GOLD.items()}
        user.before = user.held()
        user.dry = user.run("warehouse", "retention")
        user.after_dry = user.run("warehouse", "retention")
        user.applied = user.run("warehouse", "retention", "--apply")
        user.ingest()
        yield user


def age_of_cut(box) -> int:
    """Before how many days most markets have fills on both sides."""
    today = int(box.now()) // DAY
    clock = pl.col("timestamp") // DAY - today
    fills = box.truth()["fills"].group_by("condition_id")
    spans = fills.agg(first=clock.min(), last=clock.max())

    def cut_through(days: int) -> int:
        across = (pl.col("first") < -days) & (pl.col("last") >= -days)
        return spans.filter(across).height

    return max(range(31, 90), key=cut_through)


def cut_of(user) -> int:
    [before] = {one["before"] for one in user.dry["going"]}
    return int(pl.Series([before]).str.to_date().dt.epoch("s")[0])


def test_a_dry_run_tells_what_would_go_and_changes_nothing(kept):
    assert kept.dry == kept.after_dry
    assert not kept.dry["applied"]
    assert {one["dataset"] for one in kept.dry["going"]} == {
        "taker_trades",
        "trades",
        "prices",
    }
    assert all(one["rows"] and one["bytes"] for one in kept.dry["going"][:2])
    assert kept.dry["meaning"]["markets"] > 0
    assert kept.dry["meaning"]["complete_markets"] > 0
    assert kept.dry["meaning"]["wallets"] > 0


def test_what_is_old_is_gone_and_all_else_is_there(kept):
    left = kept.before.filter(pl.col("timestamp") >= cut_of(kept))
    assert 0 < left.height < kept.before.height
    assert same(kept.held(), left)


def test_only_markets_that_lost_fills_are_told_to_be_expired(kept):
    lost = kept.before.filter(pl.col("timestamp") < cut_of(kept))
    lost = set(lost["condition_id"])
    was = {row[0]: row[1:] for row in kept.whole["status"].iter_rows()}
    now = {row[0]: row[1:] for row in kept.ask(GOLD["status"]).iter_rows()}
    status = -2
    assert any(was[market][status] == "complete" for market in lost)
    for market, told in now.items():
        if market not in lost:
            assert told[status:] == was[market][status:]
        elif was[market][status] == "complete":
            assert told[status:] == ("partial", "expired")


def test_pnl_that_lost_fills_is_flagged(kept):
    lost = kept.before.filter(pl.col("timestamp") < cut_of(kept))
    pnl = kept.ask(
        "select condition_id, is_market_complete, fills_expired_before"
        " from gold.trader_pnl"
    )
    told = pnl["fills_expired_before"].dt.epoch("s").unique()
    assert told.to_list() == [cut_of(kept)]
    touched = pnl.filter(pl.col("condition_id").is_in(lost["condition_id"].implode()))
    assert touched.height
    assert not touched["is_market_complete"].any()
    assert kept.whole["pnl"]["fills_expired_before"].null_count() == (
        kept.whole["pnl"].height
    )


def test_a_second_run_finds_nothing_to_let_go(kept):
    again = kept.run("warehouse", "retention", "--apply")
    assert again["gone"] == []
    assert [one["files"] for one in again["going"]] == [0, 0, 0]
    assert kept.ingest()["published"] is False


def test_what_went_is_not_fetched_again_nor_missed(kept):
    # the road's other promises hold on: two runs more, one of them of repairs
    assert kept.run("fetch", "verify", "--deep")["problems"] == []
    for options in (("--mode", "all"), ("repair",)):
        said = kept.run("fetch", *options)
        assert said["datasets"]["trades"]["rows_new"] == 0
    kept.ingest()
    assert kept.held()["timestamp"].min() >= cut_of(kept)
    assert kept.run("warehouse", "check")["broken"] == []


def test_an_empty_warehouse_comes_to_the_same_gold(kept):
    gold = {name: kept.ask(sql) for name, sql in GOLD.items()}
    for path in (kept.folder / "data").glob("*warehouse*"):
        if path.is_file():
            path.unlink()
    kept.ingest()
    for name, sql in GOLD.items():
        assert kept.ask(sql).equals(gold[name]), name
