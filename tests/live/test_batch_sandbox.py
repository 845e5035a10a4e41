"""`fetch --mode books|positions|crypto` against the sandbox."""

from __future__ import annotations

import time
from itertools import pairwise

import polars as pl
import pytest
import requests

from fetcher.ending import Ending
from fetcher.fetching import fetch
from fetcher.live.candles import MOST_STEPS, windows
from fetcher.modes import phases
from fetcher.options import Options
from sandbox.testing import sandbox_server
from settings import load
from settings.errors import UsageError
from tests.live.live_rig import Home


def run(home: Home, **options):
    return fetch(load(home.toml), Options(**options), Ending())


def test_live_snapshots_are_fetched_by_their_own_modes_only():
    own = {"book_snapshots", "position_snapshots", "crypto_prices"}
    assert not own & {phase.dataset for phase in phases("all")}
    modes = ("books", "positions", "crypto")
    assert {phase.dataset for mode in modes for phase in phases(mode)} == own


def test_books_are_those_the_service_has_level_by_level(box, tmp_path):
    home = Home(tmp_path, box)
    summary = run(home, mode="books", limit=10)
    assert summary.exit_code == 0
    held = home.rows("book_snapshots")
    assert held.height > 20
    assert set(held["reason"]) == {"batch"}
    tokens = held["token_id"].unique().to_list()
    asked = requests.post(
        box.url("/clob/books"),
        json=[{"token_id": token} for token in tokens],
        timeout=10,
    ).json()
    theirs = sorted(
        (book["asset_id"], side, float(level["price"]), float(level["size"]))
        for book in asked
        for side, key in (("BUY", "bids"), ("SELL", "asks"))
        for level in book[key]
    )
    ours = held.filter(pl.col("price").is_not_null())
    assert sorted(ours.select("token_id", "side", "price", "size").rows()) == theirs
    walks = home.rows("walks").filter(pl.col("dataset") == "book_snapshots")
    assert {"page", "walk", "subject"} == set(walks["kind"])
    assert set(held["walk_id"]) <= set(walks["walk_id"])


def test_minutes_of_coinbase_go_on_where_the_last_run_ended(box, tmp_path):
    home = Home(tmp_path, box)
    assert run(home, mode="crypto").exit_code == 0
    first = home.rows("crypto_prices")
    now = box.now()
    assert first["exchange_at_us"].min() // 1_000_000 >= now - 86_400 - 120
    assert first["exchange_at_us"].max() // 1_000_000 < now
    box.advance(600)
    box.forget_requests()
    assert run(home, mode="crypto").exit_code == 0
    assert sum(box.requests()["routes"].values()) == 1
    both = home.rows("crypto_prices")
    assert 0 < both.height - first.height <= 11
    assert both["exchange_at_us"].is_unique().all()
    row = both.row(0, named=True)
    assert row["low"] <= min(row["open"], row["price"])
    assert row["high"] >= max(row["open"], row["price"])


def test_a_host_whose_clock_is_wrong_gets_the_minutes_all_the_same(tmp_path):
    for name, years in (("late", -1), ("early", 1)):
        now = int(time.time()) + years * 365 * 86_400
        with sandbox_server(now=now) as box:
            (tmp_path / name).mkdir()
            home = Home(tmp_path / name, box)
            assert run(home, mode="crypto").exit_code == 0
            starts = home.rows("crypto_prices")["exchange_at_us"] // 1_000_000
        assert now - 86_400 - 120 <= starts.min() < now - 86_000
        assert now - 600 < starts.max() < now


def test_windows_cover_a_stretch_without_a_gap_and_fit_an_answer():
    cut = list(windows(0, 86_400 * 3 + 60))
    assert cut[0][0] == 0
    assert cut[-1][1] == 86_400 * 3 + 60
    assert all(high == low for (_, high), (low, _) in pairwise(cut))
    assert max(high - low for low, high in cut) == MOST_STEPS * 60


def test_the_largest_wallets_are_asked_for_of_named_markets_only(box, tmp_path):
    home = Home(tmp_path, box)
    with pytest.raises(UsageError, match="name some with --market"):
        run(home, mode="positions")
    assert run(home, mode="positions", limit=2).exit_code == 0
    polls = home.rows("position_polls")
    assert polls.height == 4
    assert set(polls["state"]) <= {"whole", "partial", "empty"}
    rows = home.rows("position_snapshots")
    assert rows["rank"].min() == 1
    sums = rows.group_by("walk_id").agg(pl.col("size").sum())
    told = polls.join(sums, on="walk_id")
    assert (told["shares"] - told["size"]).abs().max() < 1e-6
