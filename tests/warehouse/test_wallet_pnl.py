"""gold.wallet_activity, wallet_pnl, wallet_pnl_check and trader_stats by hand."""

from __future__ import annotations

import pytest
from deeds import WALLET, did, holds, told, walked
from exchange import NOON, Exchange, minutes, put

YES, NO = "101", "102"
MARKET = "0x" + "cd" * 32


def market(db, *, winner=None, event="the-event"):
    """A market of two tokens, settled if there is a winner."""
    prices = None if winner is None else [float(winner == 0), float(winner == 1)]
    db.execute(
        "insert into silver.MarketDim by name select 7 as market_key, ? as "
        "condition_id, '7' as gamma_id, ['Yes', 'No'] as outcomes, [?, ?] as token_ids,"
        " 'Will it?' as question, ? as event_slug, ? as is_closed, 'resolved' as "
        "resolution_status, ?::integer as winning_outcome_index, ?::double[] as "
        "outcome_prices, now()::timestamp as source_fetched_at",
        [MARKET, YES, NO, event, winner is not None, winner, prices],
    )
    db.execute("insert into silver.MarketKey values (7, ?, null, null, null)", [MARKET])
    for index, token in enumerate((YES, NO)):
        db.execute(
            "insert into silver.MarketTokenDim by name select ?::uinteger as token_key,"
            " ? as token_id, 7 as market_key, ? as condition_id, ? as outcome_index, "
            "['Yes', 'No'][? + 1] as outcome, true as is_listed",
            [70 + index, token, MARKET, index, index],
        )


@pytest.fixture(scope="module")
def made():
    return Exchange().warehouse()


@pytest.fixture
def db(made):
    """An empty warehouse in a transaction that is undone."""
    made.execute("begin")
    yield made
    made.execute("rollback")


def pnl(db, columns="pnl_usd"):
    found = db.execute(
        f"select {columns} from gold.wallet_pnl where condition_id = ?", [MARKET]
    ).fetchall()
    assert len(found) == 1
    return found[0]


def test_all_that_came_in_and_went_out_is_the_pnl_of_a_settled_market(db):
    market(db, winner=0)
    walked(db)
    did(db, "TRADE", 41.2, market=MARKET, token=YES, side="BUY", size=100, price=0.4)
    did(db, "SPLIT", 10, market=MARKET, hour=1)
    did(db, "TRADE", 5.5, market=MARKET, token=NO, side="SELL", size=10, price=0.56,
        hour=2)  # fmt: skip
    did(db, "REDEEM", 60, market=MARKET, token=YES, size=60, hour=3)
    columns = "cash_usd, fees_usd, shares_held, value_usd, pnl_usd, is_settled"
    assert pnl(db, columns) == pytest.approx((14.3, 1.3, 50, 50.0, 64.3, True))
    assert pnl(db, "is_exact, inexact_reason") == (True, "")


def test_a_merge_names_no_token_and_takes_one_share_of_each(db):
    market(db)
    walked(db)
    walked(db, "positions", walk=901)
    holds(db, YES, 0.25, market=MARKET, opposite=NO)
    did(db, "SPLIT", 10, market=MARKET)
    did(db, "MERGE", 4, market=MARKET, hour=1)
    did(db, "TRADE", 3, market=MARKET, token=YES, side="SELL", size=6, price=0.5,
        hour=2)  # fmt: skip
    columns = "split_usd, merged_usd, sold_usd, shares_held, value_usd, pnl_usd"
    assert pnl(db, columns) == pytest.approx((10, 4, 3, 6, 4.5, 1.5))


def test_an_old_redemption_names_no_token_and_takes_all_that_is_held(db):
    market(db, winner=1)
    walked(db)
    for token in (YES, NO):
        did(db, "TRADE", 5, market=MARKET, token=token, side="BUY", size=10, price=0.5)
    did(db, "REDEEM", 10, market=MARKET, size=10, hour=1)
    assert pnl(db, "shares_held, value_usd, pnl_usd, is_exact") == (0, 0, 0, True)


