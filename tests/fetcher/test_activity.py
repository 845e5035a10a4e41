"""Wallets walked whole against the sandbox: all rows, none twice, few requests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from trades_rig import KEY, Home, home_beside

from fetcher.answer import Answer
from fetcher.errors import UnexpectedPayload
from fetcher.polymarket.activity import OF_ACTIVITY
from fetcher.polymarket.trade_rows import read_page
from fetcher.polymarket.version import DataService
from fetcher.polymarket.wallet_says import fetch_pnl, read_pnl, read_positions
from lake.storage import LocalStorage
from settings.errors import UsageError

NOW = 1_784_075_104
WHOLE = {"size": "tiny", "fills": 5_000, "lag_seconds": 0}


def busiest(home: Home) -> str:
    fills = home.box.truth()["fills"].group_by("proxy_wallet").len()
    return fills.sort("len", "proxy_wallet")["proxy_wallet"][-1]


def held(home: Home) -> pl.DataFrame:
    """Each thing done and how often it is held: the most that any one walk saw."""
    identity = [*KEY, "type"]
    counted = home.rows("activity").group_by([*identity, "walk_id"]).len()
    return counted.group_by(identity).agg(pl.col("len").max())


def wrong_trades(home: Home, wallet: str, before: float) -> pl.DataFrame:
    """Trades of a wallet that are held more or less often than they are served."""
    mine = pl.col("proxy_wallet") == wallet
    served = pl.col("servable") | (pl.col("reach") == "user")
    truth = home.box.truth()["fills"].filter(mine & served).group_by(KEY).len()
    trades = held(home).filter(pl.col("type") == "TRADE").drop("type")
    both = trades.join(truth, on=KEY, how="full", coalesce=True)
    return both.filter(
        ~pl.col("len").eq_missing(pl.col("len_right")) & (pl.col("timestamp") < before)
    )


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """A home that has walked the busiest wallet of a small exchange."""
    with home_beside(tmp_path_factory.mktemp("wallet"), **WHOLE) as home:
        summary = home.fetch(mode="activity", wallets=(busiest(home),))
        assert summary.failures == []
        yield home


def pages(home: Home, dataset: str = "activity") -> list[dict[str, list[str]]]:
    """What each request of a dataset asked, in order."""
    rows = sorted(home.walks("page", dataset), key=lambda row: row["page_no"])
    return [parse_qs(urlsplit(row["request"]).query) for row in rows]


def test_all_that_a_wallet_did_is_held_the_oldest_too(walked):
    wallet = busiest(walked)
    assert wrong_trades(walked, wallet, walked.box.now() - 60).is_empty()
    rows = walked.rows("activity")
    mine = walked.box.truth()["ledger"].filter(pl.col("proxy_wallet") == wallet)
    for kind, dollars in (("MERGE", "merged_usdc"), ("REDEEM", "redeemed_usdc")):
        told = rows.filter(pl.col("type") == kind)["usdc_size"].sum()
        assert told == pytest.approx(mine[dollars].sum(), abs=1e-6)


def test_every_page_asks_for_the_whole_history_with_the_same_filters(walked):
    asked = pages(walked)
    assert len(asked) > 1
    for query in asked:
        assert query["start"] == ["1"]
        assert query["exclude_deposits_withdrawals"] == ["false"]
        assert query["user"] == [busiest(walked)]
        assert "type" not in query


def test_positions_open_and_closed_are_those_of_the_exchange(walked):
    rows = walked.rows("positions")
    mine = walked.box.truth()["ledger"].filter(
        pl.col("proxy_wallet") == busiest(walked)
    )
    shown = mine.filter((pl.col("shares") >= 0.1) | (pl.col("shares") <= 0))
    assert sorted(rows["token_id"]) == sorted(shown["token_id"])
    assert rows["current_size"].sum() == pytest.approx(shown["shares"].sum(), abs=0.01)
    assert {query["sort_by"][0] for query in pages(walked, "positions")} == {
        "TIMESTAMP"
    }


def test_the_exchanges_pnl_of_a_wallet_is_kept_by_day(walked):
    rows = walked.rows("user_pnl").sort("timestamp")
    mine = walked.box.truth()["ledger"].filter(
        pl.col("proxy_wallet") == busiest(walked)
    )
    told = rows["position_pnl"][-1]
    assert told == pytest.approx(mine["pnl_usdc"].sum(), abs=0.5)


def test_a_wallet_once_named_is_brought_up_to_date_by_later_runs(walked):
    wallet = busiest(walked)
    before = held(walked)["len"].sum()
    walked.data_requests()
    assert walked.fetch(mode="activity").failures == []
    assert walked.data_requests() <= 6
    assert held(walked)["len"].sum() == before
    walked.box.advance(200_000)
    assert walked.fetch(mode="activity").failures == []
    assert walked.data_requests() <= 7
    assert held(walked)["len"].sum() > before
    assert wrong_trades(walked, wallet, walked.box.now() - 60).is_empty()


def test_a_fresh_walk_stores_nothing_again(walked):
    before = held(walked)["len"].sum()
    summary = walked.fetch(mode="activity", fresh=True)
    assert summary.counts["activity"].rows_seen == before
    assert held(walked)["len"].sum() == before


def test_a_walk_that_was_cut_off_goes_on_where_it_was(tmp_path):
    with home_beside(tmp_path, **WHOLE) as home:
        wallet = busiest(home)
        home.fetch(mode="activity", wallets=(wallet,), stop_after=1)
        assert len(pages(home)) == 1
        home.fetch(mode="activity")
        assert wrong_trades(home, wallet, home.box.now() - 60).is_empty()
        firsts = [query for query in pages(home) if "cursor" not in query]
        assert [query["start"] == ["1"] for query in firsts].count(True) == 1


def test_without_a_wallet_ever_named_the_run_says_what_to_do(tmp_path):
    with home_beside(tmp_path, size="tiny") as home:
        with pytest.raises(UsageError, match="--wallet ADDRESS"):
            home.fetch(mode="activity")
        with pytest.raises(UsageError, match="whole wallets"):
            home.fetch(mode="activity", markets=("some-market",))


def test_where_v2_is_gone_wallets_are_refused_plainly(tmp_path):
    with home_beside(tmp_path, "v1", size="tiny") as home:
        summary = home.fetch(mode="activity", wallets=("0x" + "12" * 20,))
    assert "Data API v2 only" in summary.failures[0].why


@dataclass
class Answers:
    """A service that says one thing."""

    answer: Answer

    def load(self, path, params, read, *, groups):
        return self.answer, read(self.answer.body)


# The rows of a page


def row(**other):
    return {
        "proxy_wallet": "0x" + "ab" * 20,
        "type": "REWARD",
        "timestamp": NOW,
        "size": 3249.99909,
        **other,
    }


def page_text(*rows):
    return json.dumps({"data": rows, "pagination": {"next_cursor": None}})


def page(*rows):
    return read_page(page_text(*rows).encode(), layout=OF_ACTIVITY)


def test_a_reward_needs_no_market_and_no_token():
    found = page(row(condition_id="", token_id="", price=0, usdc_size=3249.99909))
    assert found.misfits == ()
    assert found.counts() == {"0x" + "ab" * 20: 1}


def test_a_kind_of_activity_that_nobody_knew_is_kept_with_all_it_says():
    found = page(row(type="WISH", made_of="stars"))
    assert found.rows["type"].to_pylist() == ["WISH"]
    assert found.extra == ['{"made_of": "stars"}']


@pytest.mark.parametrize("said", ["NaN", "Infinity", "-1e999", "1" + "0" * 400])
def test_a_number_that_is_not_finite_is_none(said):
    body = page_text(row(price=0.25, usdc_size=0.5)).replace("0.25", said)
    found = read_page(body.encode(), layout=OF_ACTIVITY)
    assert found.rows["price"].to_pylist() == [None]
    assert found.rows["usdc_size"].to_pylist() == [0.5]
    assert [json.loads(text or "{}").keys() for text in found.extra] == [{"price"}]


def test_a_row_that_says_not_whose_or_when_is_set_aside():
    found = page(row(proxy_wallet=""), row(timestamp=None), row(size="many"), row())
    assert [misfit.row_no for misfit in found.misfits] == [0, 1, 2]
    assert found.served == 4


def test_a_moment_that_is_none_costs_only_its_own_point(tmp_path):
    points = [{"timestamp": at, "position_pnl": 1} for at in (None, inf, 10**18, NOW)]
    served = json.dumps({"data": {"points": points}}).encode()
    api = Answers(Answer(served, 200, None, None, "/", datetime.now(UTC), 1))
    service = DataService("v2", 0, 0.0, lambda: float(NOW))
    [batch] = fetch_pnl(api, service, LocalStorage(tmp_path), "0xab")
    assert batch.rows["user_pnl"]["timestamp"].to_pylist() == [NOW]
    assert batch.rows["walks"]["rows_served"].to_pylist()[0] == len(points)


@pytest.mark.parametrize("body", [b"[]", b'{"data": 5}', b"no", b'{"pagination": 1}'])
def test_what_is_no_answer_about_a_wallet_is_said_to_be_none(body):
    with pytest.raises(UnexpectedPayload):
        read_positions(body)
    with pytest.raises(UnexpectedPayload):
        read_pnl(body)


def test_a_wallet_that_nobody_knows_has_nothing():
    assert read_positions(b'{"data": [], "pagination": null}').items == []
    assert read_pnl(b'{"data": null}').items == []
