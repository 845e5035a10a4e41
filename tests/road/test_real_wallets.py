"""Captured wallets: what they did and made, held against what the exchange said.

docs/pnl.md explains each difference that is allowed here.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from typing import Any

import duckdb
import pytest
import real_payloads as real
from user_home import Home

from sandbox.testing import sandbox_server
from warehouse import stored
from warehouse.models import define_gold, define_silver

EDULABRADOR = "edulabrador__polymarket-smart-money"
ACTIVITY = f"{EDULABRADOR}/activity_all.json.gz"
POSITIONS = f"{EDULABRADOR}/positions.json"
CLOSED = "jm709__pscanner/closed_positions.json.gz"
TRADES = f"{real.ACHENZY}/data_api_trades_user.json.gz"
WINNERS = f"{real.ACHENZY}/market_resolution_59.json.gz"

SANDBOX = {"size": "tiny", "fills": 1, "markets": 1, "cdn": False}
V2_OF_POSITIONS = {
    "size": "current_size",
    "curPrice": "current_price",
    "totalBought": "total_size",
    "cashPnl": "total_pnl",
    "negativeRisk": "negative_risk",
    "initialValue": "entry_cost_usdc",
    "asset": "token_id",
    "oppositeAsset": "opposite_token_id",
    "proxyWallet": "proxy_wallet",
    "conditionId": "condition_id",
    "avgPrice": "avg_price",
    "realizedPnl": "realized_pnl",
    "outcomeIndex": "outcome_index",
}


def v2_position(row: dict[str, Any]) -> dict[str, Any]:
    return {V2_OF_POSITIONS.get(key, key): value for key, value in row.items()}


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """A user who has fetched a captured wallet, and another one's trades."""
    activity = real.newest_first(real.rows_of(ACTIVITY))
    wallet = activity[0]["proxyWallet"]
    pages = {"data": [v2_position(row) for row in real.rows_of(POSITIONS)]}
    folder = real.Folder(tmp_path_factory.mktemp("payloads")).catalogue()
    folder.trades(real.rows_of(TRADES))
    folder.route("/data/v2/activity", activity, wrap="v2")
    folder.route("/data/v2/positions", pages, query={"status": "OPEN"})
    folder.route("/data/v2/positions", {"data": []})
    folder.route("/data/v2/user-pnl", {"data": None})
    folder.route("/clob/markets", [], wrap="clob")
    with sandbox_server(payloads=folder.path, **SANDBOX) as box:
        user = Home(tmp_path_factory.mktemp("home"), box)
        assert user.fetch("--mode", "trades")["failures"] == []
        done = user.fetch("--mode", "activity", "--wallet", wallet)
        assert done["failures"] == []
        assert done["datasets"]["activity"]["quarantined"] == 0
        user.ingest()
        yield user


@pytest.fixture
def warehouse(user, tmp_path):
    """A copy of the warehouse that may be written."""
    copy = tmp_path / "copy.duckdb"
    shutil.copyfile(user.folder / "data" / "warehouse.duckdb", copy)
    with duckdb.connect(str(copy)) as db:
        yield db


def test_every_row_of_a_captured_wallet_is_there_with_its_values(user):
    held = user.ask(
        "select activity_type, coalesce(condition_id, ''), coalesce(token_id, ''), "
        "coalesce(side, ''), size, price, usd, transaction_hash, "
        "epoch(happened_at)::bigint from gold.wallet_activity"
    ).rows()
    captured = [
        (
            *(row[key] for key in ("type", "conditionId", "asset", "side")),
            *(float(row[key]) for key in ("size", "price", "usdcSize")),
            row["transactionHash"],
            row["timestamp"],
        )
        for row in real.rows_of(ACTIVITY)
    ]
    assert sorted(held) == sorted(captured)


def test_a_captured_takers_fee_is_the_one_of_the_dated_schedule(user):
    """Seven fills of 14 July 2026 paid a fee; sports took 0.03 until 10 July.

    Prices are served to ten digits, dollars to a millionth.
    """
    fees = user.ask(
        """
        select activity.fee_usd, schedule.rate, activity.size, activity.price
        from gold.wallet_activity as activity
        inner join silver.FeeScheduleDim as schedule
            on schedule.category = 'sports'
            and activity.happened_at >= schedule.valid_from
            and activity.happened_at < coalesce(schedule.valid_to, 'infinity')
        where activity.side is not null
        """
    ).rows()
    paid = [row for row in fees if row[0] > 1e-5]
    assert (len(fees), len(paid)) == (42, 7)
    for fee, rate, size, price in paid:
        due = size * rate * price * (1 - price)
        assert fee == pytest.approx(due, abs=1.1e-5 + size * 1e-10)


def test_captured_rewards_and_redemptions_are_income_and_cash(user):
    rows = real.rows_of(ACTIVITY)
    made = user.ask("select * from gold.wallet_pnl")
    redeemed = sum(row["usdcSize"] for row in rows if row["type"] == "REDEEM")
    assert made["redeemed_usd"].sum() == pytest.approx(redeemed, abs=1e-6)
    income = made.filter(made["condition_id"].is_null())
    kinds = ("REWARD", "MAKER_REBATE", "TAKER_REBATE")
    told = sum(row["usdcSize"] for row in rows if row["type"] in kinds)
    assert income["income_usd"].to_list() == pytest.approx([told])


