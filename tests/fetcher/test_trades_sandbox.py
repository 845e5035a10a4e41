"""Whole runs against the sandbox: nothing is lost, nothing doubled, little repeated.

The numbers of quirks are those of docs/quirks.md.
"""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest
from trades_rig import home_beside

from fetcher.polymarket.chain import End, ended
from fetcher.polymarket.market_walk import market_chain, with_takers
from lake.walk_id import speaks_for_whole_seconds
from settings.errors import UsageError


@pytest.fixture(scope="module", autouse=True)
def no_waiting_for_the_disk():
    """These tests cut no power, and hundreds of small files are synced in each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: None)
        yield


V1 = "v1"
MANY_PAGES = {"size": "tiny", "fills": 6_000, "burst_rows": 2_500}
DAY = 86_400


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A first run over a small exchange, left alone since."""
    with home_beside(tmp_path_factory.mktemp("whole"), size="small", seed=3) as home:
        home.summary = home.fetch()
        yield home


def test_a_first_run_holds_every_fill_that_is_served(whole):
    # quirks 5 (both sides), 7 (equal rows are fills), 9 (short feed), 14 (combos)
    assert whole.summary.exit_code == 0
    assert whole.missing().is_empty()
    assert whole.missing("taker_trades").is_empty()
    truth = whole.box.truth()["fills"].filter(pl.col("servable"))
    assert {"feed", "market"} <= set(truth["reach"])  # combos are among them
    assert whole.fills()["len"].max() > 1  # and equal rows


def test_every_request_names_sides_and_markets_again(whole):
    # quirks 5 and 11: the cursor holds no filter, and the default is takers only
    pages = whole.walks("page")
    assert any(page["page_no"] > 0 for page in pages)
    for page in pages:
        assert "taker_only=false" in page["request"]
        if page["strategy"] == "market":
            assert "condition=0x" in page["request"]
    assert all(
        "taker_only=true" in p["request"] for p in whole.walks("page", "taker_trades")
    )


def test_no_time_filter_is_trusted_on_market_queries(whole):
    # quirk 4
    assert not [p for p in whole.walks("page") if "start=" in p["request"]]


def test_every_page_says_how_many_rows_were_served_and_all_are_accounted_for(whole):
    served = sum(page["rows_served"] for page in whole.walks("page"))
    folded = whole.walks("folded")
    kept = sum(row["rows_stored"] + row["rows_confirmed"] for row in folded)
    assert served == kept


def test_the_subjects_of_packed_walks_are_counted_one_by_one(whole):
    rows = whole.rows("trades").group_by("walk_id", "condition_id").len()
    held = {(w, c.lower()): n for w, c, n in rows.iter_rows()}
    subjects = [s for s in whole.walks("subject") if s["outcome"] == "end"]
    assert len({s["walk_id"] for s in subjects}) < len(subjects)
    confirmed = {
        (f["walk_id"], f["key"]): f["rows_confirmed"] for f in whole.walks("folded")
    }
    for subject in subjects:
        key = subject["walk_id"], subject["key"]
        assert subject["rows_served"] == held.get(key, 0) + confirmed.get(key, 0)


def test_takers_are_not_asked_for_of_a_market_without_a_fill(whole):
    subjects = [s for s in whole.walks("subject") if s["outcome"] == "end"]
    empty = {s["key"] for s in subjects if not s["rows_served"]}
    pages = whole.walks("page", "taker_trades")
    asked = " ".join(page["request"] for page in pages)
    assert empty
    assert not [condition for condition in empty if condition in asked]
    told = {
        s["key"]: s["detail"]
        for s in whole.walks("subject", "taker_trades")
        if s["outcome"] == "end"
    }
    for subject in subjects:
        assert told[subject["key"]] == subject["detail"]


def test_rows_set_aside_may_be_of_any_market_and_leave_takers_to_be_asked_for():
    walk = market_chain("trades", ("0xa", "0xb"), now=1_000.0)
    some = replace(walk, rows_served=2, served={"0xa": 2}, page_no=1, top=900)
    [both, takers] = with_takers(ended(some, End("end", 0), now=1_001.0)).progress
    assert both.scope == ("0xa", "0xb")
    assert (takers.dataset, takers.scope, takers.top) == ("taker_trades", ("0xb",), 900)
    torn = ended(replace(some, rows_served=3), End("end", 0), now=1_001.0)
    assert with_takers(torn) is torn
    cut = ended(some, End("cursor_refused"), now=1_001.0)
    assert with_takers(cut) is cut


def test_a_market_older_than_the_service_window_says_so(whole):
    # quirk 10
    truth = whole.box.truth()["fills"].filter(reason="service_window")
    old = set(truth["condition_id"])
    details = {s["key"]: s["detail"] for s in whole.walks("subject")}
    assert old
    assert {details[condition] for condition in old if condition in details} == {
        "service_window"
    }


