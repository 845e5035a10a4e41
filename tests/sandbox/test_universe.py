"""The universe has the shapes of the real thing, and is the same on every call."""

import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from sandbox.fills import COLUMNS
from sandbox.options import DAY, Options
from sandbox.tape import WINDOW
from sandbox.truth import truth_frames
from sandbox.universe import build_universe
from sandbox.world import World

OPTIONS = Options(size="small", seed=5)


@pytest.fixture(scope="module")
def universe():
    return build_universe(OPTIONS)


@pytest.fixture(scope="module")
def truth(universe):
    return truth_frames(World(universe))


def test_the_same_seed_and_size_give_the_same_bytes(universe):
    again = build_universe(OPTIONS)
    assert again.fills.hashes == universe.fills.hashes
    for name in COLUMNS:
        assert np.array_equal(getattr(again.fills, name), getattr(universe.fills, name))
    assert again.catalogue.markets == universe.catalogue.markets


def test_another_seed_gives_another_universe(universe):
    other = build_universe(Options(size="small", seed=6))
    assert not set(other.catalogue.by_condition) & set(universe.catalogue.by_condition)


def test_rows_ascend_by_second_and_by_a_sequence_of_their_own(universe):
    fills = universe.fills
    assert (np.diff(fills.timestamp) >= 0).all()
    assert (np.diff(fills.sequence) > 0).all()


def test_a_match_is_one_taker_against_makers_of_the_same_total(truth):
    matches = (
        truth["fills"]
        .group_by("transaction_hash")
        .agg(
            takers=pl.col("is_taker").sum(),
            taken=pl.col("size").filter(pl.col("is_taker")).sum(),
            made=pl.col("size").filter(~pl.col("is_taker")).sum(),
            condition=pl.col("condition_id").n_unique(),
            second=pl.col("timestamp").n_unique(),
        )
    )
    assert (matches["takers"] == 1).all()
    assert (matches["condition"] == 1).all()
    assert (matches["second"] == 1).all()
    assert ((matches["taken"] - matches["made"]).abs() < 1e-6).all()


def test_mint_and_merge_matches_have_a_maker_on_the_opposite_token_and_same_side(truth):
    fills = truth["fills"]
    takers = fills.filter("is_taker").select("transaction_hash", "token_id", "side")
    makers = fills.filter(~pl.col("is_taker")).join(takers, on="transaction_hash")
    opposite = makers["token_id"] != makers["token_id_right"]
    same_side = makers["side"] == makers["side_right"]
    assert (opposite == same_side).all()
    assert 0.2 < opposite.mean() < 0.5


def test_some_fills_of_one_transaction_are_equal_in_everything(truth):
    columns = ["transaction_hash", "proxy_wallet", "token_id", "side", "size", "price"]
    fills = truth["fills"].filter("servable")
    assert fills.height - fills.unique(columns).height > 50


def test_one_second_has_more_rows_than_a_page(truth):
    a_second = truth["fills"].filter("servable").group_by("timestamp").len()
    assert a_second["len"].max() > 1_000


def test_prices_leave_the_grid_and_sizes_have_six_decimals(truth):
    fills = truth["fills"].filter("servable")
    off = (fills["price"] * 1000 - (fills["price"] * 1000).round()).abs() > 1e-9
    assert 0.2 < off.mean() < 0.5
    assert ((fills["size"] * 100 - (fills["size"] * 100).round()).abs() > 1e-6).any()


def test_volume_is_heavy_tailed_and_many_markets_never_trade(truth):
    sizes = truth["markets"]["shares_total"].sort(descending=True)
    assert sizes.head(len(sizes) // 10).sum() > 0.5 * sizes.sum()
    assert (sizes == 0).mean() > 0.2


def test_every_odd_kind_of_market_is_there(truth):
    markets = truth["markets"]
    assert set(markets["kind"]) == {
        "amm", "old", "binary", "sports", "updown", "v2", "combo",
    }  # fmt: skip
    assert markets.filter("hidden").height >= 2
    assert markets["outcomes"].list.len().max() > 2
    assert markets.filter(pl.col("payouts").list.get(0) == 0.5).height
    assert markets["neg_risk"].any()
    assert (markets.filter("combo")["condition_id"].str.len_chars() == 64).all()


def test_every_reason_not_to_be_served_occurs(truth):
    assert set(truth["fills"]["reason"]) >= {
        "", "amm_era", "dust_floor", "service_window",
    }  # fmt: skip


def test_one_market_trades_on_both_sides_of_the_three_year_edge(truth):
    edge = OPTIONS.now - WINDOW
    spans = (
        truth["fills"]
        .group_by("condition_id")
        .agg(first=pl.col("timestamp").min(), last=pl.col("timestamp").max())
    )
    assert spans.filter((pl.col("first") < edge) & (pl.col("last") > edge)).height


def test_nobody_holds_less_than_nothing_and_the_sum_of_all_books_is_zero(truth):
    ledger = truth["ledger"]
    assert ledger["shares"].min() >= 0
    assert abs(ledger["pnl_usdc"].sum() + ledger["fees_usdc"].sum()) < 0.01


def test_the_books_of_a_wallet_are_its_fills_splits_merges_and_redemptions(truth):
    ledger = truth["ledger"]
    moved = (
        pl.col("bought_shares") - pl.col("sold_shares") + pl.col("split_shares")
        - pl.col("merged_shares") - pl.col("redeemed_shares")
    )  # fmt: skip
    assert ledger.filter((moved - pl.col("shares")).abs() > 1e-6).height == 0
    bought = truth["fills"].filter(pl.col("side") == "BUY")["usdc"].sum()
    assert ledger["bought_usdc"].sum() == pytest.approx(bought)


def test_fills_go_on_after_now(universe):
    assert (universe.fills.timestamp > OPTIONS.now).any()
    assert any(m.created_at > OPTIONS.now for m in universe.catalogue.markets)
    assert (universe.fills.timestamp < OPTIONS.now + 8 * DAY).all()


@pytest.mark.parametrize("size", ["tiny", "small", "medium"])
def test_a_size_has_its_fills_by_now_and_about_its_markets(size):
    options = Options(size=size)
    made = build_universe(options)
    assert (made.fills.timestamp <= options.now).sum() >= options.fill_count
    assert 0.7 < made.catalogue.listed / options.market_count <= 1.1


def test_the_bytes_do_not_depend_on_the_process():
    program = (
        "from sandbox.universe import *; from sandbox.options import Options;"
        "import hashlib; u = build_universe(Options(size='tiny', seed=9));"
        "print(hashlib.sha256(u.fills.hashes + u.fills.size.tobytes()"
        " + repr(u.catalogue.markets).encode()).hexdigest())"
    )

    def digest(seed):
        return subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout

    assert digest("1") == digest("2")


def test_markets_join_an_event_after_it_began(universe):
    later = [
        market
        for event in universe.catalogue.events
        for market in event.markets
        if market.created_at > event.created_at
    ]
    assert later


def test_a_rush_is_in_as_many_open_markets_as_asked_for():
    rushed = build_universe(Options(size="small", seed=5, rush_markets=20))
    fills, now = rushed.fills, OPTIONS.now
    is_new = (fills.timestamp > now) & (fills.timestamp <= now + 300)
    assert is_new.sum() >= 140
    assert 20 <= len(np.unique(fills.market[is_new])) <= 25
    for place in np.unique(fills.market[is_new]):
        market = rushed.catalogue.markets[place]
        assert market.trade_from <= now < market.trade_end