def test_captured_positions_are_the_wallets_snapshot(user):
    held = user.ask(
        "select token_id, shares, total_pnl_usd from silver.WalletPositionFact"
    ).rows()
    captured = [
        (row["asset"], float(row["size"]), row["cashPnl"])
        for row in real.rows_of(POSITIONS)
    ]
    assert sorted(held) == sorted(captured)


def test_pnl_of_a_captured_trader_is_what_trades_and_settlements_add_up_to(warehouse):
    """2,292 fills in 59 markets, settled as the order book said."""
    trades = real.rows_of(TRADES)
    winners = {
        token
        for market in real.rows_of(WINNERS)
        for tokens in market.values()
        for token, won in tokens.items()
        if won
    }
    settle(warehouse, winners)
    cash: dict[str, float] = defaultdict(float)
    shares: dict[tuple[str, str], float] = defaultdict(float)
    for row in trades:
        sign = 1 if row["side"] == "BUY" else -1
        cash[row["conditionId"]] -= sign * row["size"] * row["price"]
        shares[row["conditionId"], row["asset"]] += sign * row["size"]
    made = dict(cash)
    for (market, token), held in shares.items():
        made[market] += held if token in winners else 0.0
    # what was sold without having been bought came of full sets at a dollar each
    found = dict(
        warehouse.execute(
            "select condition_id, sum(gross_pnl_usd) from gold.trader_pnl "
            "where is_settled group by all"
        ).fetchall()
    )
    settled = {market for market in made if market in found}
    assert len(settled) > 30
    for market in settled:
        assert found[market] == pytest.approx(made[market], abs=1e-5)


def settle(db: duckdb.DuckDBPyConnection, winners: set[str]) -> None:
    """Say of each market whose tokens are known that it was settled so."""
    db.execute("create temp table winner as select unnest(?) as token_id", [[*winners]])
    db.execute(
        """
        insert into silver.MarketDim by name
        select
            market_key, condition_id, market_key::varchar as gamma_id,
            ['A', 'B'] as outcomes, true as is_closed,
            'resolved' as resolution_status,
            any_value(
                if(winner.token_id is null, 1 - outcome_index, outcome_index)
            ) as winning_outcome_index,
            [(winning_outcome_index = 0)::double, (winning_outcome_index = 1)::double]
                as outcome_prices,
            timestamp '2026-01-01' as source_fetched_at
        from silver.MarketTokenDim
        left join winner using (token_id)
        where outcome_index is not null
        group by market_key, condition_id
        """
    )
    catch_up(db)


def catch_up(db: duckdb.DuckDBPyConnection) -> None:
    """End as ingest ends."""
    stored.refresh(db, db.execute)
    stored.judge(db, db.execute)


def test_captured_closed_positions_made_what_the_exchange_says():
    """Five positions that were bought and settled, by average price and payout."""
    rows = real.rows_of(CLOSED)
    bought = [(row["totalBought"], row["avgPrice"], row["curPrice"]) for row in rows]
    told = [row["realizedPnl"] for row in rows]
    assert purchases(bought) == pytest.approx(told, abs=1e-6)


def test_captured_lost_positions_lost_what_the_exchange_says():
    """The exchange shows the average price to four decimals: half a one of these."""
    rows = real.rows_of(POSITIONS)
    bought = [(row["size"], row["avgPrice"], row["curPrice"]) for row in rows]
    for row, made in zip(rows, purchases(bought), strict=True):
        assert made == pytest.approx(row["cashPnl"], abs=row["size"] * 0.00005)


def purchases(bought: list[tuple[float, float, float]]) -> list[float]:
    """What gold says that each purchase (shares, price, payout) has made."""
    db = duckdb.connect()
    define_silver(db)
    define_gold(db)
    db.execute(
        "insert into silver.TraderDim by name select 1 as trader_key, 'w' as "
        "trader_address"
    )
    for key, (shares, price, payout) in enumerate(bought):
        db.execute(f"create or replace temp macro key() as {key}::uinteger")
        db.execute(
            "insert into silver.MarketKey by name "
            "select key() as market_key, key()::varchar as condition_id"
        )
        db.execute(
            "insert into silver.MarketTokenDim by name select key() as token_key, "
            "key()::varchar as token_id, key() as market_key, key()::varchar as "
            "condition_id, 0 as outcome_index, true as is_listed"
        )
        db.execute(
            "insert into silver.MarketDim by name select key() as market_key, "
            "key()::varchar as condition_id, key()::varchar as gamma_id, ['A', 'B'] as "
            "outcomes, true as is_closed, 'resolved' as resolution_status, "
            "?::integer as winning_outcome_index, [?::double, 1 - ?::double] as "
            "outcome_prices, now()::timestamp as source_fetched_at",
            [1 - int(payout), payout, payout],
        )
        db.execute(
            "insert into silver.TradeFact by name select key() as market_key, key() as "
            "token_key, 1 as trader_key, ''::blob as transaction_hash, true as is_buy, "
            "1 as occurrence, false as is_taker, ? as size, ? as price, "
            "now()::timestamp as traded_at, 1 as walk_key",
            [shares, price],
        )
    catch_up(db)
    found = db.execute(
        "select realized_usd from gold.trader_pnl order by condition_id"
    ).fetchall()
    return [float(made) for (made,) in found]
