"""Data v1: offsets, caps and what is left after its retirement."""

import polars as pl
import pytest

PATH = "/data/trades"


def test_pages_of_both_sides_newest_first_in_camel_case(small):
    fills = small.box.truth()["fills"].filter(pl.col("servable"))
    condition = fills["condition_id"].value_counts().sort("count")["condition_id"][-20]
    rows = []
    while True:
        page = small.json(
            PATH, market=condition, takerOnly="false", limit=100, offset=len(rows)
        )
        rows += page
        if len(page) < 100:
            break
    assert len(rows) == fills.filter(pl.col("condition_id") == condition).height
    assert {"proxyWallet", "asset", "conditionId", "transactionHash"} <= set(rows[0])
    times = [row["timestamp"] for row in rows]
    assert times == sorted(times, reverse=True)


def test_only_takers_come_by_default(tiny):
    takers, both = (
        tiny.json(PATH, limit=1000),
        tiny.json(PATH, limit=1000, takerOnly="false"),
    )
    assert 0 < len(takers) < len(both)


def test_beyond_the_cap_it_refuses(tiny):
    answer = tiny.get(PATH, offset=3001)
    assert answer.status_code == 400
    assert answer.json() == {"error": "max historical trades offset of 3000 exceeded"}


def test_or_it_repeats_the_last_page(start):
    asker = start(size="tiny", v1_offset_cap=50, v1_past_cap="repeat")
    last = asker.json(PATH, offset=50, limit=10)
    assert asker.json(PATH, offset=60, limit=10) == last
    assert asker.json(PATH, offset=999, limit=10) == last


def test_start_and_end_do_nothing_on_market_questions(tiny):
    assert tiny.json(PATH, start=1, end=2, limit=20) == tiny.json(PATH, limit=20)


def test_a_new_trade_shifts_every_later_page_by_one(start):
    asker = start(size="small")
    before = asker.json(PATH, limit=50, offset=50, takerOnly="false")
    asker.box.advance(3600)
    after = asker.json(PATH, limit=50, offset=50, takerOnly="false")
    assert before != after


@pytest.mark.parametrize("mode", ["404", "410"])
def test_after_its_retirement_every_route_says_so_and_v2_goes_on(start, mode):
    asker = start(size="tiny", v1=mode)
    for path in (PATH, "/data/positions", "/data/oi", "/data/v1/leaderboard"):
        assert asker.get(path).status_code == int(mode)
    assert asker.get("/data/v2/trades").status_code == 200


def test_holders_want_markets_not_tokens(tiny):
    answer = tiny.get("/data/holders", market="123")
    assert answer.json() == {"error": "required query param 'market' not provided"}