def test_totals_were_read_before_and_after_the_walks(whole):
    totals = whole.rows("live_volume").group_by("condition_id").len()
    assert totals["len"].min() == 2


def test_a_second_run_asks_little_and_stores_nothing(whole):
    whole.data_requests()
    before = whole.rows("trades").height
    whole.fetch()
    assert whole.data_requests() <= 8
    assert whole.rows("trades").height == before


def test_a_fresh_run_walks_everything_and_stores_nothing_again(tmp_path):
    # quirk 8: labels that arrived late do not make a second copy
    with home_beside(tmp_path, size="tiny", label_seconds=5 * DAY) as home:
        home.fetch()
        home.box.advance(6 * DAY)
        home.fetch(fresh=True)
        assert home.missing().is_empty()
        assert home.rows("trades").height == home.fills()["len"].sum()


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_a_run_costs_what_is_new_whatever_the_size(tmp_path, size):
    with home_beside(tmp_path, size=size, seed=5) as home:
        home.fetch()
        home.box.advance(900)
        home.data_requests()
        home.fetch()
        assert home.missing().is_empty()
        assert home.data_requests() <= 12


def test_rows_that_are_indexed_late_are_found(tmp_path):
    # quirk 13
    with home_beside(tmp_path, size="tiny", lag_seconds=60) as home:
        home.fetch()
        for _ in range(2):
            home.box.advance(1_000)
            home.fetch()
        home.box.advance(120)
        home.fetch()
        assert home.missing().is_empty()


@pytest.mark.parametrize("pages", [3, 12])
def test_a_stopped_run_goes_on_where_it_was(tmp_path, pages):
    with home_beside(tmp_path, **MANY_PAGES) as home:
        home.fetch(stop_after=pages)
        home.fetch(mode="trades", stop_after=pages)
        half = home.cursor().walks
        home.fetch()
        assert home.missing().is_empty()
        both = home.walks("walk") + home.walks("walk", "taker_trades")
        ended = {walk["walk_id"]: walk for walk in both}
        for walk_id, saved in half.items():
            if saved["page_no"]:
                assert ended[walk_id]["pages"] > saved["page_no"]
        assert not home.cursor().walks


def test_a_feed_that_was_stopped_on_the_way_leaves_no_hole(tmp_path):
    with home_beside(tmp_path, **MANY_PAGES) as home:
        home.fetch()
        for pages in (1, 2, 1):
            home.box.advance(2 * DAY)
            home.fetch(stop_after=pages)
        home.box.advance(3_600)
        home.fetch()
        assert home.missing().is_empty()
        assert not home.cursor().values["feed"]["intervals"]


def test_cursors_that_are_refused_cost_a_new_walk_and_nothing_else(tmp_path):
    with home_beside(tmp_path, **MANY_PAGES) as home:
        home.fetch(stop_after=3)
        assert any(saved["cursor"] for saved in home.cursor().walks.values())
        home.box.admin("rotate-keys")
        home.fetch()
        assert home.missing().is_empty()
        both = home.walks("walk") + home.walks("walk", "taker_trades")
        assert "cursor_refused" in {walk["outcome"] for walk in both}


def test_a_gap_longer_than_the_feed_reaches_is_walked_by_market(tmp_path):
    # quirk 9
    with home_beside(tmp_path, ahead_days=90, **MANY_PAGES) as home:
        home.fetch()
        home.box.advance(75 * DAY)
        home.fetch()
        found = home.missing()
        truth = home.box.truth()["fills"]
        # combos that lived and died in the gap are named by nothing any more
        unnamed = set(truth.filter(reach="condition")["condition_id"])
        lost = found.filter(pl.col("len") < pl.col("true"))
        assert set(lost["condition_id"]) <= unnamed
        feed = home.cursor().values["feed"]
        assert not feed["intervals"]
        assert feed["watermark"] > home.box.now() - 2 * 3_600
        home.data_requests()
        home.fetch()
        assert home.data_requests() <= 10


def test_a_feed_whose_cursor_is_refused_twice_is_closed_by_market_walks(tmp_path):
    with home_beside(tmp_path, **MANY_PAGES) as home:
        home.fetch()
        home.box.advance(6 * DAY)
        home.box.fault("invalid-cursor", path=r"taker_only=false.*cursor=", times=4)
        home.fetch()
        assert home.missing().is_empty()
        assert not home.cursor().values["feed"]["intervals"]


def test_pages_that_are_not_the_next_one_are_asked_for_again(tmp_path):
    # quirks 3 and 11: a repeated page, and one without its filters
    with home_beside(tmp_path, taker_walk=False, size="small", burst_rows=0) as home:
        home.box.fault("repeated-page", path="/v2/trades.*cursor=", times=2)
        home.box.fault("filters-dropped", path="condition=.*cursor=", times=2)
        summary = home.fetch()
        assert summary.exit_code == 0
        assert home.missing().is_empty()


