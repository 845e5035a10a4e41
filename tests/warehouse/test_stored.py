"""What is kept added up is what the fills add up to; only news is added up again."""

from __future__ import annotations

import pytest
from exchange import NOON, Exchange, minutes

from warehouse import stored
from warehouse.models import run_steps


@pytest.fixture
def traded():
    """Two markets, one fill's match an hour in each."""
    exchange = Exchange()
    for market in (exchange.market(), exchange.market()):
        exchange.match(market, "10", price="0.4", at=NOON)
        exchange.match(market, "10", price="0.3", at=NOON + minutes(60), token=1)
    exchange.walk(1, 2, at=NOON + minutes(120))
    return exchange.warehouse()


def refresh(db, **options):
    stored.refresh(db, db.execute, **options)


def ask(db, query):
    return db.execute(query).fetchall()


def test_only_hours_with_news_are_added_up_again(traded):
    traded.execute("update silver.MarketHour set trades = 99")
    traded.execute(f"insert into silver.StaleHour values (2, '{NOON}')")
    refresh(traded)
    hours = "select market_key, trades from silver.MarketHour order by all"
    assert ask(traded, hours) == [(1, 99), (1, 99), (2, 2), (2, 99)]
    assert ask(traded, "from silver.StaleHour") == []


def test_an_hour_without_fills_that_stand_is_gone(traded):
    traded.execute("update silver.TradeFact set withdrawn_at = now()::timestamp")
    run_steps(traded.execute, "StaleHour", "mark_everything")
    refresh(traded, at_once=1)
    for table in ("MarketHour", "MarketDay", "TokenHour", "TraderDay"):
        assert ask(traded, f"select count(*) from silver.{table}") == [(0,)], table


def test_prices_turn_round_when_the_catalogue_names_the_other_outcome_first(traded):
    last = "select last_price from silver.MarketHour where market_key = 1 order by all"
    assert ask(traded, last) == [(0.4,), (0.7,)]
    traded.execute(
        "update silver.MarketTokenDim set outcome_index = 1 - outcome_index "
        "where market_key = 1"
    )
    refresh(traded)
    assert ask(traded, last) == [(pytest.approx(0.3),), (pytest.approx(0.6),)]
    assert ask(traded, "from silver.StaleHour") == []


def test_the_last_fill_of_a_token_may_be_in_a_market_without_news(traded):
    """Rows have named one token under two markets; only one of them has news."""
    token = "(select min(token_key) from silver.MarketTokenDim where market_key = 1)"
    traded.execute(f"update silver.TradeFact set token_key = {token}")
    traded.execute(
        "update silver.TradeFact set traded_at = traded_at + interval 1 second "
        "where market_key = 2"
    )
    run_steps(traded.execute, "StaleHour", "mark_everything")
    refresh(traded)
    last = "select market_key, priced_at::timestamp_s from silver.TokenLast"
    there = [(2, NOON + minutes(60 + 1 / 60))]
    assert ask(traded, last) == there
    news = "insert into silver.StaleHour values ({}, '{}')"
    traded.execute(news.format(1, NOON + minutes(60)))
    refresh(traded)
    assert ask(traded, last) == there
    withdrawn = "update silver.TradeFact set withdrawn_at = traded_at "
    traded.execute(f"{withdrawn} where market_key = 2")
    traded.execute(news.format(2, NOON + minutes(60)))
    refresh(traded)
    assert ask(traded, last) == [(1, NOON + minutes(60))]


def test_a_fill_that_names_another_market_marks_the_tokens_of_its_own(traded):
    [(first, second)] = ask(
        traded,
        "select min(token_key), max(token_key) from silver.MarketTokenDim "
        "where market_key = 1",
    )
    traded.execute(
        f"update silver.TradeFact set token_key = {first}, price = 0.9, "
        "traded_at = traded_at + interval 1 second where market_key = 2"
    )
    run_steps(traded.execute, "StaleHour", "mark_everything")
    refresh(traded)
    stored.judge(traded, traded.execute)
    marks = "select token_key, price from silver.TokenMark where market_key = {}"
    assert sorted(ask(traded, marks.format(1))) == [
        (first, 0.9),
        (second, pytest.approx(0.1)),
    ]
    assert [price for _, price in ask(traded, marks.format(2))] == [None, None]


def test_prices_turn_round_in_every_market_that_a_token_is_named_under(traded):
    traded.execute(
        "update silver.TradeFact set token_key = (select min(token_key) from "
        "silver.MarketTokenDim where market_key = 1) where market_key = 2"
    )
    run_steps(traded.execute, "StaleHour", "mark_everything")
    refresh(traded)
    last = "select last_price from silver.MarketHour where market_key = 2 order by all"
    before = ask(traded, last)
    traded.execute(
        "update silver.MarketTokenDim set outcome_index = 1 - outcome_index "
        "where market_key = 1"
    )
    refresh(traded)
    after = ask(traded, last)
    assert after != before
    run_steps(traded.execute, "StaleHour", "mark_everything")
    refresh(traded)
    assert after == ask(traded, last)


