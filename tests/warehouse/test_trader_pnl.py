"""gold.trader_pnl on numbers worked by hand, and against a loop over the fills."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta

import duckdb
import polars as pl
import pytest
from exchange import NOON, Exchange, add_up, catch_up, minutes, put

from warehouse.models import define_gold, define_silver

FILL = ["trader", "token", "is_buy", "size", "price", "n"]
LATER = NOON + timedelta(days=3)
YES_WON = {
    "is_closed": True,
    "resolution_status": "resolved",
    "winning_outcome_index": 0,
    "winning_outcome": "Yes",
    "outcome_prices": [1.0, 0.0],
}
SPLIT = {
    "is_closed": True,
    "resolution_status": "resolved",
    "outcome_prices": [0.5, 0.5],
}


def held(exchange, *markets):
    for market in markets:
        exchange.walk(market, at=LATER)
    return exchange.warehouse()


def pnl(db, wallet, columns, outcome="Yes"):
    """Some columns of a wallet's row of an outcome, all in one market."""
    found = db.execute(
        f"select {columns} from gold.trader_pnl "
        "where proxy_wallet = ? and outcome is not distinct from ?",
        [wallet, outcome],
    ).fetchall()
    assert len(found) == 1
    return found[0]


@pytest.fixture
def two_ways():
    """The taker buys 10 at 0.4 and 10 at 0.6, sells 5 at 0.8, buys 5 at 0.7."""
    exchange = Exchange()
    market = exchange.market()
    exchange.match(market, "10", price="0.4")
    exchange.match(market, "10", price="0.6", at=NOON + minutes(1))
    exchange.match(market, "5", price="0.8", at=NOON + minutes(2), is_buy=False)
    exchange.match(market, "5", price="0.7", at=NOON + minutes(3))
    return held(exchange, market)


def test_a_purchase_moves_the_average_cost_and_a_sale_does_not(two_ways):
    held_ = pnl(two_ways, "taker", "shares_held, cost_usd, average_cost, price")
    assert held_ == pytest.approx((20, 11.0, 0.55, 0.7))
    made = pnl(two_ways, "taker", "realized_usd, unrealized_usd, gross_pnl_usd")
    assert made == pytest.approx((1.5, 3.0, 4.5))


def test_who_sells_what_they_did_not_buy_has_split_full_sets_just_before(two_ways):
    columns = (
        "assumed_split_shares, assumed_split_usd, shares_held, realized_usd, "
        "unrealized_usd, gross_pnl_usd"
    )
    yes = pnl(two_ways, "maker 0", columns)
    no = pnl(two_ways, "maker 0", columns, outcome="No")
    assert yes == pytest.approx((20, 10.0, 0, -0.5, 0, -0.5))
    assert no == pytest.approx((20, 10.0, 20, 0, -4.0, -4.0))


def test_the_latest_fill_of_either_token_marks_both():
    exchange = Exchange()
    market = exchange.market()
    exchange.match(market, "10", price="0.4")
    exchange.match(market, "1", price="0.25", token=1, at=NOON + minutes(1))
    db = held(exchange, market)
    assert pnl(db, "taker", "price, price_source, value_usd") == (
        0.75, "last_fill", 7.5,
    )  # fmt: skip
    assert pnl(db, "taker", "price", outcome="No") == (0.25,)


def test_what_is_settled_is_realized_at_its_payout_redeemed_or_not():
    exchange = Exchange()
    market = exchange.market(**YES_WON)
    exchange.match(market, "10", price="0.4")
    exchange.match(market, "6", price="0.3", token=1, at=NOON + minutes(1))
    db = held(exchange, market)
    columns = "is_settled, price, value_usd, realized_usd, unrealized_usd"
    assert pnl(db, "taker", columns) == pytest.approx((True, 1.0, 10.0, 6.0, 0))
    lost = pnl(db, "taker", columns, outcome="No")
    assert lost == pytest.approx((True, 0.0, 0.0, -1.8, 0))


def test_a_split_settlement_pays_half_a_millionth_rounded_down():
    exchange = Exchange()
    market = exchange.market(**SPLIT)
    exchange.match(market, "10.000001", price="0.4")
    db = held(exchange, market)
    assert pnl(db, "taker", "price, value_usd") == (0.5, 5.0)


