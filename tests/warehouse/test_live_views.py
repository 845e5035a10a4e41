"""What gold makes of captured books, feeds and wallets: a few rows in, rows out."""

from __future__ import annotations

import math

import pytest
from captured import moment


def test_the_last_word_of_a_second_is_its_top_of_book(captured):
    captured.book(0.1, [(0.4, 5.0), (0.39, 1.0)], [(0.6, 7.0), (0.7, 1.0)])
    captured.change(1.2, "BUY", 0.42, 1.0, best_bid=0.42, best_ask=0.6)
    captured.change(1.8, "SELL", 0.5, 1.0, best_bid=0.42, best_ask=0.5)
    captured.change(1.9, "SELL", 0.9, 1.0)  # of the older schema: names no best
    captured.book(5.5, [], [(0.6, 7.0)])
    assert captured.ask(
        "select second_start, best_bid, best_ask, round(spread, 9), changes"
        " from gold.top_of_book where token_id = '101' order by 1",
    ) == [
        (moment(0), 0.4, 0.6, 0.2, 1),
        (moment(1), 0.42, 0.5, 0.08, 2),
        (moment(5), None, 0.6, None, 1),
    ]


def test_depth_is_what_rests_near_the_midpoint(captured):
    captured.book(1, [(0.49, 10.0), (0.42, 30.0), (0.1, 5.0)], [(0.51, 20.0)])
    captured.asked(2, [(0.3, 1.0)], [])
    assert captured.ask(
        "select source, midpoint, best_bid_size, bid_depth, bid_depth_2c,"
        " bid_depth_10c, ask_depth_10c, round(imbalance_10c, 6), levels"
        " from gold.book_depth order by received_at",
    ) == [
        ("stream", 0.5, 10.0, 45.0, 10.0, 40.0, 20.0, 0.333333, 4),
        ("asked", None, 1.0, 1.0, None, None, None, None, 1),
    ]


def test_walls_and_large_trades_are_told_and_small_ones_are_not(captured):
    captured.change(1, "BUY", 0.4, 2500.0, best_bid=0.4, best_ask=0.6)
    captured.change(2, "BUY", 0.4, 2499.0)
    captured.event(3, "last_trade_price", side="SELL", price=0.5, size=4000.0)
    assert captured.ask(
        "select kind, side, notional_usd, round(from_midpoint, 9)"
        " from gold.large_orders order by event_no",
    ) == [("resting", "BUY", 1000.0, -0.1), ("trade", "SELL", 2000.0, None)]


def test_momentum_is_from_minute_to_minute_and_null_over_a_hole(captured):
    for second, price in ((0, 100), (30, 110), (60, 121), (300, 100), (360, 110)):
        captured.tick(second, price)
    shown = captured.ask(
        "select date_diff('minute', '2026-11-01 12:00:00', minute_start), ticks,"
        " momentum_1m, momentum_5m, volatility_1m, volatility_5m"
        " from gold.crypto_momentum order by minute_start",
    )
    step = math.log(1.1)
    wanted = [
        (0, 2, None, None, step, step),
        (1, 1, step, None, step, math.sqrt(2) * step),
        (5, 1, None, math.log(100 / 110), math.log(1.21), None),
        (6, 1, step, math.log(110 / 121), step, None),
    ]
    for row, expected in zip(shown, wanted, strict=True):
        known = [value for value in expected if value is not None]
        found = [v for v, e in zip(row, expected, strict=True) if e is not None]
        assert found == pytest.approx(known)
        assert (row[2] is None, row[3] is None) == (
            expected[2] is None,
            expected[3] is None,
        )


def test_a_whale_is_told_when_it_holds_another_size_than_before(captured):
    for turn, size in enumerate((100.0, 100.0, 250.0)):
        captured.position(10 * turn, "aa", size)
        captured.position(10 * turn, "bb", 50.0)
    captured.position(30, "cc", 70.0)
    assert captured.ask(
        "select right(proxy_wallet, 2), size_before, size, size_change,"
        " asked_at::timestamp from gold.whale_position_changes",
    ) == [("aa", 100.0, 250.0, 150.0, moment(20))]