def test_a_market_is_judged_anew_where_only_the_reason_is_another(traded):
    judged = "select market_key, status, reason from silver.MarketJudged order by all"
    before = ask(traded, judged)
    traded.execute("update silver.MarketJudged set reason = 'amm_era'")
    stored.judge(traded, traded.execute)
    assert ask(traded, judged) == before


def test_a_wallet_counts_in_the_category_that_its_market_has_now(traded):
    counted = "select category, traders, trades from gold.category_daily order by all"
    assert ask(traded, counted) == [("uncategorised", 2, 8)]
    traded.execute(
        "update silver.MarketDim set category = 'Tennis' where market_key = 2"
    )
    refresh(traded)
    assert ask(traded, counted) == [("Tennis", 2, 4), ("uncategorised", 2, 4)]
    assert ask(traded, "from silver.StaleHour") == []
    traded.execute("update silver.MarketDim set category = 'Tennis'")
    refresh(traded)
    assert ask(traded, counted) == [("Tennis", 2, 8)]


def test_wallets_of_a_category_are_those_of_its_fills_that_stand(traded):
    traded.execute(
        "update silver.MarketDim set category = 'Tennis' where market_key = 2"
    )
    traded.execute(
        "update silver.TradeFact set withdrawn_at = now()::timestamp"
        " where market_key = 2 and trader_key = 1"
    )
    traded.execute(f"insert into silver.StaleHour values (2, '{NOON}')")
    refresh(traded)
    by_fills = (
        "select category, count(distinct trader_key) from silver.TradeFact"
        " inner join silver.MarketKey using (market_key)"
        " inner join gold.market_categories using (condition_id)"
        " where withdrawn_at is null group by all order by all"
    )
    counted = "select category, traders from gold.category_daily order by all"
    assert ask(traded, counted) == ask(traded, by_fills)


def test_a_wallet_that_trades_another_token_still_has_one_first_row(traded):
    traded.execute("create temp table later as from silver.TradeFact limit 0")
    traded.execute(
        f"insert into later from silver.TradeFact where traded_at > '{NOON}'"
    )
    traded.execute(f"delete from silver.TradeFact where traded_at > '{NOON}'")
    for stale in ("StaleHour", "StaleTrader"):
        run_steps(traded.execute, stale, "mark_everything")
    refresh(traded)
    rows = (
        "select trader_key, count(*), count(*) filter (where is_first),"
        " bool_or(is_sole) from silver.TraderToken where market_key = 1"
        " group by all order by 2"
    )
    buyer, seller = ask(traded, rows)
    assert buyer[1:] == (1, 1, True)
    assert seller[1:] == (2, 1, False)  # has split full sets
    traded.execute("insert into silver.TradeFact from later")
    traded.execute(
        "insert into silver.StaleHour"
        " select distinct market_key, date_trunc('hour', traded_at) from later"
    )
    refresh(traded)
    assert [row[1:] for row in ask(traded, rows)] == [(2, 1, False)] * 2


def test_totals_are_the_same_however_many_pairs_are_told_otherwise():
    exchange = Exchange()
    for market in (exchange.market(), exchange.market()):
        exchange.match(market, "10", price="0.4", at=NOON)
        exchange.match(market, "25", price="0.3", at=NOON + minutes(60), token=1)
        exchange.settlement(market, NOON + minutes(90), 1.0, 0.0)
    exchange.walk(1, 2, at=NOON + minutes(120))
    db = exchange.warehouse()
    totals = "from silver.TraderTotal order by all"
    before = ask(db, totals)
    told = {}
    for pairs_at_once in (0, 1_000):
        db.execute("update silver.ResolutionFact set payouts = [0, 1]")
        stored.judge(db, db.execute, pairs_at_once=pairs_at_once)
        told[pairs_at_once] = ask(db, totals)
        db.execute("update silver.ResolutionFact set payouts = [1, 0]")
        stored.judge(db, db.execute, pairs_at_once=pairs_at_once)
        assert ask(db, totals) == before
    assert told[0] == told[1_000] != before


def test_a_wallet_whose_first_fills_are_withdrawn_begins_later(traded):
    traded.execute(
        f"update silver.TradeFact set withdrawn_at = now() where traded_at = '{NOON}'"
    )
    run_steps(traded.execute, "StaleTrader", "mark_everything")
    refresh(traded)
    reach = "select first_traded_at::timestamp, last_traded_at::timestamp"
    later = NOON + minutes(60)
    assert ask(traded, f"{reach} from silver.TraderTotal") == [(later, later)] * 2