def test_a_window_without_a_catalogue_says_what_to_run(tmp_path):
    with home_beside(tmp_path, size="tiny") as home:
        with pytest.raises(UsageError, match="fetch --mode markets"):
            home.fetch(mode="trades", since=0, until=home.box.now())
        assert home.fetch(since=0, until=home.box.now()).exit_code == 0
        assert home.rows("trades").height


def test_a_cursor_that_says_nonsense_of_the_feed_is_named_and_left(tmp_path):
    with home_beside(tmp_path, size="tiny") as home:
        home.fetch()
        path = tmp_path / "cursor.json"
        for nonsense in (5, [], {"watermark": 1}):
            saved = json.loads(path.read_text())
            saved["values"]["feed"] = nonsense
            path.write_text(json.dumps(saved))
            summary = home.fetch(mode="trades")
            assert summary.exit_code == 1
            (failure,) = summary.failures
            assert f"{path} does not say rightly how far the feed" in failure.why
            assert home.cursor().values["feed"] == nonsense
        path.unlink()
        assert home.fetch().exit_code == 0
        assert home.missing().is_empty()


def test_a_limited_run_leaves_the_feed_alone(tmp_path):
    with home_beside(tmp_path, size="tiny") as home:
        home.fetch(mode="trades", limit=3)
        assert "feed" not in home.cursor().values
        assert home.rows("trades")["condition_id"].n_unique() == 3


def test_a_window_holds_the_rows_in_it_and_no_others(tmp_path):
    with home_beside(tmp_path, size="small") as home:
        now = home.box.now()
        since, until = now - 20 * DAY, now - 2 * DAY
        home.fetch(mode="trades", limit=20, since=since, until=until)
        rows = home.rows("trades")
        assert rows.height
        assert since <= rows["timestamp"].min()
        assert rows["timestamp"].max() < until
        assert {s["outcome"] for s in home.walks("subject")} == {"window"}
        chosen = set(rows["condition_id"])
        inside = pl.col("timestamp").is_between(since, until - 1)
        lost = home.missing().filter(inside, pl.col("condition_id").is_in(chosen))
        assert lost.is_empty()


def test_old_fills_come_with_deep_history(tmp_path):
    # quirk 10: `start=1`, for nothing and 0 mean three years
    with home_beside(tmp_path, size="small", seed=2) as home:
        home.fetch(deep_history=True)
        pages = [p for p in home.walks("page") if p["strategy"] == "user"]
        assert all("start=1&" in page["request"] for page in pages)
        truth = home.box.truth()["fills"].filter(reason="service_window")
        wallets = set(home.fills()["proxy_wallet"])
        reachable = truth.filter(pl.col("proxy_wallet").is_in(wallets))
        held = set(home.fills().select("transaction_hash", "proxy_wallet").iter_rows())
        assert reachable.height
        for pair in reachable.select("transaction_hash", "proxy_wallet").iter_rows():
            assert pair in held


def test_shards_share_the_markets_between_them(tmp_path):
    with home_beside(tmp_path, size="tiny") as home:
        home.fetch(shard=(2, 2))
        first = set(home.rows("trades")["condition_id"])
        assert "feed" not in home.cursor().values
        (home.folder / "cursor.json").unlink()
        home.fetch(shard=(1, 2))
        assert home.missing().is_empty()
        assert first < set(home.rows("trades")["condition_id"])


# Data API v1


def test_a_broken_start_is_no_reason_for_v1(tmp_path):
    with home_beside(tmp_path, size="tiny") as home:
        home.box.fault("503", path="/v2/trades", times=1)
        home.fetch()
        assert {p["strategy"] for p in home.walks("page")} <= {"market", "feed"}


def test_v1_brings_what_its_offsets_reach(tmp_path):
    # quirk 1
    with home_beside(tmp_path, V1, size="tiny") as home:
        home.fetch()
        lost = home.missing()
        truth = home.box.truth()["fills"]
        unlisted = set(truth.filter(reach="feed")["condition_id"])
        assert set(lost["condition_id"]) <= unlisted
        assert not any(map(speaks_for_whole_seconds, home.rows("trades")["walk_id"]))


@pytest.mark.parametrize("how", ["400", "repeat"])
def test_a_market_beyond_the_cap_of_v1_is_partial_and_never_doubled(tmp_path, how):
    # quirks 2 and 3
    with home_beside(
        tmp_path, V1, v1_offset_cap=300, v1_past_cap=how, **MANY_PAGES
    ) as home:
        home.fetch()
        subjects = {s["key"]: s for s in home.walks("subject")}
        truth = home.box.truth()["fills"].filter(pl.col("servable"))
        sizes = truth.group_by("condition_id").len()
        large = set(sizes.filter(pl.col("len") > 850)["condition_id"])
        assert large
        for condition in large & subjects.keys():
            assert subjects[condition]["outcome"] == "cap"
            assert subjects[condition]["detail"] == "offset_cap"
        assert home.missing().filter(pl.col("len") > pl.col("true")).is_empty()
