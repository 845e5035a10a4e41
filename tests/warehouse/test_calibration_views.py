"""gold.calibration, its bins and scores on numbers worked by hand."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from exchange import NOON, minutes

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
END = NOON + 40 * DAY

YES = {"winning_outcome_index": 0, "outcome_prices": [1.0, 0.0]}
NO = {"winning_outcome_index": 1, "outcome_prices": [0.0, 1.0]}
SPLIT = {"outcome_prices": [0.5, 0.5]}


def rows(db, sql):
    return db.execute(sql).fetchall()


def settled(exchange, how, **columns):
    return exchange.market(
        is_closed=True,
        closed_at=END,
        resolution_status="resolved",
        **how,
        **columns,
    )


def held(exchange):
    for market in exchange.markets:
        exchange.walk(market, at=END + 9 * DAY)
    return exchange.summed()


FORECASTS = (
    "select horizon, round(price, 9), payout, round(brier_score, 9), price_age_hours "
    "from gold.calibration order by horizon_hours"
)


def test_each_horizon_has_the_last_price_known_then(exchange):
    market = settled(exchange, YES)
    exchange.match(market, "10", price="0.2", at=END - 31 * DAY)
    exchange.match(market, "10", price="0.4", at=END - 8 * DAY)
    exchange.match(market, "10", price="0.9", at=END - 2 * HOUR)
    exchange.match(market, "10", price="0.99", at=END - minutes(59))
    assert rows(held(exchange), FORECASTS) == [
        ("1h", 0.9, 1.0, 0.01, 1.0),
        ("1d", 0.4, 1.0, 0.36, 168.0),
        ("7d", 0.4, 1.0, 0.36, 24.0),
        ("30d", 0.2, 1.0, 0.64, 24.0),
    ]


def test_a_trade_at_the_very_moment_was_known_and_one_after_it_was_not(exchange):
    market = settled(exchange, NO)
    exchange.match(market, "10", price="0.3", at=END - DAY)
    exchange.match(market, "10", price="0.8", at=END - DAY + timedelta(seconds=1))
    known = rows(held(exchange), FORECASTS)
    assert [row[:3] for row in known] == [("1h", 0.8, 0.0), ("1d", 0.3, 0.0)]


def test_a_fill_of_the_second_outcome_counts_as_the_first_at_its_complement(exchange):
    market = settled(exchange, NO)
    exchange.match(market, "10", price="0.9", token=1, at=END - 2 * DAY)
    ((_, price, payout, brier, _), _) = rows(held(exchange), FORECASTS)
    assert (price, payout, brier) == (0.1, 0.0, 0.01)


def test_a_split_market_pays_half(exchange):
    market = settled(exchange, SPLIT)
    exchange.match(market, "10", price="0.8", at=END - 2 * HOUR)
    assert rows(
        held(exchange),
        "select payout, is_split, round(brier_score, 9), round(log_loss, 9) "
        "from gold.calibration",
    ) == [(0.5, True, 0.09, round(-0.5 * math.log(0.8) - 0.5 * math.log(0.2), 9))]


@pytest.mark.parametrize(
    "how",
    [
        {"is_closed": False},
        {"is_closed": True, "closed_at": END},  # closed, and nobody says how
        {"is_closed": True, "winning_outcome_index": 0},  # nor when
        {"is_closed": True, "closed_at": END, "outcome_prices": [0.5, 0.5]},
        {
            "is_closed": True,
            "closed_at": END,
            "winning_outcome_index": 2,
            "outcomes": ["A", "B", "C"],
        },
    ],
)
def test_a_market_whose_end_is_not_sure_has_no_row(exchange, how):
    market = exchange.market(**how)
    exchange.match(market, "10", at=END - 2 * DAY)
    assert rows(held(exchange), FORECASTS) == []


def test_a_market_that_was_not_traded_before_has_no_row(exchange):
    market = settled(exchange, YES)
    exchange.match(market, "10", at=END - minutes(30))
    settled(exchange, NO)
    assert rows(held(exchange), FORECASTS) == []


def test_a_price_at_the_end_of_the_scale_has_a_finite_loss(exchange):
    market = settled(exchange, NO)
    exchange.match(market, "10", price="1", at=END - 2 * HOUR)
    assert rows(
        held(exchange), "select price, brier_score, log_loss from gold.calibration"
    ) == [(1.0, 1.0, pytest.approx(-math.log(0.001)))]


def three_forecasts(exchange):
    """0.1 that came false, 0.15 that came true, 1.0 that came true."""
    for price, how in (("0.1", NO), ("0.15", YES), ("1", YES)):
        market = settled(exchange, how)
        exchange.match(market, "10", price=price, at=END - 2 * HOUR)
    return held(exchange)


def test_bins_say_how_often_what_was_priced_so_came_true(exchange):
    assert rows(
        three_forecasts(exchange),
        "select bin, price_from, markets, mean_price, mean_payout, round(gap, 9), "
        "round(standard_error, 9), round(brier_score, 9) "
        "from gold.calibration_bins order by bin",
    ) == [
        # payouts 0 and 1: deviation 0.7071 over the root of 2
        (1, 0.1, 2, 0.125, 0.5, 0.375, 0.5, round((0.01 + 0.85**2) / 2, 9)),
        (9, 0.9, 1, 1.0, 1.0, 0.0, None, 0.0),
    ]


def test_scores_sum_up_a_horizon(exchange):
    db = three_forecasts(exchange)
    brier = (0.01 + 0.85**2) / 3
    base = 2 / 3 * 1 / 3
    assert rows(
        db,
        "select horizon, markets, base_rate, brier_score, base_brier_score, "
        "brier_skill, calibration_error, mean_price_age_hours "
        "from gold.calibration_scores where category is null",
    ) == [
        (
            "1h",
            3,
            *tuple(
                pytest.approx(value)
                for value in (2 / 3, brier, base, 1 - brier / base, 0.75 / 3, 1.0)
            ),
        )
    ]


def test_skill_is_null_where_all_ended_alike(exchange):
    market = settled(exchange, YES)
    exchange.match(market, "10", price="0.7", at=END - 2 * HOUR)
    assert rows(
        held(exchange),
        "select category, brier_skill from gold.calibration_scores order by category",
    ) == [("uncategorised", None), (None, None)]
