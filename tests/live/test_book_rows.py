"""Messages as rows: every schema the channel has had, and nothing thrown away."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bronze import DATASETS
from fetcher.live.book_rows import MOST_RAW, event_rows, malformed_row
from fetcher.live.reading import messages_of

NAMES = [
    name
    for name in DATASETS["book_events"].schema.names
    if name not in ("fetched_at", "walk_id", "page_no", "row_no")
]
CHANGE = {
    "asset_id": "71321",
    "price": ".48",
    "side": "BUY",
    "size": "150.0",
    "hash": "0xh",
    "best_bid": "0.51",
    "best_ask": "0.52",
}
NEW = {
    "event_type": "price_change",
    "market": "0xdd",
    "price_changes": [CHANGE, CHANGE | {"asset_id": "2", "size": "0", "side": "SELL"}],
    "timestamp": "1703875201000",
}
BOOK = {
    "event_type": "book",
    "market": "0xdd",
    "asset_id": "71321",
    "bids": [{"price": "0.49", "size": "350.0"}, {"price": "0.50", "size": "200.0"}],
    "asks": [{"price": "0.51", "size": "150.0"}],
    "timestamp": "1703875200000",
    "hash": "0xb",
    "tick_size": "0.01",
    "min_order_size": "5",
    "neg_risk": False,
    "last_trade_price": "0.5",
}


def rows(message) -> list[dict]:
    """The rows of a message, without what they do not say."""
    told = [dict(zip(NAMES, row, strict=True)) for row in event_rows(message, 7, 9)]
    return [{k: v for k, v in row.items() if v is not None} for row in told]


def test_a_book_is_a_row_a_level_with_all_that_the_message_says():
    shared = {
        "received_at_ns": 7,
        "event_no": 9,
        "event_type": "book",
        "condition_id": "0xdd",
        "token_id": "71321",
        "tick_size": 0.01,
        "min_order_size": 5.0,
        "last_trade_price": 0.5,
        "hash": "0xb",
        "exchange_at_ms": 1703875200000,
    }
    assert rows(BOOK) == [
        shared | {"side": "BUY", "price": 0.49, "size": 350.0},
        shared | {"side": "BUY", "price": 0.5, "size": 200.0},
        shared | {"side": "SELL", "price": 0.51, "size": 150.0},
    ]


def test_an_empty_book_is_a_row_without_a_level():
    [row] = rows(BOOK | {"bids": [], "asks": []})
    assert row["token_id"] == "71321"
    assert "price" not in row


def test_each_change_of_a_message_is_a_row_and_zero_stays_zero():
    first, second = rows(NEW)
    assert (first["price"], first["size"], first["best_ask"]) == (0.48, 150.0, 0.52)
    assert (second["token_id"], second["side"], second["size"]) == ("2", "SELL", 0.0)
    assert first["event_no"] == second["event_no"] == 9


@pytest.mark.parametrize(
    "older",
    [
        {"event_type": "price_change", "market": "0xdd", "timestamp": "1703875201000"}
        | CHANGE,
        {
            "event_type": "price_change",
            "market": "0xdd",
            "timestamp": "1703875201000",
            "asset_id": "71321",
            "hash": "0xh",
            "changes": [
                {k: v for k, v in CHANGE.items() if k not in ("asset_id", "hash")}
            ],
        },
    ],
    ids=["flat", "changes"],
)
def test_the_older_schemas_of_a_change_say_the_same(older):
    assert rows(older) == rows(NEW | {"price_changes": [CHANGE]})


def test_trades_ticks_and_best_prices_are_read():
    common = {"market": "0xdd", "asset_id": "1", "timestamp": "5"}
    [trade] = rows(
        common
        | {"event_type": "last_trade_price", "price": "0.456", "size": "219.2"}
        | {"side": "SELL", "fee_rate_bps": "0", "transaction_hash": "0xt"}
    )
    assert (trade["price"], trade["size"], trade["side"]) == (0.456, 219.2, "SELL")
    assert (trade["fee_rate_bps"], trade["transaction_hash"]) == (0.0, "0xt")
    [tick] = rows(
        common
        | {"event_type": "tick_size_change"}
        | {"old_tick_size": "0.01", "new_tick_size": "0.001"}
    )
    assert (tick["old_tick_size"], tick["tick_size"]) == (0.01, 0.001)
    [best] = rows(
        common
        | {"event_type": "best_bid_ask"}
        | {"best_bid": "0.73", "best_ask": "0.77", "spread": "0.04"}
    )
    assert (best["best_bid"], best["best_ask"], best["spread"]) == (0.73, 0.77, 0.04)


def test_what_is_not_known_is_kept_whole_under_its_own_name():
    message = {"event_type": "new_market", "market": "0x9", "question": "Who?"}
    [row] = rows(message)
    assert (row["event_type"], row["condition_id"]) == ("new_market", "0x9")
    assert json.loads(row["raw"]) == message
    assert rows({"hello": 1})[0]["event_type"] == "unknown"
    assert rows([1])[0]["event_type"] == "malformed"


def test_a_key_that_is_not_known_is_kept_beside_the_rest():
    [first, _] = rows(NEW | {"sequence": 5})
    assert json.loads(first["extra"]) == {"sequence": 5}


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "much"},
        {"size": "inf"},
        {"size": None},
        {"side": "HOLD"},
        {"asset_id": 5},
    ],
)
def test_a_message_that_does_not_say_what_it_must_is_kept_whole(wrong):
    message = NEW | {"price_changes": [CHANGE, CHANGE | wrong]}
    [row] = rows(message)
    assert row["event_type"] == "price_change"
    assert "token_id" not in row
    assert json.loads(row["raw"]) == message


def test_a_frame_that_is_no_json_is_kept_up_to_a_bound():
    row = dict(zip(NAMES, malformed_row(b"\xff{" * 100_000, 7, 9), strict=True))
    assert row["event_type"] == "malformed"
    assert len(row["raw"]) == MOST_RAW


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner)
    ),
    max_leaves=8,
)
KEYS = (*BOOK, *NEW, *CHANGE, "changes", "new_tick_size", "old_tick_size", "spread")
KINDS = ("book", "price_change", "last_trade_price", "tick_size_change", "best_bid_ask")


@given(
    st.dictionaries(st.sampled_from(KEYS), json_values)
    | st.builds(
        lambda more, kind: more | {"event_type": kind},
        st.dictionaries(st.sampled_from(KEYS), json_values),
        st.sampled_from(KINDS),
    )
    | json_values
)
def test_whatever_comes_becomes_rows_of_the_schema(message):
    for one in messages_of(json.dumps(message).encode()):
        told = event_rows(one, 7, 9)
        assert told
        assert {len(row) for row in told} == {len(NAMES)}
        for row in told:
            for name, value in zip(NAMES, row, strict=True):
                if value is not None:
                    kind = DATASETS["book_events"].schema.field(name).type
                    assert isinstance(value, PYTHON[str(kind)]), (name, value)


PYTHON = {"int64": int, "string": str, "double": float}
