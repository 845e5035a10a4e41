"""gold.trades, daily_volume, market_summary and top_markets on hand-worked numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from exchange import NOON, Exchange, minutes
from hypothesis import given, settings
from hypothesis import strategies as st

LATER = NOON + timedelta(days=3)
DAY = timedelta(days=1)


def rows(db, sql):
    return db.execute(sql).fetchall()


def held(exchange, *markets):
    for market in markets:
        exchange.walk(market, at=LATER)
    return exchange.summed()


def test_a_fill_is_shown_with_names_in_place_of_keys(exchange):
    market = exchange.market(question="Will it rain?")
    taken = exchange.match(market, "10", price="0.4")
    db = held(exchange, market)
    (maker, taker) = rows(
        db,
        "select traded_at, condition_id, outcome, question, proxy_wallet, side, "
        "is_taker, price, size, notional_usd, transaction_hash, occurrence, "
        "order_in_second from gold.trades order by is_taker",
    )
    tx = "0x" + taken[0].hash.hex()
    named = (NOON, f"0x{1:064x}", "Yes", "Will it rain?")
    assert maker == (*named, "maker 0", "SELL", False, 0.4, 10.0, 4.0, tx, 1, 1)
    assert taker == (*named, "taker", "BUY", True, 0.4, 10.0, 4.0, tx, 1, 2)


def test_a_fill_of_an_unlisted_market_is_shown_with_its_own_title(exchange):
    market = exchange.unlisted()
    exchange.match(market, "10")
    db = held(exchange, market)
    db.execute("update silver.MarketKey set title = 'A AND B'")
    assert rows(db, "select distinct question from gold.trades") == [("A AND B",)]


def test_a_withdrawn_fill_is_neither_shown_nor_counted(exchange):
    market = exchange.market()
    exchange.match(market, "10", price="0.4")
    exchange.withdrawn |= set(exchange.match(market, "5", price="0.4"))
    exchange.walks.append(exchange.walk(market, at=LATER))
    exchange.walks[-1].in_bronze += [
        fill for fill in exchange.fills if fill in exchange.withdrawn
    ]
    db = exchange.summed()
    assert rows(db, "select count(*) from silver.TradeFact") == [(4,)]
    assert rows(db, "select count(*) from gold.trades") == [(2,)]
    assert rows(db, "select volume_shares from gold.daily_volume") == [(10.0,)]


def test_a_match_counts_once_whatever_the_number_of_makers(exchange):
    market = exchange.market()
    exchange.match(market, "10", "5", price="0.4")
    db = held(exchange, market)
    assert rows(
        db,
        "select trade_date, trades, matches, traders, volume_shares, volume_usd "
        "from gold.daily_volume",
    ) == [(NOON.date(), 3, 1, 3, 15.0, 6.0)]


def test_dollars_of_a_minted_match_are_the_takers(exchange):
    market = exchange.market()
    exchange.match(market, ("10", "mint"), price="0.3")  # the maker pays 7, not 3
    db = held(exchange, market)
    assert rows(db, "select volume_shares, volume_usd from gold.daily_volume") == [
        (10.0, 3.0)
    ]


@pytest.mark.parametrize(
    ("makers", "volume_usd", "unknown"),
    [
        (["10"], 4.0, (0, 0.0)),  # both sides paid the same
        ([("10", "mint")], 0.0, (1, 10.0)),
        (["10", "5"], 0.0, (1, 15.0)),
    ],
)
def test_without_a_known_taker_only_a_plain_match_has_dollars(
    exchange, makers, volume_usd, unknown
):
    exchange.taker_walk = False
    market = exchange.market()
    exchange.match(market, *makers, price="0.4")
    db = held(exchange, market)
    ((usd, matches, count, shares),) = rows(
        db,
        "select volume_usd, matches, matches_usd_unknown, shares_usd_unknown "
        "from gold.daily_volume",
    )
    assert (usd, matches) == (volume_usd, 1)
    assert (count, shares) == unknown


def test_a_day_ends_at_midnight_utc(exchange):
    market = exchange.market()
    exchange.match(market, "1", at=NOON + timedelta(hours=11, minutes=59))
    exchange.match(market, "2", at=NOON + timedelta(hours=12))
    db = held(exchange, market)
    assert rows(
        db,
        "select trade_date, volume_shares from gold.daily_volume order by trade_date",
    ) == [(NOON.date(), 1.0), ((NOON + DAY).date(), 2.0)]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(1, 10**9), min_size=1, max_size=4),
            st.integers(1, 999),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_volume_is_half_of_both_sides_and_all_of_the_takers(matches):
    exchange = Exchange()
    market = exchange.market()
    for sizes, milli, minted in matches:
        makers = [f"{size / 100 + 0.01:.2f}" for size in sizes]
        exchange.match(
            market,
            *[(size, "mint") if minted else size for size in makers],
            price=f"{milli / 1000}",
        )
    db = held(exchange, market)
    ((shares, usd, matched),) = rows(
        db, "select volume_shares, volume_usd, matches from gold.daily_volume"
    )
    ((both, taken, taken_usd),) = rows(
        db,
        "select sum(size), sum(size) filter (where is_taker), "
        "sum(notional_usd) filter (where is_taker) from gold.trades",
    )
    assert shares == pytest.approx(both / 2) == pytest.approx(taken)
    assert usd == pytest.approx(taken_usd)
    assert matched == len(matches)


def test_a_market_is_summed_up(exchange):
    market = exchange.market(question="Q?", is_closed=True, winning_outcome="No")
    exchange.match(market, "10", price="0.4", at=NOON)
    exchange.match(market, "5", price="0.3", token=1, at=NOON + DAY)
    db = held(exchange, market)
    ((summed),) = rows(
        db,
        "select question, status, winning_outcome, trades_held, matches, traders, "
        "volume_shares, round(volume_usd, 6), last_price, first_traded_at, "
        "last_traded_at from gold.market_summary",
    )
    last_price = 0.7  # the last fill paid 0.3 for No
    assert summed == (
        "Q?", "closed", "No", 4, 2, 2, 15.0, 5.5, last_price, NOON, NOON + DAY
    )  # fmt: skip


def test_a_market_without_a_fill_is_summed_up_too(exchange):
    listed, unlisted = exchange.market(), exchange.unlisted()
    db = held(exchange, listed, unlisted)
    assert rows(
        db,
        "select status, trades_held, volume_usd, last_price from gold.market_summary "
        "order by status",
    ) == [("open", 0, 0.0, None), ("unlisted", 0, 0.0, None)]


def test_top_markets_rank_by_dollars_within_their_days(exchange):
    old, new = exchange.market(), exchange.market()
    exchange.match(old, "100", price="0.5", at=NOON - timedelta(days=10))
    exchange.match(old, "1", price="0.5", at=NOON)
    exchange.match(new, "10", price="0.5", at=NOON - minutes(5))
    db = held(exchange, old, new)
    ranked = rows(
        db,
        "select period, volume_rank, condition_id, volume_usd from gold.top_markets "
        "order by period, volume_rank",
    )
    first, second = f"0x{old:064x}", f"0x{new:064x}"
    assert ranked == [
        ("1d", 1, second, 5.0),
        ("1d", 2, first, 0.5),
        ("30d", 1, first, 50.5),
        ("30d", 2, second, 5.0),
        ("7d", 1, second, 5.0),
        ("7d", 2, first, 0.5),
        ("all", 1, first, 50.5),
        ("all", 2, second, 5.0),
    ]
