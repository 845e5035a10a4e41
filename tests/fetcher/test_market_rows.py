"""Gamma's and the CLOB's objects become typed rows, and nothing is lost on the way."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bronze import DATASETS
from bronze.field import snake_case
from bronze.markets import FIELDS
from fetcher.polymarket.catalogue_tables import token_ids
from fetcher.polymarket.market_rows import clob_market_row, event_row, market_row
from fetcher.polymarket.times import unix_seconds
from fetcher.polymarket.typed_rows import Misfit, arrow_table

REAL = Path(__file__).parents[2].parent / "shared" / "real"
BORAT = "borat14011-sudo__wom-polymarket-strategy"
NAUTILUS = "nautechsystems__nautilus_trader"
MARKET_FILES = (
    f"{BORAT}/gamma_markets_active_200.json.gz",
    f"{BORAT}/gamma_markets_by_condition_20.json.gz",
    f"{BORAT}/gamma_markets_legacy_500.json.gz",
    f"{BORAT}/gamma_markets_pages_600.json.gz",
    "bobaoxu2001__prediction-market-value-lab/fixtures/polymarket_markets.json.gz",
    "guzus__dr-manhattan/polymarket_markets.json.gz",
    f"{NAUTILUS}/gamma_market.json.gz",
    f"{NAUTILUS}/gamma_market_closed_nonbinary_legacy.json",
    f"{NAUTILUS}/gamma_market_closed_zero_zero_legacy.json",
    f"{NAUTILUS}/gamma_market_sports_market_map_handicap.json.gz",
    "Ligengxin96__polymarket-data-samples/BTC-5m-markets-2026-07-24.jsonl.gz",
)
EVENT_FILES = (f"{BORAT}/gamma_events_10.json.gz", "jm709__pscanner/event.json.gz")
BASE = {"id": "5", "conditionId": "0xab"}


def real(name: str) -> list[dict]:
    """The objects of a captured file, or a skip that says where they would lie."""
    path = REAL / name
    if not path.exists():
        pytest.skip(f"captured payloads are not here: {path}")
    content = path.read_bytes()
    text = (gzip.decompress(content) if name.endswith("gz") else content).decode()
    if "jsonl" in name:
        return [json.loads(line)["raw"] for line in text.splitlines() if line.strip()]
    value = json.loads(text)
    if isinstance(value, dict):
        value = [value] if name in EVENT_FILES else value.get("markets", [value])
    return [item.get("raw", item) for item in value]


@pytest.mark.parametrize("name", MARKET_FILES)
def test_real_markets_become_rows_with_every_value_kept(name):
    items = real(name)
    rows = [market_row(item) for item in items]
    table, rejected = arrow_table(DATASETS["markets"], rows)
    assert (table.num_rows, rejected) == (len(items), [])
    known = {field.key: field for field in FIELDS}
    for item, row in zip(items, rows, strict=True):
        assert "extra" not in row
        for key, value in item.items():
            if value in (None, "") or key == "events":
                continue
            kept = row[known[key].name]
            if isinstance(value, list | dict):
                assert json.loads(kept) == value
            elif isinstance(value, str) and value[:1] in "[{" and kept != value:
                assert json.loads(kept) == json.loads(value)
            elif not (isinstance(kept, str) and isinstance(value, int)):
                assert kept == value
        event = (item.get("events") or [{}])[0]
        assert row.get("event_id") == event.get("id")


@pytest.mark.parametrize("name", EVENT_FILES)
def test_real_events_become_rows_and_their_markets_too(name):
    events = [e for e in real(name) if "slug" in e]
    rows = [event_row(event) for event in events]
    table, rejected = arrow_table(DATASETS["events"], rows)
    assert (table.num_rows, rejected) == (len(events), [])
    assert all("extra" not in row and "markets" not in row for row in rows)
    for event in events:
        for item in event["markets"]:
            assert market_row(item, event=event)["event_slug"] == event["slug"]


def test_real_clob_markets_keep_blank_condition_ids_and_winners():
    items = json.loads(
        gzip.decompress((REAL / f"{BORAT}/clob_markets_page1.json.gz").read_bytes())
        if (REAL / BORAT).exists()
        else pytest.skip(f"captured payloads are not here: {REAL}")
    )["data"]
    rows = [clob_market_row(item) for item in items]
    table, rejected = arrow_table(DATASETS["clob_markets"], rows)
    assert (table.num_rows, rejected) == (1_000, [])
    assert sum(row["condition_id"] == "" for row in rows) == 54
    for item, row in zip(items, rows, strict=True):
        assert json.loads(row["tokens"]) == item["tokens"]


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("questionID", "question_id"),
        ("negRiskMarketID", "neg_risk_market_id"),
        ("clobTokenIds", "clob_token_ids"),
        ("volume24hrClob", "volume24hr_clob"),
        ("submitted_by", "submitted_by"),
    ],
)
def test_keys_become_snake_case(key, column):
    assert snake_case(key) == column


def test_numbers_are_doubles_and_volume_stays_the_text_it_is():
    row = market_row(BASE | {"volume": "79945.98", "volumeNum": 3, "spread": "0.5"})
    assert (row["volume"], row["volume_num"], row["spread"]) == ("79945.98", 3.0, 0.5)
    assert isinstance(row["volume_num"], float)
    assert event_row({"id": 7, "volume": 5})["volume"] == 5.0


def test_json_in_a_string_is_decoded_however_often_it_was_encoded():
    once = json.dumps(["Yes", "No"])
    for encoded in (
        ["Yes", "No"],
        once,
        json.dumps(once),
        json.dumps(json.dumps(once)),
    ):
        assert market_row(BASE | {"outcomes": encoded})["outcomes"] == '["Yes","No"]'


def test_text_that_is_no_json_stays_what_it_was():
    row = market_row(BASE | {"outcomes": "Yes|No", "shortOutcomes": "", "tags": "null"})
    assert row["outcomes"] == '"Yes|No"'
    assert row.get("short_outcomes") is None
    assert row.get("tags") is None


def test_token_ids_are_text_of_all_their_digits():
    token = (
        72690798903588392269001731007662425920353898908680709179939493847828858696064
    )
    row = market_row(BASE | {"clobTokenIds": f"[{token}, {token + 1}]"})
    assert token_ids(row) == [str(token), str(token + 1)]


def test_the_tokens_of_a_protocol_v2_market_are_its_position_ids():
    item = BASE | {
        "version": "v2",
        "clobTokenIds": '["1","2"]',
        "positionIds": ["3", "4"],
    }
    assert token_ids(market_row(item)) == ["3", "4"]
    assert token_ids(market_row(item | {"version": "v1"})) == ["1", "2"]
    assert token_ids(market_row(item | {"clobTokenIds": None, "version": None})) == [
        "3",
        "4",
    ]


def test_unknown_keys_are_kept_as_extra():
    row = market_row(BASE | {"novelty": {"a": [1]}, "question": "Q?"})
    assert json.loads(row["extra"]) == {"novelty": {"a": [1]}}


@pytest.mark.parametrize(
    "item",
    [
        "text", None, [], {}, {"id": None}, {"id": "x"}, {"id": "-3"}, {"id": True},
        BASE | {"closed": "yes"}, BASE | {"volumeNum": "many"},
        BASE | {"volumeNum": True}, BASE | {"question": {"a": 1}},
        BASE | {"slug": False}, BASE | {"liquidityNum": "1_000"},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_misfit_that_says_why(item):
    with pytest.raises(Misfit, match=r"\w"):
        market_row(item)


ODD = (
    None, True, False, 0, -1, 10**400, 1.5, float("inf"), "", " ", "x", "1e400",
    "\ud800", "null", "[1", '["a"]', [], ["a"], [[]], {}, {"a": {"b": 1}}, "\x00",
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from([field.key for field in FIELDS] + ["events", "unknown"]),
        st.sampled_from(ODD),
        max_size=8,
    )
)
def test_any_object_is_a_row_or_a_misfit(item):
    try:
        row = market_row(item | {"id": "9"})
    except Misfit:
        return
    table, rejected = arrow_table(DATASETS["markets"], [row])
    assert table.num_rows + len(rejected) == 1
    assert table.schema == DATASETS["markets"].schema


def test_a_row_that_arrow_refuses_does_not_take_the_others_with_it():
    rows = [{"id": "1"}, {"id": "2", "question": "\ud800"}, {"id": "3"}]
    table, rejected = arrow_table(DATASETS["markets"], rows)
    assert table["id"].to_pylist() == ["1", "3"]
    assert [one.place for one in rejected] == [1]


def test_only_content_changes_the_hash():
    item = BASE | {"question": "Q?", "updatedAt": "2026-01-01T00:00:00Z"}
    digest = market_row(item)["content_hash"]
    touched = item | {"updatedAt": "2026-01-02T00:00:00Z", "tags": [{"id": "1"}]}
    assert market_row(touched)["content_hash"] == digest
    assert market_row(dict(reversed(item.items())))["content_hash"] == digest
    assert market_row(item | {"question": "R?"})["content_hash"] != digest
    assert market_row(item | {"novelty": 1})["content_hash"] != digest


def test_prices_alone_change_no_clob_market_until_it_is_closed():
    def digest(price: float, closed: bool) -> str:
        tokens = [{"token_id": "1", "outcome": "Yes", "price": price, "winner": False}]
        item = {"condition_id": "0x1", "closed": closed, "tokens": tokens}
        return clob_market_row(item)["content_hash"]

    assert digest(0.4, False) == digest(0.5, False)
    assert digest(0.4, True) != digest(0.5, True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-07-24T00:00:16Z", 1784851216),
        ("2026-07-24 00:00:16+00", 1784851216),
        ("2026-07-24T00:00:16.939464Z", 1784851216),
        ("2026-07-24", 1784851200),
        ("2022-07-27 14:40:02.064+00", 1658932802),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_every_way_that_gamma_writes_a_time_is_read(text, seconds):
    assert unix_seconds(text) == seconds


def test_every_dataset_has_names_of_its_own_and_an_explanation_for_each_column():
    for name in ("markets", "events", "clob_markets"):
        columns = DATASETS[name].columns
        assert len({column.name for column in columns}) == len(columns)
        assert all(column.about for column in columns)
        assert isinstance(DATASETS[name].schema, pa.Schema)
