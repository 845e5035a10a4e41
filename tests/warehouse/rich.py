"""A warehouse in which every gold view has something to say, for their tests.

Whoever adds a view adds here what it needs, and finds it held to what all views promise
in tests/warehouse/test_every_view.py.
"""

from __future__ import annotations

from datetime import timedelta

import duckdb
from captured import Captured
from deeds import did, walked
from exchange import NOON, Exchange, minutes

DAY = timedelta(days=1)
LATER = NOON + 3 * DAY


def rich_exchange() -> Exchange:
    """Settled, split, unsettled, exclusive, unlisted and quiet markets."""
    exchange = Exchange()
    exchange.event("sports", title="The cup", tags=["Sports"], tag_slugs=["sports"])
    exchange.event("vote", title="The vote", tags=["World"], tag_slugs=["world"])
    won = exchange.market(
        event_id="sports",
        is_closed=True,
        resolution_status="resolved",
        winning_outcome_index=0,
        winning_outcome="Yes",
        outcome_prices=[1.0, 0.0],
        closed_at=NOON + 2 * DAY,
    )
    split = exchange.market(
        is_closed=True,
        resolution_status="resolved",
        outcome_prices=[0.5, 0.5],
        closed_at=NOON + 2 * DAY,
    )
    unsure = exchange.market(is_closed=True, closed_at=NOON + 2 * DAY)
    legs = [exchange.market(event_id="vote", is_neg_risk=True) for _ in range(2)]
    unlisted = exchange.unlisted()
    exchange.market(is_closed=False)  # without a fill
    for day in range(40):
        at = NOON - day * DAY
        exchange.match(won, "10", "5.5", price="0.4", at=at, is_buy=day % 2 == 0)
        exchange.match(won, ("7", "mint"), price="0.25", at=at + minutes(1), token=1)
    exchange.match(won, "30000", price="0.5", at=NOON + minutes(3))
    for market in (split, unsure, *legs, unlisted):
        exchange.match(market, "3", price="0.4")
    exchange.quote(legs[0], NOON, best_bid=0.3, best_ask=0.5, liquidity=1000.0)
    for market in (won, *legs):
        exchange.midpoint(market, NOON, 0.4)
        exchange.midpoint(market, NOON + minutes(1), 0.45)
        exchange.price_window(market, NOON - DAY, NOON + DAY, 2)
    for market in exchange.markets:
        exchange.total(market, LATER - minutes(2))
        exchange.walk(market, at=LATER)
    exchange.settlement(won, NOON + 2 * DAY, 1.0, 0.0)
    return exchange


def rich_warehouse() -> duckdb.DuckDBPyConnection:
    """That exchange, ingested, and a wallet that was asked for."""
    db = rich_exchange().warehouse()
    market = f"0x{1:064x}"
    walked(db)
    did(db, "TRADE", 4, market=market, side="BUY", size=10, price=0.4)
    did(db, "REWARD", 2)
    capture(db)
    return db


def capture(db: duckdb.DuckDBPyConnection) -> None:
    """Two tokens and a feed for twenty minutes, with an error and a window."""
    captured = Captured(db)
    captured.token(901, "901", market=901)
    captured.token(902, "902", market=901)
    captured.coverage(0, "subscribed", 901)
    captured.book(1, [(0.4, 5000.0), (0.39, 7.0)], [(0.6, 9.0)], token=901)
    captured.change(2, "BUY", 0.45, 9000.0, token=901, best_bid=0.45, best_ask=0.6)
    captured.event(3, "last_trade_price", 901, side="BUY", price=0.6, size=4000.0)
    captured.coverage(30, "broken", reason="silent")
    captured.coverage(40, "subscribed", 901, walk_key=905)
    captured.book(41, [(0.4, 5.0)], [(0.6, 9.0)], token=901, walk_key=905)
    captured.coverage(60, "alive", walk_key=905)
    for minute in range(21):
        captured.tick(60 * minute, f"{118000 + minute * (minute % 3)}")
    captured.window(0, outcome="Up", strike="118000", condition_id=f"0x{901:064x}")
    captured.fault("e1", 30, 40, estimated_missed=7)
    for turn in range(3):
        captured.poll(10 * turn, market=901, wallets=2, shares=3000.0 + turn)
        captured.position(10 * turn, "aa", 2000.0 + turn, token_key=901)
        captured.position(10 * turn, "bb", 1000.0, token_key=901)
    assert captured.db  # what was heard is counted