def test_a_closed_market_without_a_payout_is_marked_to_its_last_fill():
    exchange = Exchange()
    unclear = ([0.0, 0.0], [0.97, 0.03], None)
    for prices in unclear:
        market = exchange.market(**SPLIT | {"outcome_prices": prices})
        exchange.match(market, "10", price="0.4")
    db = held(exchange, *exchange.markets)
    found = db.execute(
        "select is_settled, price from gold.trader_pnl where proxy_wallet = 'taker'"
    ).fetchall()
    assert found == [(False, 0.4)] * len(unclear)


FEES = [  # what a taker of so many shares pays on that day
    ("weather_fees", "2026-11-01", "22.84", "0.52", 0.28504),  # as was captured
    ("weather_fees", "2026-11-01", "7.44", "0.9", 0.03348),
    ("sports_fees_v2", "2026-07-09 23:59:59", "22.84", "0.52", 0.17103),
    ("sports_fees_v2", "2026-07-10", "22.84", "0.52", 0.28504),
    ("crypto_15_min", "2026-01-04 23:59:59", "100", "0.5", 0),
    ("crypto_15_min", "2026-01-05", "100", "0.5", 0.78125),
    ("crypto_fees_v2", "2026-03-30", "100", "0.5", 0.9),
    ("crypto_fees_v2", "2026-03-31", "100", "0.5", 1.8),
    ("economics_fees", "2026-03-30", "100", "0.5", 0.75),
    ("politics_fees", "2026-11-01", "0.125", "0.1", 0.00045),
    ("geopolitics_fees", "2026-11-01", "100", "0.5", 0),
]


def test_the_taker_pays_the_fee_of_the_day_and_the_maker_none():
    exchange = Exchange()
    for fee_type, at, size, price, _ in FEES:
        market = exchange.market(is_fee_charged=True, fee_type=fee_type)
        exchange.match(market, size, price=price, at=datetime.fromisoformat(at))
    db = held(exchange, *exchange.markets)
    found = db.execute(
        "select fees_usd, gross_pnl_usd - net_pnl_usd, fees_unknown_trades "
        "from gold.trader_pnl where proxy_wallet = 'taker' order by condition_id"
    ).fetchall()
    for (*_, fee), row in zip(FEES, found, strict=True):
        assert row == pytest.approx((fee, fee, 0), abs=1e-12)
    assert db.execute(
        "select sum(fees_usd) from gold.trader_pnl where proxy_wallet = 'maker 0'"
    ).fetchall() == [(0,)]


def test_a_fee_that_cannot_be_told_is_counted_as_unknown():
    exchange = Exchange()
    told = [
        ({"is_fee_charged": True, "fee_type": "sports_fees_v2"}, 0),
        ({"is_fee_charged": True, "fee_type": "of_a_new_kind"}, 1),
        ({"is_fee_charged": True}, 1),
        ({"is_fee_charged": False}, 0),
        ({}, 0),
    ]
    for market, _ in told:
        exchange.match(exchange.market(**market), "100", price="0.5")
    exchange.match(exchange.unlisted(), "100", price="0.5")
    db = held(exchange, *exchange.markets)
    counted = dict(
        db.execute(
            "select condition_id, fees_unknown_trades from gold.trader_pnl "
            "where proxy_wallet = 'taker'"
        ).fetchall()
    )
    markets = [one["condition_id"] for one in exchange.markets.values()]
    assert [counted[market] for market in markets] == [n for _, n in told] + [1]
    assert db.execute(
        "select sum(fees_unknown_trades) from gold.trader_pnl "
        "where proxy_wallet = 'maker 0'"
    ).fetchall() == [(0,)]


def test_where_no_taker_is_known_both_sides_may_have_paid():
    exchange = Exchange()
    exchange.taker_walk = False
    market = exchange.market(is_fee_charged=True, fee_type="sports_fees_v2")
    exchange.match(market, "100", price="0.5")
    db = held(exchange, market)
    assert pnl(db, "taker", "fees_usd, fees_unknown_trades") == (0, 1)
    assert pnl(db, "maker 0", "fees_usd, fees_unknown_trades") == (0, 1)


def test_an_outcome_whose_token_nobody_named_is_held_without_an_id(two_ways):
    two_ways.execute("delete from silver.MarketTokenDim where outcome = 'No'")
    catch_up(two_ways)
    rest = pnl(two_ways, "maker 0", "token_id, shares_held, value_usd", outcome=None)
    assert rest == (None, 20.0, pytest.approx(6.0))


def test_an_outcome_that_nobody_named_is_settled_with_its_market():
    exchange = Exchange()
    market = exchange.market(**YES_WON)
    exchange.match(market, "10", price="0.4")
    db = held(exchange, market)
    db.execute("delete from silver.MarketTokenDim where outcome = 'No'")
    catch_up(db)
    rest = pnl(db, "maker 0", "is_settled, shares_held, value_usd", outcome=None)
    assert rest == (True, 10.0, 0.0)


