"""`fetch status` says what is covered, walked, due and open."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from trades_rig import home_beside

from bronze import DATASETS
from fetcher.polymarket.status import DatasetStatus, FeedStatus, status
from lake.lake import Lake


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)


def test_status_tells_coverage_markets_and_disk(tmp_path):
    with home_beside(tmp_path, size="tiny") as home:
        home.fetch()
        cursor = json.loads((tmp_path / "cursor.json").read_text("utf-8"))
        feed = cursor["values"]["feed"]
        said = status(home.lake, cursor, clock=feed["watermark"] + 90)
        trades = said.datasets["trades"]
        assert trades.feed.behind_seconds == 90
        assert trades.feed.gap is None
        assert trades.markets_walked == trades.markets_known > 0
        assert trades.markets_due == 0
        assert trades.files > 0
        assert said.open_walks == 0
        assert "90 seconds behind now" in said.as_text()
        assert "the feed is followed from 20" in said.as_text()  # nothing came since
        ahead = status(home.lake, cursor, clock=feed["watermark"] - 90)
        assert ahead.datasets["trades"].feed.behind_seconds == 0
        assert "the exchange's clock, which is ahead of this one" in ahead.as_text()
        assert said.gb_a_day > 0
        assert "GB a day, as lately, for" in said.as_text()
        beside = tmp_path / "warehouse.duckdb"
        beside.write_bytes(bytes(10**7))
        both = status(home.lake, cursor, warehouse=beside, clock=feed["watermark"])
        assert both.gb_a_day > said.gb_a_day
        assert both.disk_full_in_days < said.disk_full_in_days
        later = status(home.lake, cursor, clock=feed["watermark"] + 9_000)
        assert "2.5 hours behind now" in later.as_text()
        assert json.loads(json.dumps(said.as_json()))["datasets"]["trades"]["files"]


def test_status_of_a_cursor_that_is_none_of_ours_says_the_rest(tmp_path):
    with home_beside(tmp_path, size="tiny") as home:
        home.fetch(mode="markets")
        said = status(home.lake, {"values": {"feed": {"top": 1}}, "walks": []})
        assert said.datasets["trades"].feed is None
        assert said.open_walks == 0


def test_whoever_may_only_read_the_lake_is_told_the_same(tmp_path, monkeypatch):
    with home_beside(tmp_path, size="tiny") as home:
        home.fetch()
        told = status(home.lake, {}, clock=0).datasets["trades"]
    kept = tmp_path / "data" / "_state" / "walks.sqlite"
    as_it_was = kept.stat().st_mtime_ns
    monkeypatch.setattr("os.access", lambda path, mode: not mode & os.W_OK)
    with Lake.open_to_read(tmp_path / "data", DATASETS) as lake:
        assert status(lake, {}, clock=0).datasets["trades"] == told
        assert told.markets_walked > 0
        aside = Path(lake._aside.name)
        assert list(aside.glob("walks.sqlite"))
    assert not aside.exists()
    assert kept.stat().st_mtime_ns == as_it_was


def test_a_feed_is_told_before_the_first_file_is_there():
    feed = FeedStatus(0, 60, 5, is_ahead=False, open_intervals=0, gap=None)
    assert DatasetStatus(0, 0.0, 0).is_empty
    assert not DatasetStatus(0, 0.0, 0, feed=feed).is_empty


def test_what_is_empty_is_one_line_and_what_has_landed_is_told(tmp_path):
    with home_beside(tmp_path, size="tiny") as home:
        home.fetch()
        assert "have landed" not in status(home.lake, {}).as_text()
        landed = tmp_path / "data" / "_landing" / "trades" / "dead" / "000001.arrow"
        landed.parent.mkdir(parents=True)
        landed.write_bytes(bytes(2_500_000))
        said = status(home.lake, {})
        assert said.landed_megabytes == 2.5
        text = said.as_text()
        assert "2.5 MB have landed, safe but not among these files yet" in text
        assert " 0 files" not in text
        [empty] = [line for line in text.splitlines() if line.startswith("nothing yet")]
        assert "activity, positions, user_pnl" in empty


def test_status_names_a_gap_and_what_is_due_for_it(tmp_path):
    with home_beside(tmp_path, size="tiny", ahead_days=90) as home:
        home.fetch()
        home.box.advance(75 * 86_400)
        home.fetch(mode="trades", stop_after=2)
        cursor = json.loads((tmp_path / "cursor.json").read_text("utf-8"))
        said = status(home.lake, cursor)
        assert "gap from" in said.as_text()
        assert said.datasets["trades"].due_because["feed_gap"] > 0
