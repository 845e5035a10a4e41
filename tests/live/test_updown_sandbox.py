"""Up/down markets against the sandbox: found ahead, captured, followed to the end."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks.live_rig import missing
from fetcher.live.choosing import Series, series_of
from fetcher.live.windows import Window, learn, saved_of, wait_after
from sandbox.testing import sandbox_server
from settings.errors import UsageError
from tests.live.live_rig import Home, held, sent, soon

BTC = Series("btc", "5m")


@pytest.fixture
def box():
    with sandbox_server(live_series=3.0) as box:
        yield box


def test_each_window_is_found_ahead_captured_and_followed_to_its_outcome(box, tmp_path):
    home = Home(tmp_path, box, {"discover_minutes": 5.0, "positions_seconds": 0.2})
    wanted = {"only": ("books", "updown", "positions"), "series": (BTC,)}
    start = box.now() // 300 * 300 + 300
    slug = f"btc-updown-5m-{start}"

    def window() -> dict:
        return next(
            (one for one in home.ask("updown") or () if one["slug"] == slug), {}
        )

    def starts() -> set[int]:
        return {int(one["slug"].rpartition("-")[2]) for one in home.ask("updown")}

    def hears_all_windows() -> bool:
        windows = [one for one in home.ask("updown") if one["state"] != "resolved"]
        known = [one["tokens"].values() for one in windows]
        books = {book["token_id"] for book in home.ask("books")}
        return all(known) and books >= set().union(*known)

    with home.capturing(**wanted) as running:
        soon(lambda: window().get("state") == "discovered", what="its discovery")
        soon(hears_all_windows)
        box.advance(start + 30 - box.now())
        soon(lambda: window().get("strike"), what="its strike")
        soon(lambda: starts() >= {start, start + 300} and hears_all_windows())
        soon(lambda: home.heard() == box.live()["sent"], what="all that was sent")
    heard = running.result.health.messages
    # Nobody listens while it ends; what captures next goes on with it.
    box.advance(300)

    def is_resolved() -> bool:
        box.advance(10)
        health = home.ask("health")
        return bool(health) and health["updown_windows"]["resolved"] >= 2

    with home.capturing(**wanted):
        soon(is_resolved, what="its outcome")
        soon(hears_all_windows)
        soon(lambda: heard + home.heard() == box.live()["sent"], what="all of it")
    windows = home.rows("updown_windows").filter(pl.col("slug") == slug)
    [last] = windows.filter(pl.col("state") == "resolved").to_dicts()
    assert last["outcome"] in ("Up", "Down")
    is_up = float(last["final_price"]) >= float(last["strike"])
    assert last["outcome"] == ("Up" if is_up else "Down")
    assert last["resolved_at"] >= start + 300
    first = windows.sort("fetched_at").row(0, named=True)
    assert (first["state"], first["outcome"]) == ("discovered", None)
    assert missing(sent(box), held(home)).is_empty()
    assert missing(held(home), sent(box)).is_empty()
    polls = home.rows("position_polls")
    assert set(polls["source"]) == {"positions", "holders"}
    assert polls.filter(pl.col("state") == "failed").is_empty()
    counted = home.rows("position_snapshots").group_by("page_no", "walk_id").len("rows")
    told = polls.join(counted, on=["page_no", "walk_id"], how="left").fill_null(0)
    assert told.filter((pl.col("rows") == 0) != (pl.col("state") == "empty")).is_empty()


def event(**more) -> dict:
    market = {
        "slug": BTC.slug(300),
        "conditionId": "0xAB",
        "outcomes": '["Up", "Down"]',
        "clobTokenIds": '["1", "2"]',
        "outcomePrices": '["0.5", "0.5"]',
        "closed": False,
    }
    return {"markets": [market | more], "eventMetadata": {"priceToBeat": 61_000.5}}


def test_an_outcome_counts_only_once_it_is_final():
    window = Window(BTC, 300)
    learn(window, event())
    assert (window.state, window.condition_id) == ("discovered", "0xab")
    assert (window.strike, window.outcome) == ("61000.5", None)
    learn(window, event(outcomePrices='["1", "0"]'))
    assert window.outcome is None, "it is still open"
    settled = {"outcomePrices": '["0", "1"]', "closed": True}
    learn(window, event(**settled, umaResolutionStatus="proposed"))
    assert window.outcome is None, "it may be disputed"
    learn(window, event(**settled, closedTime="2026-07-24 00:10:16+00"))
    assert window.outcome == "Down"
    assert window.resolved_at == 1784851816


def test_what_was_known_of_a_window_stays_known():
    window = Window(BTC, 300)
    learn(window, event())
    learn(window, event() | {"eventMetadata": None})
    assert window.strike == "61000.5"


@pytest.mark.parametrize(
    "strange",
    [
        {},
        {"markets": None},
        {"markets": [{"slug": "another"}]},
        event(clobTokenIds="[") | {},
        event(conditionId=None) | {},
    ],
)
def test_a_market_that_is_not_there_yet_is_a_problem_and_no_crash(strange):
    window = Window(BTC, 300)
    learn(window, strange)
    assert (window.state, window.condition_id) == ("missing", None)
    assert window.problem


def test_attempts_wait_longer_each_time_up_to_87_minutes():
    waits = [wait_after(n) for n in range(1, 21)]
    assert waits[:3] == [20.0, 40.0, 80.0]
    assert max(waits) == waits[-1] == 87 * 60


@pytest.mark.parametrize(
    "saved", [None, [], {"open": [["btc"]], "upto": {}}, {"open": 5}]
)
def test_a_cursor_that_cannot_be_read_begins_anew(saved):
    assert saved_of(saved).open == []
    assert saved_of(saved).upto == {}


@pytest.mark.parametrize("wrong", ["btc", "15m", "btc-10m", "btc_15m", ""])
def test_a_series_is_an_asset_and_a_period(wrong):
    with pytest.raises(UsageError, match="--series"):
        series_of(wrong)