def test_withdrawn_fills_are_nobodys():
    exchange = Exchange()
    market = exchange.market()
    exchange.match(market, "10", price="0.4")
    db = held(exchange, market)
    db.execute("update silver.TradeFact set withdrawn_at = traded_at")
    add_up(db)
    assert db.execute("select count(*) from gold.trader_pnl").fetchall() == [(0,)]


def test_fills_of_a_market_that_lacks_some_are_marked():
    exchange = Exchange()
    market = exchange.market()
    exchange.match(market, "10", price="0.4")
    exchange.total(market, LATER - minutes(2))
    exchange.total(market, LATER + minutes(2))
    db = held(exchange, market)
    assert pnl(db, "taker", "is_market_complete") == (True,)
    db.execute("delete from silver.TradeFact where is_taker")
    db.execute(
        "update silver.MarketTally set rows_held = rows_held - 1,"
        " shares_held = shares_held - 10"
    )
    catch_up(db)
    assert pnl(db, "maker 0", "is_market_complete") == (False,)


def test_thousands_of_sales_leave_the_cost_that_a_loop_finds(duck):
    """Each sale leaves a part: their product is far below what a float can hold."""
    random.seed(5)
    fills = []
    for n in range(30_000):
        trader, token = random.randrange(3), random.randrange(4)
        size = random.randrange(1, 5_000_000)
        is_buy = random.random() < (0.51 if trader else 0.4)
        price = random.randrange(1, 1000) / 1000
        fills.append((trader, token, is_buy, size / 1e6, price, n))
    frame = pl.DataFrame(fills, schema=FILL, orient="row")
    duck.register("fill", frame.to_arrow())
    duck.execute(
        "insert into silver.TradeFact by name select trader as trader_key, token as "
        "token_key, token // 2 as market_key, is_buy, size, price, 1 as occurrence, "
        "1 as walk_key, ''::blob as transaction_hash, make_timestamp((1700000000 + n) "
        "* 1000000) as traded_at from fill"
    )
    add_up(duck)
    found = {
        (row[0], row[1]): row[2:]
        for row in duck.execute(
            "select proxy_wallet, token_id, assumed_split_shares, cost_usd, "
            "realized_usd, gross_pnl_usd from gold.trader_pnl"
        ).fetchall()
    }
    wanted = by_a_loop(fills)
    assert found.keys() == wanted.keys()
    for key, numbers in wanted.items():
        assert found[key][:3] == pytest.approx(numbers, rel=1e-9, abs=1e-6)


def by_a_loop(fills):
    """Split shares, cost left and what was realized, a wallet and token, fill by fill.

    In whole millionths of a share.
    """
    running, low = defaultdict(int), defaultdict(int)
    for trader, token, is_buy, size, _, _ in fills:
        running[trader, token] += round(size * 1e6) * (1 if is_buy else -1)
        market = trader, token // 2
        low[market] = min(low[market], running[trader, token])
    left: dict[tuple[int, int], int] = {}
    cost: dict[tuple[int, int], float] = {}
    realized: dict[tuple[int, int], float] = defaultdict(float)
    for trader, market in low:
        for token in (2 * market, 2 * market + 1):
            left[trader, token] = -low[trader, market]
            cost[trader, token] = -low[trader, market] / 2e6
    for trader, token, is_buy, size, price, _ in fills:
        key, micros = (trader, token), round(size * 1e6)
        if is_buy:
            left[key] += micros
            cost[key] += price * size
        else:
            sold = cost[key] * micros / left[key]
            left[key] -= micros
            cost[key] -= sold
            realized[key] += price * size - sold
    return {
        (str(trader), str(token)): (
            -low[trader, token // 2] / 1e6,
            cost[trader, token],
            realized[trader, token],
        )
        for trader, token in left
    }


@pytest.fixture
def duck():
    """A warehouse with three traders and two markets."""
    duck = duckdb.connect()
    define_silver(duck)
    define_gold(duck)
    for trader in range(3):
        put(duck, "TraderDim", trader_key=trader, trader_address=str(trader))
    for market in range(2):
        put(duck, "MarketKey", market_key=market, condition_id=str(market))
    for token in range(4):
        put(
            duck,
            "MarketTokenDim",
            token_key=token,
            token_id=str(token),
            market_key=token // 2,
            condition_id=str(token // 2),
            outcome_index=token % 2,
            is_listed=False,
        )
    return duck
