"""Every check holds in a sound warehouse, and notices the damage it is there for."""

from __future__ import annotations

import pytest

from warehouse.check import checks, run_check
from warehouse.models import models

FACT = "update silver.TradeFact set "
ONE = " where row_no = 0 and market_key = 1"

DAMAGE = {
    "candles_enclose_their_prices": None,  # the views would have to be wrong
    "candles_hold_the_dollars_of_the_day": None,
    "concentration_is_a_part_of_one": (
        "update silver.TraderToken set bought_shares = -bought_shares"
    ),
    "forecasts_are_probabilities": None,  # tried below, on a market that was settled
    "held_shares_are_those_the_exchange_counts": (
        "update silver.LiveVolumeFact set taker_volume = taker_volume + 1"
    ),
    "days_are_the_sum_of_their_fills": "delete from silver.TradeFact" + ONE,
    "wallets_add_up_to_their_fills": "update silver.TraderToken set trades = 9",
    "totals_add_up_to_their_wallets": "update silver.TraderTotal set markets = 9",
    "hours_add_up_to_their_days": "update silver.MarketHour set trades = trades + 1",
    "no_fill_after_the_settlement": (
        "update silver.ResolutionFact set resolved_at = '2026-10-01'"
    ),
    "completeness_has_a_reason": None,  # the view would have to be wrong
    "datasets_are_fresh": "set variable stale_hours = 1",
    "every_market_is_judged": None,
    "trades_shows_every_fill": "delete from silver.MarketTokenDim where token_key = 2",
    "fills_are_as_ingest_put_them_in": "delete from silver.TradeFact" + ONE,
    "fills_have_a_time": FACT + "traded_at = '1970-01-21'" + ONE,
    "fills_have_their_dimensions": "delete from silver.TraderDim",
    "market_keys_are_known": "delete from silver.MarketKey where market_key = 2",
    "matches_have_one_taker": FACT + "is_taker = true",
    "midpoints_are_dollars_a_share": "update silver.PriceHistoryFact set price = 1.5",
    "price_runs_do_not_overlap": (
        "update silver.PriceHistoryFact set observed_until = '1970-01-01'"
    ),
    "priced_tokens_are_known": "delete from silver.MarketTokenDim where token_key = 2",
    "occurrences_count_from_one": FACT + "occurrence = 2" + ONE,
    "order_in_second_is_a_place": FACT + "order_in_second = 2" + ONE,
    "payouts_add_up_to_a_dollar": "update silver.ResolutionFact set payouts = [1, 1]",
    "prices_are_dollars_a_share": FACT + "price = 1.5" + ONE,
    "sizes_are_positive": FACT + "size = 0" + ONE,
    "sources_name_one_ending": (
        "insert into silver.ClobMarketDim (condition_id, winning_outcome, is_closed,"
        " source_fetched_at) select condition_id, 'No', true, '2026-01-01'"
        " from silver.MarketDim"
    ),
    "takers_say_how_they_are_known": FACT + "is_taker_source = null" + ONE,
    "tokens_belong_to_the_market_of_the_fill": FACT + "token_key = 4" + ONE,
    "unbalanced_matches_are_all_kept": FACT + "size = size + 1" + ONE,
    "volume_counts_a_match_once": "update silver.MarketDay set volume_usd = 0",
    "walk_keys_are_known": "delete from silver.WalkFact where walk_key = 2",
}

TABLE_OF = {
    name: model.steps["select"].split("from silver.")[1].split()[0]
    for name, model in models("checks").items()
    if name.startswith("unique_")
}
ALL = {check.name: check for check in checks()}


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_sound_warehouse_keeps_the_promise(sound, name):
    assert run_check(sound, ALL[name]) is None


def test_every_written_check_is_tried_on_damage():
    assert set(DAMAGE) | set(TABLE_OF) == set(models("checks"))


@pytest.mark.parametrize("name", [name for name, how in DAMAGE.items() if how])
def test_the_damage_is_noticed(sound, name):
    sound.execute(DAMAGE[name])
    offence = run_check(sound, ALL[name])
    assert offence is not None
    assert offence.rows >= 1
    assert len(offence.examples[0]) == len(offence.columns)


def test_a_forecast_that_is_no_probability_is_noticed(rich):
    rich.execute("begin")
    rich.execute(FACT + "price = 1.5")
    assert run_check(rich, ALL["forecasts_are_probabilities"]) is not None
    rich.execute("rollback")


@pytest.mark.parametrize("name", sorted(TABLE_OF))
def test_a_row_that_is_there_twice_is_noticed(sound, name):
    table = f"silver.{TABLE_OF[name]}"
    columns = sound.execute(
        "select column_name, data_type, is_nullable from duckdb_columns() "
        "where schema_name = 'silver' and table_name = ?",
        [TABLE_OF[name]],
    ).fetchall()
    if sound.execute(f"select count(*) from {table}").fetchall() == [(0,)]:
        some = {"VARCHAR": "'x'", "BLOB": "'x'::blob", "TIMESTAMP": "'2026-01-01'"}
        some |= dict.fromkeys(("DATE", "TIMESTAMP_NS"), "'2026-01-01'")
        values = ", ".join(
            f"null::{kind}" if nullable else some.get(kind, "1")
            for _, kind, nullable in columns
        )
        sound.execute(f"insert into {table} values ({values})")
    sound.execute(f"insert into {table} from {table} limit 1")
    offence = run_check(sound, ALL[name])
    assert offence is not None
    assert offence.rows == 1


def test_every_silver_table_has_a_check_of_its_key():
    views = {"MatchByKey", "MatchFact", "TraderTokenPnl"}
    assert set(TABLE_OF.values()) == set(models("silver")) - views


def test_every_table_that_names_walks_is_checked(rich):
    tables = rich.execute(
        "select table_name from duckdb_columns() "
        "where column_name = 'walk_key' and schema_name = 'silver'"
    ).fetchall()
    checked = models("checks")["walk_keys_are_known"].steps["select"]
    elsewhere = {"WalkFact", "TradeFact"}  # fills_have_their_dimensions
    named = {name for (name,) in tables if f"from silver.{name}\n" in checked}
    assert named == {name for (name,) in tables} - elsewhere
