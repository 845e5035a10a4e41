"""The views that describe markets and their traders, on numbers worked by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from exchange import NOON, add_up, minutes

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LATER = NOON + timedelta(days=3)


def rows(db, sql):
    return db.execute(sql).fetchall()


def held(exchange):
    for market in exchange.markets:
        exchange.walk(market, at=LATER)
    return exchange.summed()


def condition(market):
    return f"0x{market:064x}"


# concentration


def test_concentration_is_the_sum_of_squared_parts(exchange):
    market = exchange.market(question="Q?")
    exchange.match(market, "10", "5", ("5", "mint"), price="0.3")
    # taker 20 of 40 shares, makers 10, 5, 5; dollars 6, 3, 1.5, 3.5 of 14
    assert rows(
        held(exchange),
        "select condition_id, question, traders, volume_shares, both_sides_usd, hhi, "
        "effective_traders, largest_share, top10_share, round(hhi_usd, 9), "
        "top10_share_usd from gold.market_concentration",
    ) == [
        (
            condition(market),
            "Q?",
            4,
            20.0,
            14.0,
            0.34375,
            1 / 0.34375,
            0.5,
            1.0,
            round(59.5 / 196, 9),
            1.0,
        )
    ]


def test_only_ten_wallets_are_the_top_ten(exchange):
    market = exchange.market()
    exchange.match(market, *["1"] * 19, price="0.5")
    # the taker has 19 of 38 shares, the next nine have 1 each
    ((top,),) = rows(
        held(exchange), "select top10_share from gold.market_concentration"
    )
    assert top == pytest.approx(28 / 38)


def test_a_wallet_on_both_sides_of_everything_is_all_of_the_market(exchange):
    market = exchange.market()
    exchange.match(market, "10", price="0.5")
    db = held(exchange)
    db.execute("update silver.TradeFact set trader_key = 1")
    add_up(db)
    assert rows(db, "select hhi, traders from gold.market_concentration") == [(1.0, 1)]


# whales


def test_whales_are_matches_of_ten_thousand_dollars(exchange):
    first, second = exchange.market(), exchange.market()
    exchange.match(first, "20000", price="0.5")
    exchange.match(first, "20000", price="0.49")
    exchange.match(second, "15000", "15000", price="0.5", at=NOON + minutes(1))
    assert rows(
        held(exchange),
        "select usd_rank, market_rank, condition_id, taker_address, side, "
        "notional_usd, round(percentile, 9), round(share_of_market, 9) "
        "from gold.whale_trades order by usd_rank",
    ) == [
        (1, 1, condition(second), "taker", "BUY", 15000.0, 1.0, 1.0),
        (
            2,
            1,
            condition(first),
            "taker",
            "BUY",
            10000.0,
            round(2 / 3, 9),
            round(10 / 19.8, 9),
        ),
    ]


# categories


@pytest.mark.parametrize(
    ("own", "event", "tags", "expected"),
    [
        ("Crypto", "Sports", ["Politics"], ("Crypto", "market")),
        (" ", "Sports", ["Politics"], ("Sports", "event")),
        (None, None, ["Cup", "Sports", "All", "Esports"], ("Esports", "section")),
        (None, None, ["All", "Zebras", "Apes"], ("Zebras", "tag")),
        (None, None, ["All"], ("uncategorised", "none")),
        (None, "", None, ("uncategorised", "none")),
    ],
)
def test_a_market_has_one_category(exchange, own, event, tags, expected):
    slugs = None if tags is None else [tag.lower() for tag in tags]
    exchange.event("e", category=event, tags=tags, tag_slugs=slugs)
    exchange.market(event_id="e", category=own)
    assert rows(
        held(exchange),
        "select category, category_source, tags from gold.market_categories",
    ) == [(*expected, tags or [])]


def two_tagged_markets(exchange):
    exchange.event("a", tags=["Sports", "Cup"], tag_slugs=["sports", "cup"])
    exchange.event("b", tags=["Cup"], tag_slugs=["cup"])
    sport, cup = exchange.market(event_id="a"), exchange.market(event_id="b")
    exchange.match(sport, "10", "5", price="0.4")
    exchange.match(cup, "5", price="0.4")
    exchange.match(cup, "5", price="0.5", at=NOON + DAY)
    return held(exchange)


def test_a_category_counts_each_match_once(exchange):
    assert rows(
        two_tagged_markets(exchange),
        "select trade_date, category, markets, trades, matches, traders, "
        "volume_shares, volume_usd, share_of_day from gold.category_daily "
        "order by trade_date, category",
    ) == [
        (NOON.date(), "Cup", 1, 2, 1, 2, 5.0, 2.0, 0.25),
        (NOON.date(), "Sports", 1, 3, 1, 3, 15.0, 6.0, 0.75),
        ((NOON + DAY).date(), "Cup", 1, 2, 1, 2, 5.0, 2.5, 1.0),
    ]


def test_a_market_counts_under_each_of_its_tags(exchange):
    assert rows(
        two_tagged_markets(exchange),
        "select tag, markets, matches, volume_usd from gold.tag_daily "
        f"where trade_date = '{NOON.date()}' order by tag",
    ) == [("Cup", 2, 2, 8.0), ("Sports", 1, 1, 6.0)]


# outcomes


def test_an_outcome_is_found_by_its_names(exchange):
    exchange.event("e", title="The cup", slug="cup", tags=["Cup"], tag_slugs=["cup"])
    market = exchange.market(
        event_id="e",
        slug="who",
        is_closed=True,
        winning_outcome_index=1,
        outcome_prices=[0.0, 1.0],
    )
    exchange.match(market, "10", price="0.3", at=NOON)
    exchange.match(market, "10", price="0.2", at=NOON + HOUR)
    assert rows(
        held(exchange),
        "select outcome, slug, event_title, event_slug, category, tags, status, "
        "last_price, listed_price, payout, last_traded_at "
        "from gold.market_outcomes order by outcome_index",
    ) == [
        (
            "Yes",
            "who",
            "The cup",
            "cup",
            "Cup",
            ["Cup"],
            "closed",
            0.2,
            0.0,
            0.0,
            NOON + HOUR,
        ),
        ("No", "who", "The cup", "cup", "Cup", ["Cup"], "closed", None, 1.0, 1.0, None),
    ]


def test_what_an_open_or_unlisted_outcome_will_pay_is_not_known(exchange):
    exchange.market(outcome_prices=[0.5, 0.5])
    exchange.unlisted()
    assert rows(
        held(exchange),
        "select distinct status, payout, listed_price from gold.market_outcomes "
        "order by status",
    ) == [("open", None, 0.5), ("unlisted", None, None)]


# moves


def test_moves_are_from_the_last_price_known_then(exchange):
    market, other, old = exchange.market(), exchange.market(), exchange.market()
    end = NOON + 2 * DAY
    exchange.match(market, "10", price="0.2", at=end - 2 * DAY)
    exchange.match(market, "10", price="0.3", at=end - DAY)
    exchange.match(market, "10", price="0.5", token=1, at=end - minutes(30))
    exchange.match(other, "10", price="0.6", at=end)
    exchange.match(old, "10", price="0.6", at=end - 7 * DAY)
    found = rows(
        held(exchange),
        "select condition_id, price, price_1h_ago, price_24h_ago, price_7d_ago, "
        "round(change_24h, 9), volume_usd_24h, volume_usd_7d, as_of "
        "from gold.price_moves order by condition_id",
    )
    assert found == [
        (condition(market), 0.5, 0.3, 0.3, None, 0.2, 5.0, 10.0, end),
        (condition(other), 0.6, None, None, None, None, 6.0, 6.0, end),
    ]


# spreads


def test_a_day_shows_its_last_quote(exchange):
    market = exchange.market()
    exchange.quote(market, NOON, best_bid=0.1, best_ask=0.9, liquidity=5.0)
    exchange.quote(market, NOON + HOUR, best_bid=0.375, best_ask=0.5, liquidity=7.0)
    exchange.quote(market, NOON + DAY, best_bid=0.6, best_ask=0.5)
    exchange.quote(market, NOON + 2 * DAY, best_bid=0.9, is_closed=True)
    assert rows(
        held(exchange),
        "select quote_date, best_bid, best_ask, quoted_spread, midpoint, "
        "liquidity_usd, quoted_at, snapshots, matches, roll_spread, turn_spread "
        "from gold.spread_liquidity order by quote_date",
    ) == [
        (NOON.date(), 0.375, 0.5, 0.125, 0.4375, 7.0, NOON + HOUR, 2, 0, None, None),
        ((NOON + DAY).date(), 0.6, 0.5, None, 0.55, None, NOON + DAY, 1, 0, None, None),
    ]


def bounce(exchange, market, count, *, trend=0):
    """Buys at 0.52 and sells at 0.48 in turn, all of them `trend` mills apart."""
    for n in range(count):
        milli = (520 if n % 2 == 0 else 480) + n * trend
        exchange.match(
            market,
            "10",
            price=f"{milli / 1000}",
            is_buy=n % 2 == 0,
            at=NOON + timedelta(seconds=n),
        )


def test_spreads_are_estimated_from_bounces(exchange):
    market = exchange.market()
    bounce(exchange, market, 14)
    # 12 pairs of successive changes, 0.04 and -0.04 in turn: the covariance is
    # -0.04 squared by 12/11, as a sample's
    assert rows(
        held(exchange),
        "select matches, turns, round(turn_spread, 9), round(roll_spread, 9) "
        "from gold.spread_liquidity",
    ) == [(14, 13, 0.04, round(2 * (0.0016 * 12 / 11) ** 0.5, 9))]


def test_selling_the_second_outcome_is_buying_the_first(exchange):
    market = exchange.market()
    exchange.match(market, "10", price="0.45", token=1, is_buy=False)  # first at 0.55
    exchange.match(market, "10", price="0.5", token=1, at=NOON + minutes(1))
    assert rows(
        held(exchange),
        "select turns, round(turn_spread, 9) from gold.spread_liquidity",
    ) == [(1, 0.05)]


def test_a_trend_has_no_rolls_spread_and_few_matches_have_none(exchange):
    rising, few = exchange.market(), exchange.market()
    for n, milli in enumerate([300, 310, 330, 360, 400, 450, 510, 580, 660, 750, 850,
                               860, 880]):  # fmt: skip
        exchange.match(
            rising, "1", price=f"{milli / 1000}", at=NOON + timedelta(seconds=n)
        )
    bounce(exchange, few, 11)
    assert rows(
        held(exchange),
        "select matches, turns, roll_spread from gold.spread_liquidity "
        "order by condition_id",
    ) == [(13, 0, None), (11, 10, None)]


# neg-risk events


def test_the_yes_sum_of_an_event_over_time(exchange):
    exchange.event("vote", title="Vote", slug="vote")
    early = {"event_id": "vote", "is_neg_risk": True}
    first, second = exchange.market(**early), exchange.market(**early)
    third = exchange.market(**early | {"created_at": NOON + 90 * minutes(1)})
    exchange.match(first, "1", price="0.5")
    exchange.match(second, "1", price="0.6", token=1, at=NOON + HOUR)
    exchange.match(third, "1", price="0.25", at=NOON + 30 * HOUR)
    assert rows(
        held(exchange),
        "select hour_start, event_title, event_slug, legs, legs_priced, legs_stale, "
        "round(yes_sum, 9), round(highest_price, 9), is_whole "
        "from gold.neg_risk_events order by hour_start",
    ) == [
        (NOON, "Vote", "vote", 2, 1, 0, 0.5, 0.5, False),
        (NOON + HOUR, "Vote", "vote", 3, 2, 0, 0.9, 0.5, False),
        (NOON + 30 * HOUR, "Vote", "vote", 3, 3, 2, 1.15, 0.5, True),
    ]


def test_a_settled_leg_counts_with_its_payout_from_then_on(exchange):
    early = {"event_id": "vote", "is_neg_risk": True}
    out = exchange.market(
        **early,
        is_closed=True,
        closed_at=NOON + 2 * HOUR,
        winning_outcome_index=1,
    )
    left = exchange.market(**early)
    for market in (out, left):
        exchange.match(market, "1", price="0.5")
    exchange.match(left, "1", price="0.9", at=NOON + 2 * HOUR)
    assert rows(
        held(exchange),
        "select hour_start, legs_priced, legs_settled, yes_sum "
        "from gold.neg_risk_events order by hour_start",
    ) == [(NOON, 2, 0, 1.0), (NOON + 2 * HOUR, 2, 1, 0.9)]


def test_markets_that_do_not_exclude_each_other_are_no_neg_risk_event(exchange):
    market = exchange.market(event_id="e", is_neg_risk=False)
    exchange.match(market, "1")
    assert rows(held(exchange), "select * from gold.neg_risk_events") == []


# days and cohorts


def test_a_day_of_the_exchange(exchange):
    first = exchange.market(created_at=NOON - DAY)
    second = exchange.market(created_at=NOON, is_closed=True, closed_at=NOON + 2 * DAY)
    exchange.match(first, "10", price="0.5")
    exchange.match(second, "10", "2", price="0.5", at=NOON + DAY)
    found = rows(
        held(exchange),
        "select activity_date, trades, matches, traders, new_traders, markets_traded, "
        "new_markets, closed_markets, volume_shares, volume_usd "
        "from gold.daily_activity order by activity_date",
    )
    day = NOON.date()
    assert found == [
        (day - DAY, 0, 0, 0, 0, 0, 1, 0, 0.0, 0.0),
        (day, 2, 1, 2, 2, 1, 1, 0, 10.0, 5.0),
        (day + DAY, 3, 1, 3, 1, 1, 0, 0, 12.0, 6.0),
        (day + 2 * DAY, 0, 0, 0, 0, 0, 0, 1, 0.0, 0.0),
    ]


def test_a_cohort_is_who_began_in_a_month(exchange):
    market = exchange.market()
    december = datetime.fromisoformat("2026-12-02 00:00:00")
    exchange.match(market, "10", "2", price="0.5")  # taker, maker 0, maker 1
    exchange.match(market, "4", price="0.5", at=december)  # taker, maker 0
    exchange.walk(market, at=december + DAY)
    month = date(2026, 11, 1)
    assert rows(
        exchange.summed(),
        "select cohort_month, active_month, cohort_traders, active_traders, trades, "
        "traded_usd, months_since, round(retention, 9) from gold.trader_cohorts "
        "order by active_month",
    ) == [
        (month, month, 3, 3, 3, 12.0, 0, 1.0),
        (month, date(2026, 12, 1), 3, 2, 2, 4.0, 1, round(2 / 3, 9)),
    ]
