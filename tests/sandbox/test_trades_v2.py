"""`/v2/trades` keeps the rules of the real one, the unpleasant ones too."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

PATH = "/data/v2/trades"


def busiest(asker, where=None):
    fills = asker.box.truth()["fills"].filter(pl.col("servable"))
    fills = fills if where is None else fills.filter(where)
    return fills["condition_id"].value_counts(sort=True)["condition_id"][0]


def test_walking_every_market_gives_exactly_what_truth_marks_servable(
    small, identities
):
    truth = small.box.truth()
    ids = truth["markets"]["condition_id"].to_list()
    got = [
        row
        for at in range(0, len(ids), 20)
        for row in small.trades(condition=",".join(ids[at : at + 20]))
    ]
    assert identities(got) == identities(truth["fills"].filter("servable"))


def test_a_walk_splits_a_second_of_more_than_a_thousand_rows_without_loss(
    small, identities
):
    fills = small.box.truth()["fills"].filter("servable")
    second = fills["timestamp"].value_counts(sort=True)["timestamp"][0]
    condition = busiest(small, pl.col("timestamp") == second)
    for limit in (333, 1000):
        walked = small.trades(condition=condition, limit=limit)
        here = fills.filter(pl.col("condition_id") == condition)
        assert identities(walked) == identities(here)


def test_the_bare_feed_reaches_back_to_the_previous_month_only(small, identities):
    fills = small.box.truth()["fills"].filter("servable")
    october = 1_790_812_800  # 2026-10-01
    walked = small.trades()
    assert identities(walked) == identities(
        fills.filter(pl.col("timestamp") >= october)
    )
    assert any(len(row["condition_id"]) == 64 for row in walked)  # combos


def test_rows_are_newest_first(tiny):
    times = [row["timestamp"] for row in tiny.trades()]
    assert times == sorted(times, reverse=True)


def test_only_takers_come_unless_asked_otherwise(tiny):
    condition = busiest(tiny)
    default = tiny.json(PATH, condition=condition, limit=1000)["data"]
    both = tiny.trades(condition=condition)
    assert 0 < len(default) < len(both)
    takers = tiny.box.truth()["fills"].filter(
        (pl.col("condition_id") == condition) & pl.col("servable") & pl.col("is_taker")
    )
    assert len(default) == takers.height


def test_has_more_is_exact_and_the_last_cursor_is_null(tiny):
    condition = busiest(tiny)
    count = len(tiny.trades(condition=condition))
    full = tiny.json(PATH, condition=condition, taker_only="false", limit=count)
    assert full["pagination"] == {
        "limit": count, "offset": 0, "has_more": False, "next_cursor": None,
    }  # fmt: skip
    less = tiny.json(PATH, condition=condition, taker_only="false", limit=count - 1)
    assert less["pagination"]["has_more"] is True


def test_the_cursor_carries_the_page_size_and_limit_is_ignored_beside_it(tiny):
    page = tiny.json(PATH, taker_only="false", limit=5)
    cursor = page["pagination"]["next_cursor"]
    after = tiny.json(PATH, taker_only="false", limit=900, cursor=cursor)
    assert len(after["data"]) == 5


def test_filters_are_not_in_the_cursor_so_leaving_them_out_mixes_streams(tiny):
    condition = busiest(tiny)
    page = tiny.json(PATH, condition=condition, taker_only="false", limit=20)
    cursor = page["pagination"]["next_cursor"]
    mixed = tiny.json(PATH, taker_only="false", cursor=cursor)["data"]
    faithful = tiny.json(PATH, condition=condition, taker_only="false", cursor=cursor)
    assert {row["condition_id"] for row in faithful["data"]} == {condition}
    assert {row["condition_id"] for row in mixed} != {condition}


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"offset": 1}, "offset"),
        ({"limit": 1001}, "limit"),
        ({"cursor": "abc"}, "invalid cursor"),
        ({"condition": "0x12"}, "invalid condition id"),
        ({"condition": ",".join(f"0x{i:064x}" for i in range(21))}, "20"),
        ({"side": "LONG"}, "side must be BUY or SELL"),
        ({"filter_type": "X"}, "filterType must be CASH or TOKENS"),
        ({"user": "me"}, "user"),
        ({"user": "0x4D97DCd97eC945f40cF65F87097ACe5EA0476045"}, "contract"),
    ],
)
def test_a_wrong_request_is_a_400_that_says_what_and_carries_the_trace(
    tiny, params, text
):
    answer = tiny.get(PATH, **params)
    assert answer.status_code == 400
    body = answer.json()
    assert text in body["error"]
    assert body["code"] == "invalid_request"
    assert body["retryable"] is False
    assert body["trace_id"] == answer.headers["x-trace-id"]


def test_a_cursor_of_another_route_is_refused(tiny):
    cursor = tiny.json("/data/v2/leaderboard", limit=2, time_period="all")
    cursor = cursor["pagination"]["next_cursor"]
    assert tiny.get(PATH, cursor=cursor).json()["error"] == "invalid cursor"


def test_a_well_formed_but_unknown_condition_is_an_empty_page(tiny):
    page = tiny.json(PATH, condition="0x" + "ab" * 32)
    assert page["data"] == []
    assert page["pagination"]["next_cursor"] is None


def test_parameters_are_taken_in_either_spelling_and_ids_in_either_case(tiny):
    condition = busiest(tiny)
    snake = tiny.json(PATH, condition=condition, taker_only="false", limit=9)
    camel = tiny.json(
        PATH, conditionId="0x" + condition[2:].upper(), takerOnly="false", limit=9
    )
    assert snake["data"] == camel["data"]


def test_fills_below_a_hundredth_share_are_never_served(small):
    fills = small.box.truth()["fills"].filter(pl.col("reason") == "dust_floor")
    assert fills.height > 0
    for condition in fills["condition_id"].unique().to_list()[:5]:
        served = small.trades(condition=condition, filter_amount=0)
        assert all(row["size"] >= 0.01 for row in served)


def test_start_and_end_are_ignored_without_a_user(tiny):
    plain = tiny.json(PATH, limit=50)["data"]
    assert tiny.json(PATH, limit=50, start=1, end=2)["data"] == plain


def test_a_user_walk_reaches_behind_the_window_only_with_start_1(small, identities):
    fills = small.box.truth()["fills"]
    old = fills.filter(pl.col("reason") == "service_window")
    wallet = old["proxy_wallet"].value_counts(sort=True)["proxy_wallet"][0]
    mine = fills.filter(pl.col("proxy_wallet") == wallet)
    assert identities(small.trades(user=wallet)) == identities(mine.filter("servable"))
    reachable = mine.filter(
        pl.col("reach").is_in(["market", "feed", "condition", "user"])
    )
    assert identities(small.trades(user=wallet, start=1)) == identities(reachable)
    times = mine["timestamp"].sort()
    begin, end = times[len(times) // 2], times[len(times) // 2 + 3]
    between = small.trades(user=wallet, start=begin, end=end)
    assert {begin, end} <= {row["timestamp"] for row in between}
    assert all(begin <= row["timestamp"] <= end for row in between)


def test_the_newest_rows_lack_their_labels_and_get_them_later(start):
    asker = start(size="tiny", cdn=False)
    before = asker.json(PATH, limit=1)["data"][0]
    assert before["outcome_index"] == 999
    assert before["event_slug"] == ""
    asker.box.advance(900)
    after = next(
        row
        for row in asker.trades(condition=before["condition_id"])
        if row["transaction_hash"] == before["transaction_hash"]
        and row["proxy_wallet"] == before["proxy_wallet"]
    )
    assert after["outcome_index"] in (0, 1)
    assert after["event_slug"] != ""


def test_live_volume_counts_each_match_once_dust_and_old_fills_included(small):
    truth = small.box.truth()
    markets = truth["markets"].filter(~pl.col("combo"))
    traded = truth["fills"].filter(
        pl.col("is_taker") & ~pl.col("reason").is_in(["not_indexed_yet", "withdrawn"])
    )
    sums = dict(traded.group_by("condition_id").agg(pl.col("size").sum()).iter_rows())
    ids = markets["event_id"].unique().to_list()
    for at in range(0, len(ids), 20):
        body = small.json("/data/v2/live-volume", event_id=",".join(ids[at : at + 20]))
        for row in body["data"]["conditions"]:
            expected = sums.get(row["condition_id"], 0.0)
            assert row["taker_volume"] == pytest.approx(expected, abs=1e-5)


def test_live_volume_takes_at_most_twenty_events(small):
    ids = ",".join(str(number) for number in range(21))
    assert small.get("/data/v2/live-volume", event_id=ids).status_code == 400


def test_status_tells_the_lag_and_the_time(tiny):
    data = tiny.json("/data/v2/status")["data"]
    assert data["computed_at"] == "2026-11-21T12:00:00Z"
    assert data["serving"]["lag_seconds"] == 4


@settings(max_examples=20, deadline=None)
@given(limit=st.integers(1, 1000), taker_only=st.booleans())
def test_pages_of_any_size_give_every_row_once(tiny, limit, taker_only):
    params = {"taker_only": str(taker_only).lower(), "limit": max(limit, 40)}
    whole = tiny.json(PATH, **params | {"limit": 1000})["data"]
    assert tiny.trades(**params) == whole


def test_an_event_walk_is_its_markets_together(small, identities):
    markets = small.box.truth()["markets"]
    event = markets["event_id"].drop_nulls().value_counts(sort=True)["event_id"][0]
    ids = markets.filter(pl.col("event_id") == event)["condition_id"].to_list()
    together = small.trades(event_id=event)
    assert identities(together) == identities(small.trades(condition=",".join(ids)))


def test_sixty_two_digit_conditions_are_found_padded_or_not(small):
    markets = small.box.truth()["markets"].filter(pl.col("kind") == "v2")
    condition = markets.sort("fills_servable")["condition_id"][-1]
    rows = small.trades(condition=condition)
    assert rows
    assert small.trades(condition=condition + "00") == rows


def test_side_and_least_amount_narrow_a_walk(tiny):
    rows = tiny.trades()
    sells = tiny.trades(side="SELL")
    assert sells == [row for row in rows if row["side"] == "SELL"]
    large = tiny.trades(filter_amount=50)
    assert large == [row for row in rows if row["size"] >= 50]
    rich = tiny.trades(filter_type="CASH", filter_amount=20)
    assert rich == [r for r in rows if r["size"] * r["price"] >= 20 - 1e-9]