def test_concentration_counts_a_wallet_once(captured):
    for wallet, size in (("aa", 60.0), ("bb", 30.0), ("cc", 10.0)):
        captured.position(0, wallet, size)
    captured.position(0, "bb", 29.0, row_no=99)
    assert captured.ask(
        "select wallets, shares_held, largest_share, round(top_10_share, 9),"
        " round(hhi, 9) from gold.participant_concentration",
    ) == [(3, 100.0, 0.6, 1.0, 0.46)]


def test_a_gap_says_why_and_about_what_was_missed(captured):
    captured.coverage(0, "subscribed", 1)
    for second in range(11):
        captured.change(second, "BUY", 0.4, 1.0 + second)
    captured.coverage(10, "broken", reason="disconnected")
    captured.coverage(20, "subscribed", 1, walk_key=902)
    captured.coverage(25, "subscribed", 1, walk_key=903)
    captured.coverage(40, "ended", walk_key=902)
    captured.coverage(50, "ended", walk_key=903)
    assert captured.ask(
        "select token_id, gap_start::timestamp, gap_end::timestamp, reason,"
        " gap_seconds, estimated_missed from gold.book_gaps",
    ) == [("101", moment(10), moment(20), "disconnected", 10.0, 11)]
    assert captured.ask(
        "select token_id, stretches, covered_seconds, gap_seconds, covered_share,"
        " gaps, estimated_missed, event_rows from gold.book_coverage",
    ) == [("101", 3, 40.0, 10.0, 0.8, 1, 11, 11)]


AVERAGED = (
    '{"resolutionSource": "https://data.chain.link/streams/btc-usd-twap-60s-streams",'
    ' "cryptoMarketConfig": {"twapEnabled": true, "twapLookbackSeconds": 60}}'
)
SPOT = '{"resolutionSource": "https://data.chain.link/streams/btc-usd"}'


def outcomes(captured):
    return captured.ask(
        "select feed, lookback_seconds, strike_source, computed_outcome, is_reproduced"
        " from gold.updown_outcomes order by slug",
    )


def test_a_tie_is_up_to_the_last_digit(captured):
    exact = "118000.000000000000000001"
    captured.window(0, strike=exact, outcome="Up", rule=SPOT, slug="a")
    captured.window(300, strike=exact, outcome="Down", rule=SPOT, slug="b")
    captured.tick(300, exact)
    captured.tick(600, "118000.000000000000000000")
    assert outcomes(captured) == [
        ("chainlink", None, "gamma", "Up", True),
        ("chainlink", None, "gamma", "Down", True),
    ]


def test_each_market_is_settled_by_its_own_rule(captured):
    average = {"source": "chainlink_twap", "window_seconds": 60}
    for second, spot, mean in ((0, 100, 100), (300, 101, 99)):
        captured.tick(second, spot)
        captured.tick(second, mean, **average)
    captured.window(0, outcome="Down", rule=AVERAGED, slug="a")
    captured.window(0, outcome="Up", rule=SPOT, slug="b")
    captured.window(0, outcome="Down", slug="c")  # its rule was not captured
    assert outcomes(captured) == [
        ("chainlink_twap", 60, "feed", "Down", True),
        ("chainlink", None, "feed", "Up", True),
        ("chainlink_twap", 60, "feed", "Down", True),
    ]


def test_no_price_is_carried_to_the_end_of_a_window(captured):
    captured.window(0, strike="100", outcome="Up", rule=SPOT)
    captured.tick(299, "101")
    assert outcomes(captured) == [("chainlink", None, "gamma", None, None)]


def test_a_corrected_price_settles(captured):
    captured.window(0, strike="100", outcome="Down", rule=SPOT)
    captured.tick(300, "101", heard=301)
    captured.tick(300, "99", heard=302)
    assert outcomes(captured)[0][3:] == ("Down", True)


@pytest.mark.parametrize(
    ("later", "until"), [((), 2), (("bridged",), 9), (("bridged", "doubted"), 8)]
)
def test_who_was_killed_in_doubt_knew_only_what_came_before(captured, later, until):
    captured.coverage(0, "subscribed", 1)
    captured.coverage(2, "doubted")
    for second, state in zip((5, 8), later, strict=False):
        captured.coverage(second, state)
    captured.change(9, "BUY", 0.4, 5.0)
    assert captured.ask(
        "select covered_until::timestamp, reason from gold.book_stretches"
        " where token_id = '101'"
    ) == [(moment(until), "unknown")]
