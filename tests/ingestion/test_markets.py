"""What silver makes of markets and events."""

from __future__ import annotations

import json

import pytest
from bronze_lake import at, trade


def market(id="7", condition="c1", *, fetched=1000.0, row=0, **more):
    return {
        "id": id,
        "condition_id": condition and "0x" + condition.rjust(64, "0"),
        "question": f"Market {id}?",
        "outcomes": json.dumps(["Yes", "No"]),
        "outcome_prices": json.dumps(["0.4", "0.6"]),
        "clob_token_ids": json.dumps(["101", "102"]),
        "walk_id": "l1",
        "page_no": 0,
        "row_no": row,
        "fetched_at": at(fetched),
        **more,
    }


def test_a_market_is_as_its_latest_row_says_and_its_history_is_kept(bronze, warehouse):
    bronze.commit("markets", [market(closed=False)])
    warehouse.ingest()
    bronze.commit("markets", [market(closed=True, fetched=3000)])
    bronze.commit("markets", [market(closed=False, fetched=2000)])
    warehouse.ingest()
    assert warehouse.ask("select is_closed from silver.MarketDim") == [(True,)]
    first, second, third = (at(t).replace(tzinfo=None) for t in (1000, 2000, 3000))
    assert warehouse.ask(
        "select valid_from, valid_to, is_closed from silver.MarketHistory order by 1"
    ) == [(first, second, False), (second, third, False), (third, None, True)]


def test_of_two_gamma_rows_with_one_condition_id_the_later_made_one_stands(
    bronze, warehouse
):
    bronze.commit("markets", [market("10", fetched=1000)])
    bronze.commit("markets", [market("9", fetched=2000)])
    warehouse.ingest()
    assert warehouse.ask("select gamma_id, other_gamma_ids from silver.MarketDim") == [
        ("10", ["9"])
    ]


def test_a_market_without_a_condition_id_is_kept_until_it_gets_one(bronze, warehouse):
    bronze.commit("markets", [market("1", condition="")])
    warehouse.ingest()
    assert warehouse.ask("select gamma_id, condition_id from silver.MarketDim") == [
        ("1", None)
    ]
    bronze.commit("markets", [market("1", condition="c1", fetched=2000)])
    warehouse.ingest()
    assert warehouse.ask(
        "select gamma_id, right(condition_id, 2) from silver.MarketDim"
    ) == [("1", "c1")]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-07-24 00:00:16+00", "2026-07-24 00:00:16"),
        ("2026-07-23T02:48:35.302901Z", "2026-07-23 02:48:35.302901"),
        ("2026-07-23", "2026-07-23 00:00:00"),
        ("2026-07-23T02:48:35+05:30", "2026-07-22 21:18:35"),
        ("November 3, 2020", None),
        ("", None),
    ],
)
def test_times_are_read_in_every_form_gamma_writes(bronze, warehouse, text, time):
    bronze.commit("markets", [market(closed_time=text)])
    warehouse.ingest()
    assert warehouse.ask("select closed_at::varchar from silver.MarketDim") == [(time,)]


@pytest.mark.parametrize(
    ("prices", "status", "winner"),
    [
        (["1", "0"], "resolved", "Yes"),
        (["0", "1"], "resolved", "No"),
        (["1", "0"], "proposed", None),
        (["0.5", "0.5"], "resolved", None),
        (["0", "0"], "resolved", None),
        (["0.58", "0.41"], "resolved", None),
        (["1"], "resolved", None),
        (["1", "1"], "resolved", None),
    ],
)
def test_a_winner_is_named_only_where_it_is_sure(
    bronze, warehouse, prices, status, winner
):
    bronze.commit(
        "markets",
        [
            market(
                closed=True,
                uma_resolution_status=status,
                outcome_prices=json.dumps(prices),
            )
        ],
    )
    warehouse.ingest()
    assert warehouse.ask("select winning_outcome from silver.MarketDim") == [(winner,)]


def test_what_gamma_says_of_a_token_stands_over_what_trades_say(bronze, warehouse):
    bronze.commit("trades", [trade(token="101", outcome="Nope", outcome_index=1)])
    bronze.commit("trades", [trade(token="999", outcome="Other", outcome_index=2)])
    warehouse.ingest()
    bronze.commit("markets", [market()])
    warehouse.ingest()
    bronze.commit(
        "trades", [trade(second=9, token="101", outcome="Nope", fetched=9000)]
    )
    warehouse.ingest()
    assert warehouse.ask(
        "select token_id, outcome, outcome_index, is_listed "
        "from silver.MarketTokenDim order by all"
    ) == [
        ("101", "Yes", 0, True),
        ("102", "No", 1, True),
        ("999", "Other", 2, False),
    ]


def test_a_v2_market_trades_its_position_ids(bronze, warehouse):
    bronze.commit(
        "markets", [market(version="v2", position_ids=json.dumps(["201", "202"]))]
    )
    warehouse.ingest()
    assert warehouse.ask("select token_ids from silver.MarketDim") == [
        (["201", "202"],)
    ]


def test_broken_lists_are_null_and_stop_nothing(bronze, warehouse):
    bronze.commit(
        "markets", [market(outcomes="[broken", outcome_prices='["x", "0.5"]')]
    )
    warehouse.ingest()
    assert warehouse.ask("select outcomes, outcome_prices from silver.MarketDim") == [
        (None, [None, 0.5])
    ]


def test_a_wallet_has_its_latest_name(bronze, warehouse):
    bronze.commit("trades", [trade(name="new", pseudonym="", fetched=3000)])
    bronze.commit("trades", [trade(second=5, name="old", pseudonym="", fetched=2000)])
    bronze.commit("trades", [trade(second=9, name="", pseudonym="", fetched=4000)])
    for _ in range(2):
        warehouse.ingest()
    assert warehouse.ask(
        "select name, last_traded_at - first_traded_at = interval 9 seconds "
        "from silver.TraderDim"
    ) == [("new", True)]


def test_an_event_has_its_tags_and_series(bronze, warehouse):
    bronze.commit(
        "events",
        [
            {
                "id": "5",
                "slug": "an-event",
                "tags": json.dumps([{"id": "1", "label": "Crypto", "slug": "crypto"}]),
                "series": json.dumps([{"id": "2", "slug": "btc-15m"}]),
                "fetched_at": at(1000),
            }
        ],
    )
    warehouse.ingest()
    assert warehouse.ask(
        "select slug, tags, tag_slugs, series_slugs from silver.EventDim"
    ) == [("an-event", ["Crypto"], ["crypto"], ["btc-15m"])]


def test_every_reading_of_a_total_is_kept_once(bronze, warehouse):
    reading = {
        "event_id": "5",
        "condition_id": "0x" + "C1".rjust(64, "0"),
        "taker_volume": 12.5,
        "age_seconds": 60,
        "walk_id": "t1",
        "fetched_at": at(1000),
    }
    bronze.commit("live_volume", [reading])
    bronze.commit("live_volume", [reading | {"walk_id": "t2", "fetched_at": at(2000)}])
    warehouse.ingest()
    assert warehouse.ask(
        "select taker_volume, as_of from silver.LiveVolumeFact order by 2"
    ) == [
        (12.5, at(940).replace(tzinfo=None)),
        (12.5, at(1940).replace(tzinfo=None)),
    ]
