"""Prices of both tokens of a market: what was fetched, and what mirrors it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from exchange import NOON, minutes, token_key

SECOND = timedelta(seconds=1)

SHOWN = """
    select outcome, is_mirrored, resolution_seconds, price, observed_at
    from gold.prices order by outcome, observed_at, resolution_seconds
"""
SPANS = """
    select is_mirrored, price, observed_at, observed_until
    from gold.prices where outcome = 'No' order by observed_at
"""


def shown(exchange):
    return exchange.filled().execute(SHOWN).fetchall()


def test_the_second_token_of_a_binary_market_mirrors_the_first(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.345)
    assert shown(exchange) == [
        ("No", True, 60, 0.655, NOON),
        ("Yes", False, 60, 0.345, NOON),
    ]


def test_a_window_in_which_the_second_token_was_fetched_is_not_mirrored(exchange):
    market = exchange.market()
    for minute, price in enumerate((0.4, 0.5, 0.6)):
        exchange.midpoint(market, NOON + minutes(minute), price)
    exchange.midpoint(market, NOON + minutes(1.1), 0.53, token=1)
    exchange.price_window(market, NOON + minutes(1), NOON + minutes(2), 1, token=1)
    no = [row[1:4] for row in shown(exchange) if row[0] == "No"]
    assert no == [(True, 60, 0.6), (False, 60, 0.53), (True, 60, 0.4)]


def test_a_run_is_mirrored_but_for_when_the_second_token_was_fetched(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4, until=NOON + minutes(60))
    exchange.midpoint(market, NOON + minutes(12), 0.55, token=1)
    exchange.midpoint(market, NOON + minutes(31), 0.58, token=1)
    exchange.price_window(market, NOON + minutes(10), NOON + minutes(20), 1, token=1)
    exchange.price_window(market, NOON + minutes(15), NOON + minutes(30), 1, token=1)
    assert exchange.filled().execute(SPANS).fetchall() == [
        (True, 0.6, NOON, NOON + minutes(10) - SECOND),
        (False, 0.55, NOON + minutes(12), NOON + minutes(12)),
        (True, 0.6, NOON + minutes(30), NOON + minutes(31) - SECOND),
        (False, 0.58, NOON + minutes(31), NOON + minutes(31)),
        (True, 0.6, NOON + minutes(31) + SECOND, NOON + minutes(60)),
    ]


def test_the_price_at_a_moment_is_that_of_the_run_around_it(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4, until=NOON + minutes(10))
    exchange.midpoint(market, NOON + minutes(11), 0.5, until=NOON + minutes(20))
    db = exchange.filled()
    asked = (
        "select moment, price, observed_until < moment - interval 2 minutes from"
        " (select unnest($moments::timestamp[]) as moment) as moments"
        " asof left join (from gold.prices where outcome = 'Yes') as prices"
        " on moment >= observed_at order by moment"
    )
    moments = [NOON + minutes(m) for m in (-1, 0, 10.5, 11, 21, 30)]
    told = [row[1:] for row in db.execute(asked, {"moments": moments}).fetchall()]
    assert told == [
        (None, None),
        (0.4, False),
        (0.4, False),
        (0.5, False),
        (0.5, False),
        (0.5, True),
    ]


def test_a_point_from_the_edge_of_its_window_is_not_mirrored_as_well(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4)
    exchange.midpoint(market, NOON, 0.6, token=1)
    exchange.price_window(market, NOON - minutes(9), NOON, 1, token=1)
    assert [row[:2] for row in shown(exchange)] == [("No", False), ("Yes", False)]


def test_a_window_of_the_second_token_that_was_empty_is_mirrored(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4)
    exchange.price_window(market, NOON, NOON + timedelta(days=1), 0, token=1)
    assert [row[:2] for row in shown(exchange)] == [("No", True), ("Yes", False)]


def test_a_first_token_is_never_made_of_the_second(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4, token=1)
    assert [row[:2] for row in shown(exchange)] == [("No", False)]


def test_tokens_of_a_market_with_more_than_two_mirror_nothing(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4)
    db = exchange.filled()
    db.execute(
        "insert into silver.MarketTokenDim (token_key, token_id, market_key,"
        " condition_id, outcome_index, outcome, is_listed)"
        " values (?, '3', ?, 'c', 2, 'Maybe', true)",
        [token_key(market, 1) + 1000, market],
    )
    assert [row[:2] for row in db.execute(SHOWN).fetchall()] == [("Yes", False)]


def test_what_a_market_paid_is_mirrored_too(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 1.0, step=0)
    assert [row[2:4] for row in shown(exchange)] == [(0, 0.0), (0, 1.0)]


def test_two_prices_of_a_moment_add_up_to_a_dollar(exchange):
    market, prices = exchange.market(), (0.1, 0.7, 0.3333333, 1e-9)
    for minute, price in enumerate(prices):
        exchange.midpoint(market, NOON + minutes(minute), price)
    rows = shown(exchange)
    both = zip(rows[: len(prices)], rows[len(prices) :], strict=True)
    assert [no[3] + yes[3] for no, yes in both] == pytest.approx([1] * 4, abs=1e-12)


def test_points_of_two_resolutions_are_both_there(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4, step=60)
    exchange.midpoint(market, NOON, 0.4, step=300)
    yes = [row[2] for row in shown(exchange) if row[0] == "Yes"]
    assert yes == [60, 300]


@pytest.mark.parametrize("price", [1.5, -0.5, float("nan"), float("inf")])
def test_what_is_no_price_is_not_shown_and_not_mirrored(exchange, price):
    market = exchange.market()
    exchange.midpoint(market, NOON, price)
    exchange.midpoint(market, NOON + minutes(1), 0.4)
    db = exchange.filled()
    prices = {row[3] for row in db.execute(SHOWN).fetchall()}
    highs = {
        high for (high,) in db.execute("select high from gold.price_candles").fetchall()
    }
    assert prices == highs == {0.4, 0.6}
