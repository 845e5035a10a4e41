"""Gold of live capture: events as they were heard, ticks in their last word."""

from __future__ import annotations

import pytest
from captured import moment


def test_events_are_shown_as_they_were_heard(captured):
    captured.book(1, [(0.4, 5.0)], [(0.6, 7.0)], hash_bytes=bytes(20))
    captured.change(2, "SELL", 0.6, 0.0, best_ask=0.61)
    captured.event(3, "tick_size_change", None, market_key=1, tick_size=0.001)
    assert captured.ask(
        "select event_type, right(condition_id, 2), token_id, side, price, size, hash,"
        " best_ask, received_at::timestamp from gold.book_events"
        " order by event_no, row_no",
    ) == [
        ("book", "01", "101", "BUY", 0.4, 5.0, "00" * 20, None, moment(1)),
        ("book", "01", "101", "SELL", 0.6, 7.0, "00" * 20, None, moment(1)),
        ("price_change", "01", "101", "SELL", 0.6, 0.0, None, 0.61, moment(2)),
        ("tick_size_change", "01", None, None, None, None, None, None, moment(3)),
    ]


def test_the_times_of_events_are_as_fine_as_they_were_heard(captured):
    captured.change(1, "BUY", 0.4, 5.0)
    kinds = "select typeof(received_at), typeof(exchange_at) from gold.book_events"
    assert captured.ask(kinds) == [("TIMESTAMP_NS", "TIMESTAMP_MS")]


def test_a_price_that_was_corrected_is_the_one_heard_later(captured):
    captured.tick(1, "118000.5", heard=3)
    captured.tick(1, "118000.25", heard=2)
    captured.tick(1, "118001", source="coinbase", symbol="BTC-USD", tick_no=7)
    captured.tick(1, "118002", source="coinbase", symbol="BTC-USD", tick_no=8)
    assert captured.ask(
        "select asset, source, price from gold.crypto_prices order by price"
    ) == [
        ("btc", "chainlink", 118000.5),
        ("btc", "coinbase", 118001.0),
        ("btc", "coinbase", 118002.0),
    ]


@pytest.mark.parametrize(
    ("symbol", "asset"), [("BTC-USD", "btc"), ("eth/usd", "eth"), ("solusdt", "sol")]
)
def test_feeds_share_the_name_of_an_asset(captured, symbol, asset):
    captured.tick(1, "5", symbol=symbol)
    assert captured.ask("select asset from gold.crypto_prices") == [(asset,)]


def test_an_error_lasts_until_it_is_over(captured):
    captured.fault("e1", 5, 12.5, estimated_missed=40, details="no frame for 7.5 s")
    captured.fault("e2", 20)
    assert captured.ask(
        "select service, error_type, downtime_seconds, estimated_missed, details"
        " from gold.service_errors order by started_at",
    ) == [
        ("books", "disconnected", 7.5, 40, "no frame for 7.5 s"),
        ("books", "disconnected", None, None, None),
    ]


def test_a_window_shows_what_is_known_of_it(captured):
    captured.window(0, strike="118000.5", final_price="118001", outcome="Up")
    captured.window(300, strike="118001")
    assert captured.ask(
        "select strike, final_price, outcome, window_start, window_end"
        " from gold.updown_markets order by window_start",
    ) == [
        (118000.5, 118001.0, "Up", moment(0), moment(300)),
        (118001.0, None, None, moment(300), moment(600)),
    ]


def test_a_token_was_listened_to_until_what_it_heard_it_by_broke_off(captured):
    captured.coverage(0, "subscribed", 1)
    captured.coverage(0, "subscribed", 2)
    captured.coverage(5, "broken", 2, reason="differs")
    captured.coverage(7, "subscribed", 2)
    captured.coverage(10, "broken", reason="silent")
    captured.coverage(20, "subscribed", 1, walk_key=902)
    captured.coverage(30, "alive", walk_key=902)
    captured.change(40, "BUY", 0.4, 1.0, walk_key=903)
    captured.change(45, "BUY", 0.4, 2.0, walk_key=903)
    assert captured.ask(
        "select token_id, stretch_key, covered_from::timestamp,"
        " covered_until::timestamp, reason from gold.book_stretches order by 3, 1",
    ) == [
        ("101", 901, moment(0), moment(10), "silent"),
        ("102", 901, moment(0), moment(5), "differs"),
        ("102", 901, moment(7), moment(10), "silent"),
        ("101", 902, moment(20), moment(30), "unknown"),
        ("101", 903, moment(40), moment(45), "unknown"),
    ]