def test_a_redemption_of_today_is_a_row_an_outcome_the_loser_of_no_dollars(db):
    market(db, winner=1)
    walked(db)
    for token in (YES, NO):
        did(db, "TRADE", 5, market=MARKET, token=token, side="BUY", size=10, price=0.5)
    did(db, "REDEEM", 0, market=MARKET, token=YES, size=10, hour=1)
    did(db, "REDEEM", 10, market=MARKET, token=NO, size=10, hour=1)
    assert pnl(db, "redeemed_usd, shares_held, pnl_usd") == (10, 0, 0)


def test_rewards_are_income_of_no_market_and_transfers_are_neither(db):
    walked(db)
    did(db, "REWARD", 3)
    did(db, "MAKER_REBATE", 2, hour=1)
    did(db, "DEPOSIT", 1_000, hour=2)
    did(db, "WITHDRAWAL", 400, hour=3)
    assert db.execute(
        "select condition_id, income_usd, pnl_usd, is_exact from gold.wallet_pnl"
    ).fetchall() == [(None, 5, 5, True)]


@pytest.mark.parametrize(
    ("reason", "deeds"),
    [
        ("unknown_type", [{"kind": "WISH", "usd": 1}]),
        ("conversion", [{"kind": "CONVERSION", "usd": 1}]),
        ("negative_shares", [{"kind": "REDEEM", "usd": 1, "token": NO}]),
        ("dollars_unknown", [{"kind": "REDEEM", "usd": None, "size": 1, "token": YES}]),
        ("token_unknown", [{"kind": "TRADE", "usd": 1, "side": "BUY"}]),
        ("", []),
    ],
)
def test_pnl_says_why_it_is_not_exact(db, reason, deeds):
    market(db, winner=0)
    walked(db)
    did(db, "TRADE", 5, market=MARKET, token=YES, side="BUY", size=10, price=0.5)
    for deed in deeds:
        did(db, market=MARKET, hour=1, **deed)
    assert pnl(db, "is_exact, inexact_reason") == (not reason, reason)


def test_pnl_of_a_history_that_was_not_walked_whole_is_not_exact(db):
    market(db, winner=0)
    did(db, "TRADE", 5, market=MARKET, token=YES, side="BUY", size=10, price=0.5)
    walked(db, covers_from=NOON)
    assert pnl(db, "inexact_reason") == ("not_whole",)
    walked(db, walk=905, outcome="window")
    assert pnl(db, "inexact_reason") == ("not_whole",)
    walked(db, walk=906)
    assert pnl(db, "inexact_reason") == ("",)


def test_a_price_that_nobody_tells_is_said_to_be_unknown(db):
    walked(db)
    did(db, "TRADE", 5, market=MARKET, token=YES, side="BUY", size=10, price=0.5)
    assert pnl(db, "inexact_reason") == ("price_unknown",)


def test_a_trade_of_no_market_is_not_exact(db):
    walked(db)
    did(db, "TRADE", 5, token=YES, side="BUY", size=10, price=0.5)
    assert db.execute("select inexact_reason from gold.wallet_pnl").fetchall() == [
        ("token_unknown",)
    ]


@pytest.mark.parametrize(
    ("other", "told"), [(0.25, (10, 7.5, "")), (0.4, (10, 0, "price_unknown"))]
)
def test_two_outcomes_that_name_one_opposite_do_not_count_it_twice(db, other, told):
    walked(db)
    walked(db, "positions", walk=901)
    holds(db, "103", 0.25, market=MARKET, opposite=NO)
    holds(db, YES, other, market=MARKET, opposite=NO)
    did(db, "TRADE", 5, market=MARKET, token=NO, side="BUY", size=10, price=0.5)
    assert pnl(db, "shares_held, coalesce(value_usd, 0), inexact_reason") == told


def test_a_split_of_a_market_whose_other_token_nobody_names_is_not_exact(db):
    walked(db)
    did(db, "SPLIT", 5, market=MARKET)
    did(db, "TRADE", 5, market=MARKET, token=YES, side="SELL", size=5, price=1, hour=1)
    assert pnl(db, "inexact_reason") == ("token_unknown",)


