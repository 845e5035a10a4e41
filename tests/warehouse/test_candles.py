"""gold.matches, hourly_volume and the candles on numbers worked by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from exchange import NOON, Exchange, minutes
from hypothesis import given, settings
from hypothesis import strategies as st

LATER = NOON + timedelta(days=3)
CANDLE = "bucket_start, open, high, low, close, volume_shares, volume_usd, matches"


def rows(db, sql):
    return db.execute(sql).fetchall()


def held(exchange):
    for market in exchange.markets:
        exchange.walk(market, at=LATER)
    return exchange.summed()


def test_a_match_is_its_takers_fill(exchange):
    market = exchange.market(question="Rain?")
    fills = exchange.match(market, "10", ("5", "mint"), price="0.3", token=1)
    assert rows(
        held(exchange),
        "select traded_at, condition_id, outcome, question, taker_address, side, "
        "price, size, notional_usd, first_outcome_price, is_first_bought, "
        "transaction_hash from gold.matches",
    ) == [
        (
            NOON,
            f"0x{1:064x}",
            "No",
            "Rain?",
            "taker",
            "BUY",
            0.3,
            15.0,
            4.5,
            0.7,
            False,
            "0x" + fills[0].hash.hex(),
        )
    ]


@pytest.mark.parametrize(
    ("makers", "token", "expected"),
    [
        (["10"], 1, ("No", 0.3, 10.0, 3.0, 0.7)),
        (["10", "5"], 1, ("No", 0.3, 15.0, None, 0.7)),
        # bought at 0.3 from someone who bought the other at 0.7: which of them
        # took is not known, so it stands under the first outcome
        ([("10", "mint")], 1, ("Yes", 0.7, 10.0, None, 0.7)),
        (["6", ("4", "mint")], 0, ("Yes", 0.3, 10.0, None, 0.3)),
    ],
)
def test_of_an_unknown_taker_the_rows_tell_the_price(exchange, makers, token, expected):
    exchange.taker_walk = False
    exchange.match(exchange.market(), *makers, price="0.3", token=token)
    ((outcome, price, size, usd, first, taker, side),) = rows(
        held(exchange),
        "select outcome, round(price, 9), size, notional_usd, "
        "round(first_outcome_price, 9), taker_address, side from gold.matches",
    )
    assert (outcome, price, size, usd, first) == expected
    assert (taker, side) == (None, None)


def test_a_match_of_three_outcomes_has_no_first_outcome_price(exchange):
    market = exchange.market(outcomes=["A", "B", "C"])
    exchange.match(market, "10", token=1)
    assert rows(
        held(exchange), "select first_outcome_price, is_first_bought from gold.matches"
    ) == [(None, None)]


def test_the_hours_of_a_day_add_up_to_it(exchange):
    market = exchange.market()
    exchange.match(market, "10", ("5", "mint"), price="0.3")
    exchange.match(market, "2", price="0.5", at=NOON + minutes(59))
    exchange.match(market, "4", price="0.25", at=NOON + minutes(60))
    assert rows(
        held(exchange),
        "select trade_hour, trades, matches, traders, volume_shares, volume_usd "
        "from gold.hourly_volume order by trade_hour",
    ) == [
        (NOON, 5, 2, 3, 17.0, 5.5),
        (NOON + minutes(60), 2, 1, 2, 4.0, 1.0),
    ]


def test_a_candle_has_the_takers_prices_of_its_five_minutes(exchange):
    market = exchange.market()
    for price, minute in (("0.4", 0), ("0.6", 1), ("0.3", 4.99), ("0.35", 5)):
        exchange.match(market, "10", price=price, at=NOON + minutes(minute))
    db = held(exchange)
    assert rows(
        db, f"select {CANDLE}, source from gold.ohlc_5m order by bucket_start"
    ) == [
        (NOON, 0.4, 0.6, 0.3, 0.3, 30.0, 13.0, 3, "trades"),
        (NOON + minutes(5), 0.35, 0.35, 0.35, 0.35, 10.0, 3.5, 1, "trades"),
    ]
    assert rows(db, f"select {CANDLE} from gold.ohlc_1h") == [
        (NOON, 0.4, 0.6, 0.3, 0.35, 40.0, 16.5, 4)
    ]


def test_within_a_second_the_exchanges_order_counts(exchange):
    market = exchange.market()
    for price in ("0.5", "0.2", "0.9", "0.4"):
        exchange.match(market, "10", price=price)
    assert rows(held(exchange), "select open, close from gold.ohlc_5m") == [(0.5, 0.4)]


def test_each_token_has_candles_of_its_own(exchange):
    market = exchange.market()
    exchange.match(market, "10", price="0.4")
    exchange.match(market, ("8", "mint"), price="0.7", token=1, at=NOON + minutes(1))
    assert rows(
        held(exchange),
        "select outcome, open, volume_usd from gold.ohlc_1d order by outcome",
    ) == [("No", 0.7, 5.6), ("Yes", 0.4, 4.0)]


def test_candles_of_unknown_takers_say_so(exchange):
    exchange.taker_walk = False
    market = exchange.market()
    exchange.match(market, "10", price="0.4")
    exchange.match(market, "10", "20", price="0.5", at=NOON + minutes(1))
    assert rows(
        held(exchange),
        "select open, high, low, close, volume_shares, volume_usd, matches, "
        "matches_taker_unknown from gold.ohlc_1h",
    ) == [(0.4, 0.5, 0.4, 0.5, 40.0, 4.0, 2, 2)]


def test_a_day_begins_at_midnight_utc(exchange):
    market = exchange.market()
    exchange.match(market, "10", at=datetime.fromisoformat("2026-11-01 23:59:59"))
    exchange.match(market, "10", at=datetime.fromisoformat("2026-11-02 00:00:00"))
    assert rows(
        held(exchange), "select bucket_start from gold.ohlc_1d order by all"
    ) == [
        (datetime.fromisoformat("2026-11-01 00:00:00"),),
        (datetime.fromisoformat("2026-11-02 00:00:00"),),
    ]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 999), st.integers(0, 5000), st.integers(0, 1)),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
)
def test_candles_enclose_their_prices_and_hold_every_share_once(matches, taker_walk):
    exchange = Exchange()
    exchange.taker_walk = taker_walk
    market = exchange.market()
    for milli, second, token in matches:
        exchange.match(
            market,
            "2",
            price=f"{milli / 1000}",
            token=token,
            at=NOON + timedelta(seconds=second),
        )
    db = held(exchange)
    for view in ("ohlc_5m", "ohlc_1h", "ohlc_1d"):
        ((wrong, shares, usd),) = rows(
            db,
            "select count(*) filter (where not (low <= open and low <= close and "
            "open <= high and close <= high)), sum(volume_shares), sum(volume_usd) "
            f"from gold.{view}",
        )
        ((daily_usd,),) = rows(db, "select sum(volume_usd) from gold.daily_volume")
        assert wrong == 0
        assert shares == 2 * len(matches)
        assert usd == pytest.approx(daily_usd)


MIDPOINTS = (
    "select outcome, width, bucket_start, open, high, low, close, points, is_mirrored "
    "from gold.price_candles"
)


def test_midpoints_make_candles_of_both_tokens(exchange):
    market = exchange.market()
    for minute, price in ((0, 0.4), (1, 0.6), (4, 0.3), (5, 0.5)):
        exchange.midpoint(market, NOON + minutes(minute), price)
    db = exchange.summed()
    five = f"{MIDPOINTS} where width = '5m' order by outcome, bucket_start"
    later = NOON + minutes(5)
    assert rows(db, five) == [
        ("No", "5m", NOON, 0.6, 0.7, 0.4, 0.7, 3, True),
        ("No", "5m", later, 0.5, 0.5, 0.5, 0.5, 1, True),
        ("Yes", "5m", NOON, 0.4, 0.6, 0.3, 0.3, 3, False),
        ("Yes", "5m", later, 0.5, 0.5, 0.5, 0.5, 1, False),
    ]
    hour = f"{MIDPOINTS} where width = '1h' and not is_mirrored"
    assert rows(db, hour) == [("Yes", "1h", NOON, 0.4, 0.6, 0.3, 0.5, 4, False)]


def test_a_price_that_did_not_change_fills_every_bucket_that_it_covers(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4, until=NOON + minutes(21))
    exchange.midpoint(market, NOON + minutes(22), 0.5)
    db = exchange.summed()
    five = f"{MIDPOINTS} where width = '5m' and not is_mirrored order by bucket_start"
    assert [row[2:8] for row in rows(db, five)] == [
        *((NOON + minutes(5 * n), 0.4, 0.4, 0.4, 0.4, 5) for n in range(4)),
        (NOON + minutes(20), 0.4, 0.5, 0.4, 0.5, 3),
    ]


def test_a_finer_price_shows_inside_of_what_a_coarse_one_covers(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4, until=NOON + minutes(60), step=300)
    exchange.midpoint(market, NOON + minutes(32), 0.7)
    db = exchange.summed()
    highs = f"{MIDPOINTS} where width = '5m' and high = 0.7 and not is_mirrored"
    assert [row[2:8] for row in rows(db, highs)] == [
        (NOON + minutes(30), 0.4, 0.7, 0.4, 0.4, 2)
    ]


def test_a_token_that_has_prices_of_its_own_is_not_mirrored(exchange):
    market = exchange.market()
    for minute in (0, 61):
        exchange.midpoint(market, NOON + minutes(minute), 0.4)
    exchange.midpoint(market, NOON + minutes(2), 0.55, token=1)
    no = rows(
        exchange.summed(),
        "select bucket_start, close, points, is_mirrored from gold.price_candles "
        "where width = '1h' and outcome = 'No' order by bucket_start",
    )
    assert no == [(NOON, 0.55, 1, False), (NOON + minutes(60), 0.6, 1, True)]


def test_a_candle_is_never_finer_than_its_prices(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4, step=1800)
    exchange.midpoint(market, NOON, 1.0, step=0)  # what was paid, and no midpoint
    assert rows(
        exchange.summed(), f"{MIDPOINTS} where not is_mirrored order by width"
    ) == [
        ("Yes", "1d", NOON.replace(hour=0), 0.4, 0.4, 0.4, 0.4, 1, False),
        ("Yes", "1h", NOON, 0.4, 0.4, 0.4, 0.4, 1, False),
    ]


def test_of_two_prices_at_one_moment_the_finer_counts(exchange):
    market = exchange.market()
    exchange.midpoint(market, NOON, 0.4, step=60)
    exchange.midpoint(market, NOON, 0.5, step=300)
    assert (
        rows(
            exchange.summed(),
            "select open, close from gold.price_candles where not is_mirrored",
        )
        == [(0.4, 0.4)] * 3
    )


def test_candles_are_made_of_prices_where_there_is_no_trade_and_say_so(exchange):
    market = exchange.market()
    exchange.match(market, "10", price="0.35", at=NOON + minutes(2))
    for minute, price in ((0, 0.4), (1, 0.3), (5, 0.5), (6, 0.6)):
        exchange.midpoint(market, NOON + minutes(minute), price)
    db = held(exchange)
    candles = f"select {CANDLE}, source from gold.%s where outcome = '%s' order by all"
    assert rows(db, candles % ("ohlc_5m", "Yes")) == [
        (NOON, 0.35, 0.35, 0.35, 0.35, 10.0, 3.5, 1, "trades"),
        (NOON + minutes(5), 0.5, 0.6, 0.5, 0.6, 0.0, 0.0, 0, "prices"),
    ]
    assert rows(db, candles % ("ohlc_1h", "Yes")) == [
        (NOON, 0.35, 0.35, 0.35, 0.35, 10.0, 3.5, 1, "trades")
    ]
    midnight = NOON.replace(hour=0)
    assert rows(db, candles % ("ohlc_1d", "No")) == [
        (midnight, 0.6, 0.7, 0.4, 0.4, 0.0, 0.0, 0, "prices")
    ]
