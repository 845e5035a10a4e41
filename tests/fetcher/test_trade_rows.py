"""A page of trades becomes a table exactly, or its rows are set aside with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bronze.trades import IDENTITY, TAKER_TRADES, TRADES
from fetcher.errors import UnexpectedPayload
from fetcher.polymarket import trade_rows
from fetcher.polymarket.trade_layout import V1_NAMES
from fetcher.polymarket.trade_rows import Lineage, read_page
from lake import quarantine
from lake.storage import LocalStorage

TRADE = {
    "proxy_wallet": "0x379a410a36c101e3b8dfb6c90d1176eb0def4b1a",
    "side": "BUY",
    # quirk 23: far beyond 64 bits
    "token_id": "1125629529365558196687378264287549789795569205059905577476113485",
    "condition_id": "0x571aafcdc9d3549ac260d5f956adc4ae57d9ace63575abd99db58ba0130",
    "size": 22.84,
    "price": 0.52,
    "timestamp": 1789381477,
    "title": "Will it be between 100-101°F — 🌡?",
    "slug": "highest-temperature",
    "icon": "",
    "event_slug": "",
    "outcome": "Yes",
    "outcome_index": 999,
    "name": "",
    "pseudonym": "Scary-Barrel",
    "bio": "",
    "profile_image": "",
    "profile_image_optimized": "",
    "transaction_hash": "0x7958c0638f1b7ab12d0e3c762a6a2d3fe98edb3f748d0bcbe12adae1",
}
LINEAGE = Lineage("m1", 4, datetime(2026, 9, 14, tzinfo=UTC))


def body(*rows, cursor=None) -> bytes:
    paging = {"limit": 1000, "offset": 0, "has_more": cursor is not None}
    answer = {"data": list(rows), "pagination": {**paging, "next_cursor": cursor}}
    return json.dumps(answer, ensure_ascii=False).encode()


def without(key: str) -> dict:
    return {k: v for k, v in TRADE.items() if k != key}


def test_a_row_keeps_every_value_as_it_was_said():
    page = read_page(body(TRADE, cursor="c"))
    (row,) = page.table(TRADES, LINEAGE).to_pylist()
    assert {key: row[key] for key in TRADE} == TRADE
    assert (row["walk_id"], row["page_no"], row["row_no"]) == ("m1", 4, 0)
    assert (page.next_cursor, page.has_more, page.served) == ("c", True, 1)


def test_the_takers_table_has_the_identity_only():
    table = read_page(body(TRADE)).table(TAKER_TRADES, LINEAGE)
    assert table.schema.equals(TAKER_TRADES.schema)


def test_an_unknown_key_goes_to_extra_whole():
    # quirk 25: a field added tomorrow is kept from the first day
    page = read_page(body(TRADE, {**TRADE, "fee": {"rate": [0.1, "x"]}}))
    plain, new = page.table(TRADES, LINEAGE).to_pylist()
    assert plain["extra"] is None
    assert json.loads(new["extra"]) == {"fee": {"rate": [0.1, "x"]}}
    assert new["size"] == 22.84


def test_a_missing_description_is_null():
    # quirk 25
    (row,) = read_page(body(without("bio"))).table(TRADES, LINEAGE).to_pylist()
    assert row["bio"] is None


def test_a_description_of_another_type_is_kept_beside_the_row():
    page = read_page(body({**TRADE, "title": 5, "outcome_index": "1"}))
    (row,) = page.table(TRADES, LINEAGE).to_pylist()
    assert (row["title"], row["outcome_index"]) == (None, None)
    assert json.loads(row["extra"]) == {"outcome_index": "1", "title": 5}


@pytest.mark.parametrize("column", [column.name for column in IDENTITY])
def test_a_row_without_its_identity_is_set_aside_and_the_others_are_not(column):
    page = read_page(body(TRADE, without(column), TRADE))
    assert page.served == 3
    assert page.table(TRADES, LINEAGE)["row_no"].to_pylist() == [0, 2]
    (misfit,) = page.misfits
    assert misfit.reason == f"{column} is missing"
    assert json.loads(misfit.raw) == without(column)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("size", "22.84"),
        ("size", float("nan")),
        ("size", 10**400),
        ("size", 2**256 - 1),
        ("size", -1.1e12),
        ("price", 1.1e12),
        ("price", True),
        ("timestamp", 1789381477.5),
        ("timestamp", 1789381477000),
        ("timestamp", -1),
        ("token_id", 1234),
        ("condition_id", ""),
        ("side", None),
        ("transaction_hash", ["0x"]),
    ],
)
def test_a_row_that_does_not_fit_is_set_aside(column, value):
    page = read_page(body({**TRADE, column: value}, TRADE))
    assert len(page.misfits) == 1
    assert page.rows.num_rows == 1


def test_what_is_no_object_is_set_aside():
    page = read_page(body(None, [1], "x", TRADE))
    assert [misfit.row_no for misfit in page.misfits] == [0, 1, 2]


def test_combo_ids_of_62_digits_are_ids():
    # quirk 14
    combo = {**TRADE, "condition_id": "0x" + "ab" * 31, "slug": "", "outcome": ""}
    assert read_page(body(combo)).counts() == {"0x" + "ab" * 31: 1}


def test_equal_rows_stay_apart():
    # quirk 7
    assert read_page(body(TRADE, TRADE, TRADE)).rows.num_rows == 3


def test_half_of_a_surrogate_pair_does_not_stop_the_page():
    text = body({**TRADE, "name": "x"}).replace(b'"x"', b'"\\ud83d"')
    (row,) = read_page(text).table(TRADES, LINEAGE).to_pylist()
    assert set(row["name"]) == {"\N{REPLACEMENT CHARACTER}"}


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"{}",
        b'{"data": {}}',
        b'{"data": [], "pagination": {"next_cursor": 5}}',
        b'"rate limited"',
        b'{"data": [',
        b'{"error": "Too Many Requests"}',  # quirk 46
        b'{"data": []} {"data": []}',
    ],
)
def test_what_is_no_page_is_said_to_be_none(text):
    with pytest.raises(UnexpectedPayload, match="no page of trades"):
        read_page(text)


def test_v1_says_the_same_under_other_names():
    v1 = {V1_NAMES.get(key, key): value for key, value in TRADE.items()}
    page = read_page(json.dumps([v1, {**v1, "isCombo": True}]).encode(), "v1")
    first, second = page.table(TRADES, LINEAGE).to_pylist()
    assert {key: first[key] for key in TRADE} == TRADE
    assert json.loads(second["extra"]) == {"isCombo": True}
    assert page.next_cursor is None


def test_a_window_takes_the_first_second_and_leaves_the_last():
    rows = [{**TRADE, "timestamp": 1789381477 - n} for n in range(5)]
    kept = read_page(body(*rows)).between(1789381474, 1789381477)
    assert kept.rows["timestamp"].to_pylist() == [1789381476, 1789381475, 1789381474]
    assert kept.table(TRADES, LINEAGE)["row_no"].to_pylist() == [1, 2, 3]


text = st.text(max_size=8)
trades = st.fixed_dictionaries(
    {
        **{key: text for key, value in TRADE.items() if isinstance(value, str)},
        "condition_id": st.sampled_from(["0xA", "0xb"]),
        "size": st.floats(0, 1e9) | st.integers(0, 10**9),
        "price": st.floats(0, 1),
        "timestamp": st.integers(1_600_000_000, 1_900_000_000),
        "outcome_index": st.integers(0, 999),
    }
)


@given(st.lists(trades, max_size=5))
def test_the_strict_and_the_patient_reader_agree(rows):
    strict = read_page(body(*rows))
    assert strict.extra is None
    patient = read_page(body(*rows, {"bad": 1}))
    assert len(patient.misfits) == 1
    assert strict.rows.equals(patient.rows)
    for row, read in zip(rows, strict.rows.to_pylist(), strict=True):
        assert read == row


def test_the_usual_page_makes_no_dict_of_a_row(monkeypatch):
    def never(*_: object) -> None:
        raise AssertionError("read row by row")

    monkeypatch.setattr(trade_rows, "_loosely", never)
    assert read_page(body(*[TRADE] * 1000)).served == 1000


def test_rows_set_aside_are_durable_with_reason_and_raw_text(tmp_path):
    storage = LocalStorage(tmp_path)
    misfits = read_page(body(without("price"))).misfits
    name = quarantine.set_aside(
        storage,
        "trades",
        misfits,
        walk_id="m1",
        page_no=4,
        request="/v2/trades?limit=1",
        fetched_at=LINEAGE.fetched_at,
    )
    (line,) = (tmp_path / name).read_text("utf-8").splitlines()
    kept = json.loads(line)
    assert name.startswith("_quarantine/trades/")
    assert kept["reason"] == "price is missing"
    assert json.loads(kept["raw"]) == without("price")
    assert quarantine.count(storage, "trades") == 1


def test_a_page_fits_its_dataset_also_when_it_is_empty():
    table = read_page(body()).table(TRADES, LINEAGE)
    assert table.schema.equals(TRADES.schema)
    assert isinstance(table, pa.Table)
    assert read_page(body()).oldest is None
