"""Wallets: positions, holders, activity and boards agree with the ledger of truth."""

from collections import Counter

import polars as pl
import pytest


@pytest.fixture(scope="module")
def truth(prompt):
    return prompt.box.truth()


@pytest.fixture(scope="module")
def wallet(truth):
    return truth["ledger"]["proxy_wallet"].value_counts(sort=True)["proxy_wallet"][2]


def walk(asker, path, **params):
    rows = []
    while True:
        page = asker.json(path, **params)
        rows += page["data"]
        params["cursor"] = page["pagination"]["next_cursor"]
        if params["cursor"] is None:
            return rows


def test_positions_of_a_wallet_are_its_shares_in_the_ledger(prompt, truth, wallet):
    mine = truth["ledger"].filter(pl.col("proxy_wallet") == wallet)
    rows = []
    for status in ("OPEN", "CLOSED"):
        rows += walk(prompt, "/data/v2/positions", user=wallet, status=status, limit=7)
    shares = {row["token_id"]: row["current_size"] for row in rows}
    expected = mine.filter((pl.col("shares") == 0) | (pl.col("shares") >= 0.1))
    held = dict(expected.select("token_id", "shares").iter_rows())
    assert shares == pytest.approx(held)
    profit = {row["token_id"]: row["total_pnl"] for row in rows}
    for token, value in expected.select("token_id", "pnl_usdc").iter_rows():
        assert profit[token] == pytest.approx(value, abs=0.01)


def test_a_positions_cursor_is_bound_to_its_anchor_and_sort_key(prompt, wallet):
    path = "/data/v2/positions"
    page = prompt.json(path, user=wallet, limit=2, sort_by="TOKENS")
    cursor = page["pagination"]["next_cursor"]
    assert prompt.get(path, cursor=cursor).status_code == 400
    other = prompt.get(path, user=wallet, sort_by="PRICE", cursor=cursor)
    assert other.json()["error"] == "invalid cursor"
    assert prompt.get(path, user=wallet, sort_by="TOKENS", cursor=cursor).ok


def test_holders_come_on_several_pages_by_token(prompt, truth):
    ledger = truth["ledger"].filter((pl.col("shares") > 0) & (pl.col("price") < 1))
    condition = ledger["condition_id"].value_counts(sort=True)["condition_id"][0]
    if len(condition) == 64:
        condition = ledger["condition_id"].value_counts(sort=True)["condition_id"][1]
    held = Counter()
    for row in walk(prompt, "/data/v2/holders", condition=condition, limit=5):
        for holder in row["holders"]:
            held[row["token_id"], holder["proxy_wallet"]] += holder["amount"]
    mine = ledger.filter(pl.col("condition_id") == condition)
    expected = {
        (token, who): shares
        for token, who, shares in mine.select(
            "token_id", "proxy_wallet", "shares"
        ).iter_rows()
    }
    assert dict(held) == pytest.approx(expected)


def test_holders_refuse_combos(prompt, truth):
    combo = truth["markets"].filter(pl.col("combo"))["condition_id"][0]
    answer = prompt.get("/data/v2/holders", condition=combo)
    assert answer.json()["error"] == "invalid condition id"


def test_activity_has_every_served_fill_and_deed_and_goes_either_way(
    prompt, truth, wallet
):
    rows = walk(prompt, "/data/v2/activity", user=wallet, limit=50, start=1)
    fills = truth["fills"].filter(
        (pl.col("proxy_wallet") == wallet)
        & pl.col("reach").is_in(["market", "feed", "condition", "user"])
    )
    kinds = Counter(row["type"] for row in rows)
    assert kinds["TRADE"] == fills.height
    assert kinds["SPLIT"] > 0
    assert kinds["REDEEM"] > 0
    back = walk(
        prompt,
        "/data/v2/activity",
        user=wallet,
        limit=50,
        start=1,
        sort_direction="ASC",
    )
    assert back == rows[::-1]


def test_usdc_size_of_a_taker_holds_the_fee(prompt, truth):
    paid = (
        truth["fills"]
        .filter(
            pl.col("servable") & (pl.col("fee_usdc") > 0.01) & (pl.col("side") == "BUY")
        )
        .row(0, named=True)
    )
    rows = walk(
        prompt,
        "/data/v2/activity",
        user=paid["proxy_wallet"],
        condition=paid["condition_id"],
        type="TRADE",
        limit=1000,
    )
    row = next(
        r
        for r in rows
        if r["transaction_hash"] == paid["transaction_hash"]
        and r["size"] == paid["size"]
    )
    assert row["usdc_size"] == pytest.approx(paid["usdc"] + paid["fee_usdc"])


def test_boards_rank_by_pnl_and_v1_stops_at_fifty_a_page(prompt, truth):
    rows = walk(prompt, "/data/v2/leaderboard", time_period="all", limit=1000)
    profits = [row["pnl"] for row in rows]
    assert profits == sorted(profits, reverse=True)
    totals = truth["ledger"].group_by("proxy_wallet").agg(pl.col("pnl_usdc").sum())
    expected = dict(totals.iter_rows())
    for row in rows[:5]:
        assert row["pnl"] == pytest.approx(expected[row["user_id"]], abs=0.01)
    page = prompt.json("/data/v1/leaderboard", limit=500, timePeriod="ALL")
    assert len(page) == 50
    assert page[0]["rank"] == "1"


def test_resolutions_want_exactly_one_anchor_and_pay_in_millionths(prompt, truth):
    assert prompt.get("/data/v2/resolutions").status_code == 400
    done = (
        truth["markets"]
        .filter(pl.col("closed") & ~pl.col("amm") & ~pl.col("combo"))
        .row(0, named=True)
    )
    row = prompt.json("/data/v2/resolutions", condition=done["condition_id"])["data"][0]
    assert row["status"] == "resolved"
    assert row["payouts"] == [round(share * 1e6) for share in done["payouts"]]


def test_pnl_over_time_ends_at_the_pnl_of_now(prompt, truth, wallet):
    series = prompt.json("/data/v2/user-pnl", user=wallet)["data"]["points"]
    mine = truth["ledger"].filter(pl.col("proxy_wallet") == wallet)
    assert series[-1]["position_pnl"] == pytest.approx(mine["pnl_usdc"].sum(), abs=0.05)


@pytest.mark.parametrize("path", ["positions", "activity", "value", "user-pnl"])
def test_a_stranger_is_empty_and_a_missing_user_is_a_400(prompt, path):
    assert prompt.get(f"/data/v2/{path}").status_code == 400
    assert prompt.get(f"/data/v2/{path}", user="0x" + "12" * 20).ok
