"""Bronze activity, positions and user_pnl become silver: each thing once."""

from __future__ import annotations

from typing import Any

from bronze_lake import NOON, at

WALLET = "0x" + "AB" * 20
TRADED = {"type": "TRADE", "side": "BUY", "token_id": "101", "condition_id": "0xC1"}


def did(
    walk: str = "a1", page: int = 0, row: int = 0, fetched: float = 1000, **more: Any
) -> dict[str, Any]:
    return {
        "proxy_wallet": WALLET,
        "timestamp": NOON,
        "transaction_hash": "0xF1",
        "size": 10.0,
        "price": 0.5,
        "usdc_size": 5.0,
        "walk_id": walk,
        "page_no": page,
        "row_no": row,
        "fetched_at": at(fetched),
        **TRADED,
        **more,
    }


ROWS = """
select trader_address, activity_type, condition_id, token_id, is_buy, occurrence,
    outcome_index, usdc_size
from silver.ActivityFact order by all
"""


def test_equal_rows_of_a_walk_are_several_and_of_two_walks_the_same(bronze, warehouse):
    bronze.commit("activity", [did(row=n) for n in range(2)])
    warehouse.ingest()
    later = [did("a2", row=n, fetched=2000, usdc_size=6.0) for n in range(3)]
    bronze.commit("activity", later)
    warehouse.ingest()
    held = warehouse.ask(ROWS)
    assert [(row[5], row[7]) for row in held] == [(1, 5.0), (2, 5.0), (3, 6.0)]
    warehouse.ingest(rebuild=True)
    assert warehouse.ask(ROWS) == held


def test_hex_is_lower_and_what_is_empty_is_null(bronze, warehouse):
    reward = {"type": "REWARD", "side": "", "token_id": "", "condition_id": ""}
    bronze.commit("activity", [did(**reward, outcome_index=999), did(outcome_index=1)])
    warehouse.ingest()
    wallet = WALLET.lower()
    assert warehouse.ask(ROWS) == [
        (wallet, "REWARD", None, None, None, 1, None, 5.0),
        (wallet, "TRADE", "0xc1", "101", True, 1, 1, 5.0),
    ]


def test_the_two_shapes_of_a_redemption_are_rows_of_their_own(bronze, warehouse):
    redeemed = {"type": "REDEEM", "side": "", "price": 0.0}
    whole = did(**redeemed, token_id="", timestamp=NOON - 60)
    won = did(**redeemed, row=1)
    lost = did(**redeemed, token_id="102", usdc_size=0.0, row=2)
    bronze.commit("activity", [whole, won, lost])
    warehouse.ingest()
    tokens = [(row[3], row[7]) for row in warehouse.ask(ROWS)]
    assert sorted(tokens, key=str) == [("101", 5.0), ("102", 0.0), (None, 5.0)]


def position(walk: str = "l1", page: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "asked_status": "OPEN",
        "proxy_wallet": WALLET,
        "token_id": "101",
        "condition_id": "0xC1",
        "current_size": 10.0,
        "outcome_index": 0.0,
        "first_entry_at": float(NOON),
        "walk_id": walk,
        "page_no": page,
        "row_no": 0,
        "fetched_at": at(1000),
        **more,
    }


def test_a_position_met_twice_in_a_snapshot_is_as_it_was_met_last(bronze, warehouse):
    bronze.commit("positions", [position(), position(page=1, current_size=12.0)])
    bronze.commit("positions", [position("l2", current_size=15.0)])
    warehouse.ingest()
    shares = "select shares, outcome_index from silver.WalletPositionFact order by all"
    assert warehouse.ask(shares) == [(12.0, 0), (15.0, 0)]


NONSENSE = [float("nan"), float("inf"), -1e308, 1e20, -1.0]


def test_a_number_that_is_none_is_null_and_stops_nothing(bronze, warehouse):
    times = ("first_entry_at", "last_event_at")
    odd = [dict.fromkeys((*times, "outcome_index"), n) for n in NONSENSE[:-1]]
    odd.append(dict.fromkeys(times, -1.0) | {"outcome_index": 999.0})
    bronze.commit(
        "positions",
        [position(**one, token_id=str(n)) for n, one in enumerate(odd)],
    )
    bronze.commit("user_pnl", [pnl_point(trade_count=n) for n in NONSENSE[:-1]])
    bronze.commit("user_pnl", [pnl_point(row_no=9, fetched_at=at(2))])
    warehouse.ingest()
    assert warehouse.ask(
        "select distinct first_entry_at, last_event_at, outcome_index"
        " from silver.WalletPositionFact"
    ) == [(None, None, None)]
    assert warehouse.ask(
        "select trade_count from silver.UserPnlFact order by fetched_at"
    ) == [(None,), (3,)]


def pnl_point(**more: Any) -> dict[str, Any]:
    return {
        "proxy_wallet": WALLET,
        "timestamp": NOON,
        "position_pnl": 1.5,
        "trade_count": 3.0,
        "walk_id": "l1",
        "page_no": 0,
        "row_no": 0,
        "fetched_at": at(1),
        **more,
    }


def test_each_fetch_keeps_what_the_exchange_said_of_each_moment(bronze, warehouse):
    bronze.commit("user_pnl", [pnl_point(fetched_at=at(n)) for n in (1, 2)])
    warehouse.ingest()
    told = (
        "select trader_address, position_pnl_usd, trade_count from silver.UserPnlFact"
    )
    assert warehouse.ask(told) == [(WALLET.lower(), 1.5, 3)] * 2


def test_walks_over_wallets_say_what_they_cover(bronze, warehouse):
    subject = {
        "kind": "subject",
        "dataset": "activity",
        "walk_id": "a1",
        "key": WALLET,
        "outcome": "end",
        "ts_oldest": 0,
        "ts_newest": NOON,
        "started_at": at(0),
        "fetched_at": at(1),
    }
    bronze.commit("walks", [subject])
    warehouse.ingest()
    covered = (
        "select trader_address, outcome, epoch(covers_from), epoch(covers_to) "
        "from silver.WalletWalk"
    )
    assert warehouse.ask(covered) == [(WALLET.lower(), "end", 0, NOON)]
    assert warehouse.ask("select count(*) from silver.MarketKey") == [(0,)]