def test_our_account_stands_beside_the_exchanges(db):
    market(db, winner=0)
    walked(db)
    walked(db, "positions", walk=901)
    did(db, "TRADE", 4, market=MARKET, token=YES, side="BUY", size=10, price=0.4)
    did(db, "REWARD", 2)
    told(db, 1.0, hour=50)
    told(db, 5.5, income=2.0)
    holds(db, YES, 1.0, market=MARKET, total_pnl=5.75)
    for hour, pnl_usd in ((1, 99.0), (2, 7.0)):
        put(
            db,
            "LeaderboardFact",
            time_period="all",
            category="OVERALL",
            sort_by="PNL",
            trader_address=WALLET,
            pnl_usd=pnl_usd,
            captured_at=NOON + minutes(hour),
            fetched_at=NOON,
            walk_key=903,
            page_no=0,
            row_no=0,
        )
    row = db.execute(
        "select position_pnl_usd, income_usd, position_difference_usd, "
        "pnl_difference_usd, snapshot_difference_usd, board_difference_usd, "
        "inexact_markets from gold.wallet_pnl_check"
    ).fetchall()
    assert row == [pytest.approx((6.0, 2.0, 0.5, 0.5, 0.25, 1.0, 0))]


def test_a_row_of_activity_is_seen_from_the_wallet(db):
    market(db)
    did(db, "TRADE", 41.2, market=MARKET, token=YES, side="BUY", size=100, price=0.4)
    did(db, "SPLIT", 10, market=MARKET, hour=1)
    did(db, "REWARD", 3, hour=2)
    assert db.execute(
        "select activity_type, question, outcome, side, cash_usd, fee_usd "
        "from gold.wallet_activity order by happened_at"
    ).fetchall() == [
        ("TRADE", "Will it?", "Yes", "BUY", -41.2, 1.2),
        ("SPLIT", "Will it?", None, None, -10.0, None),
        ("REWARD", None, None, None, 3.0, None),
    ]


def test_a_trader_is_told_by_fills_markets_and_result():
    exchange = Exchange()
    won = exchange.market(
        is_closed=True,
        resolution_status="resolved",
        winning_outcome_index=0,
        outcome_prices=[1.0, 0.0],
    )
    lost = exchange.market(
        is_closed=True,
        resolution_status="resolved",
        winning_outcome_index=1,
        outcome_prices=[0.0, 1.0],
    )
    is_open = exchange.market()
    for key in (won, lost, is_open):
        exchange.match(key, "10", price="0.4", at=NOON + minutes(key))
        exchange.walk(key, at=NOON + minutes(90))
    db = exchange.warehouse()
    columns = (
        "trades, taker_trades, maker_share, markets, markets_settled, markets_won, "
        "win_rate, volume_usd, gross_pnl_usd, net_pnl_usd, return_on_bought, labels, "
        "first_traded_at, last_traded_at"
    )
    (taker,) = db.execute(
        f"select {columns} from gold.trader_stats where proxy_wallet = 'taker'"
    ).fetchall()
    numbers = (3, 3, 0.0, 3, 2, 1, 0.5, 12.0, 2.0, 2.0, 2 / 12)
    assert taker[:11] == pytest.approx(numbers)
    assert taker[11:] == ([], NOON + minutes(won), NOON + minutes(is_open))
    walked(db, wallet="taker")
    assert db.execute(
        "select labels from gold.trader_stats where proxy_wallet = 'taker'"
    ).fetchall() == [(["walked"],)]


def test_an_outcome_without_a_price_is_neither_gain_nor_loss_of_who_split_it():
    exchange = Exchange()
    market = exchange.market(outcomes=["A", "B", "C"])
    exchange.match(market, "10", price="0.4")  # its maker sells what it did not buy
    exchange.walk(market, at=NOON + minutes(90))
    db = exchange.warehouse()
    made = "value_usd, realized_usd, unrealized_usd, gross_pnl_usd"
    totals = db.execute(
        f"select {made} from gold.trader_stats where proxy_wallet = 'maker 0'"
    ).fetchall()
    columns = ", ".join(f"sum({column})" for column in made.split(", "))
    rows = db.execute(
        f"select {columns} from gold.trader_pnl where proxy_wallet = 'maker 0'"
    ).fetchall()
    assert totals == [pytest.approx((0, 4 - 10 / 3, 0, 4 - 10 / 3))]
    assert totals == [pytest.approx(rows[0])]
