"""What is read of a page by column is what the strict reader reads, or nothing is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bronze import DATASETS, clob_markets, events, markets
from bronze.field import Kind
from fetcher.polymarket.market_rows import (
    clob_market_columns,
    clob_market_digest,
    clob_market_row,
    event_columns,
    event_digest,
    event_row,
    market_columns,
    market_digest,
    market_row,
)
from fetcher.polymarket.page_columns import table_of
from fetcher.polymarket.typed_rows import Misfit, arrow_table

WAYS = {
    "markets": (market_row, market_digest, market_columns, markets.FIELDS),
    "events": (event_row, event_digest, event_columns, events.FIELDS),
    "clob_markets": (
        clob_market_row, clob_market_digest, clob_market_columns, clob_markets.FIELDS,
    ),
}  # fmt: skip
ORDINARY = {
    Kind.TEXT: ("", "x", "0xAb", "naïve “°”\n\x00", ".48", "2026-01-22T00:01:27.7Z"),
    Kind.NUMBER: (0, 1.5, -3, 0.1 + 0.2, -0.0, 2**53 + 1, 5e-324, 1e300),
    Kind.FLAG: (True, False),
    Kind.JSON: (
        '["Yes", "No"]', '["0.5","0.5"]', '["1", "2"]', "[]", '[ "a"]', '["a\\"b", ""]',
        '["é", "b"]', [], {"b": 1, "a": [None]}, '[1, "2"]', '["1", 2]', " ", "[1.50]",
    ),
}  # fmt: skip
ODD = (
    None, True, 0, 10**400, 2**70, float("inf"), float("nan"), -1e308, 1e308, "", " ",
    ".48", "1e400", "1_0", "\ud800", "null", "[1", '["a"]', '"[\\"a\\"]"', [], ["a"],
    [5, "6"], {"a": {"b": 1}}, [{"id": 7, "slug": False}], "7",
)  # fmt: skip


def both(name, items, **more):
    """The table that is read by column, and the strict one; null for either's no."""
    row, digest, columns, _ = WAYS[name]
    told = [digest(one) if isinstance(one, dict) else "" for one in items]
    found = columns(items, told, **more)
    quick = None if found is None else table_of(DATASETS[name], found, len(items))
    try:
        rows = [row(item) for item in items]
    except Misfit:
        return quick, None
    table, rejected = arrow_table(DATASETS[name], rows)
    return quick, None if rejected else table


def rows_as_said(table):
    """Rows to compare: a number by its bits, so that -0.0 is not 0.0."""
    return [
        {k: v.hex() if isinstance(v, float) else v for k, v in row.items()}
        for row in table.to_pylist()
    ]


def ordinary(name):
    """Objects as the service writes them, a key here and there not there at all."""
    pairs = [
        (field.key, value)
        for field in WAYS[name][3]
        if field.key != "id"
        for value in (*ORDINARY[field.kind], None)
    ]
    some = st.lists(st.sampled_from([*pairs, ("novelty", {"a": 1})]), max_size=12)
    return some.map(lambda chosen: {"id": "7"} | dict(chosen))


@pytest.mark.parametrize("name", WAYS)
@given(data=st.data())
def test_objects_as_the_service_writes_them_are_read_by_column(name, data):
    items = data.draw(st.lists(ordinary(name), min_size=1, max_size=3))
    quick, strict = both(name, items)
    assert strict is None or quick is not None
    assert strict is None or rows_as_said(quick) == rows_as_said(strict)


@pytest.mark.parametrize("name", WAYS)
@given(data=st.data())
def test_a_page_is_read_as_the_strict_reader_reads_it_or_left_to_it(name, data):
    keys = st.sampled_from(
        [f.key for f in WAYS[name][3]] + ["id", "events", "markets", "novelty", "extra"]
    )
    odd = st.dictionaries(keys, st.sampled_from(ODD), max_size=6)
    one = st.tuples(ordinary(name), odd).map(lambda pair: pair[0] | pair[1])
    items = data.draw(st.lists(one | st.sampled_from(ODD), min_size=1, max_size=3))
    quick, strict = both(name, items)
    if quick is not None:
        assert strict is not None
        assert rows_as_said(quick) == rows_as_said(strict)


KEYS = ("id", "question", "volumeNum", "closed", "outcomes", "clobTokenIds", "novelty")
VALUES = (*ODD, *(value for kind in ORDINARY.values() for value in kind))


@pytest.mark.parametrize("key", KEYS)
def test_every_odd_value_beside_ordinary_ones_is_read_strictly_or_alike(key):
    for value in VALUES:
        for other in ({}, {"volumeNum": 1.5, "closed": True, "question": "Q?"}):
            items = [{"id": "1", key: value}, {"id": "2"} | other]
            quick, strict = both("markets", items)
            if quick is not None:
                assert strict is not None, value
                assert rows_as_said(quick) == rows_as_said(strict), value


@pytest.mark.parametrize(
    "text",
    [
        '["Yes", "No"]', '["a" , "b"]', '["a","b" ]', '["a",  "b"]', '["", "", ", "]',
        '["1", 2]', '["1"]', "[]", "[ ]", '["a"', '[""', '["a", ]', '["a",]', '"[]"',
        '["\\u0041", "B"]', '["½", "No"]', "[\"a', 'b\"]", '["a","b"]\n',
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["outcomes", "clobTokenIds"])
def test_a_list_in_a_string_comes_out_as_it_does_of_the_strict_reader(key, text):
    quick, strict = both("markets", [{"id": "1", key: text}, {"id": "2", key: text}])
    assert quick.equals(strict)


def test_markets_of_an_event_are_named_after_it():
    items = [{"id": "1"}, {"id": "2", "events": [{"id": 9, "slug": "other"}]}]
    event = {"id": 5, "slug": "theirs"}
    digests = [market_digest(item, event=event) for item in items]
    columns = market_columns(items, digests, events=[event] * 2)
    rows = [market_row(item, event=event) for item in items]
    strict, _ = arrow_table(DATASETS["markets"], rows)
    assert table_of(DATASETS["markets"], columns, 2).equals(strict)


def test_a_digest_is_the_one_that_lakes_hold_already():
    item = {"b": [{"y": 1, "x": None}], "a": "é", "n": None, "updatedAt": "now"}
    assert market_digest(item) == "a543c77021b8330e2b722b0f2761b448"
