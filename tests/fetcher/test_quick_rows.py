"""What polars reads of a page is what it says, or is left to others."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.polymarket.quick_rows import Shape, quick_rows

ROW = pa.schema(
    [("a", pa.string()), ("b", pa.string()), ("x", pa.float64()), ("n", pa.int64())]
)
SHAPE = Shape(ROW, is_paged=True)
GOOD = {"a": "one", "b": "", "x": 0.07, "n": 3}
PAGING = {"limit": 2, "offset": 0, "has_more": True, "next_cursor": "c"}


def body(*rows, paging=PAGING, **more) -> bytes:
    whole = {"data": list(rows), "pagination": paging, **more}
    return compact(whole)


def compact(value) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def test_rows_of_exactly_this_shape_are_read():
    last = {**PAGING, "has_more": False, "next_cursor": None}
    for paging in (PAGING, last):
        rows, said = quick_rows(body(GOOD, {**GOOD, "x": 1}, paging=paging), SHAPE)
        assert rows.schema.equals(ROW)
        assert rows.to_pylist() == [GOOD, {**GOOD, "x": 1.0}]
        assert said == paging
    bare = Shape(ROW, is_paged=False)
    assert quick_rows(compact({"data": [GOOD]}), bare)[0].to_pylist() == [GOOD]


@pytest.mark.parametrize(
    "row",
    [
        {**GOOD, "new": 1},
        {**GOOD, "new": "text"},
        {**GOOD, "new": None},
        {**GOOD, "new": {"b": ["x"]}},
        {key: value for key, value in GOOD.items() if key != "b"},
        {"a": "one", "x": 0.07, "n": 3, "new": 1},
        {**GOOD, "a": 5},
        {**GOOD, "a": True},
        {**GOOD, "a": ["one"]},
        {**GOOD, "a": {}},
        {**GOOD, "a": None},
        {**GOOD, "x": "0.07"},
        {**GOOD, "x": True},
        {**GOOD, "n": 3.5},
        {**GOOD, "n": False},
        {**GOOD, "n": 2**53 + 1},
        {**GOOD, "n": 10**30},
        {**GOOD, "a": 5, "new": 1},
        {**GOOD, "a": 5, "x": "0.07"},
        {**GOOD, "a": ":x"},
        None,
        [],
    ],
)
def test_a_row_of_another_shape_is_left_to_others(row):
    assert quick_rows(body(GOOD, row, GOOD), SHAPE) is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"data":[]}',
        body(),
        body(GOOD)[:-1],
        body(GOOD) + b"x",
        body(GOOD, new=1),
        body(GOOD, paging=None),
        body(GOOD, paging={**PAGING, "has_more": 1}),
        body(GOOD, paging={**PAGING, "next_cursor": 5}),
        body(GOOD).replace(b'"n":3', b'"n":3,"n":3'),
        body(GOOD).replace(b'"n":3', b'"n":3,"new" :1'),
        body(GOOD).replace(b'"n":3', b'"n": true'),
        body(GOOD).replace(b"one", b"\\ud83c"),
        body(GOOD).replace(b"one", b"o\xffe"),
    ],
)
def test_an_answer_of_another_shape_is_left_to_others(text):
    assert quick_rows(text, SHAPE) is None


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "a": st.text(alphabet='ab"\\:,{}[] \n\téü🌡'),
                "b": st.text(),
                "x": st.floats(allow_nan=False, allow_infinity=False),
                "n": st.integers(-(2**53), 2**53),
            }
        ),
        min_size=1,
    ),
    st.booleans(),
)
def test_whatever_is_read_is_what_was_said(rows, ascii_only):
    whole = {"data": rows, "pagination": PAGING}
    text = json.dumps(whole, ensure_ascii=ascii_only, separators=(",", ":"))
    found = quick_rows(text.encode("utf-8", "surrogatepass"), SHAPE)
    if found is not None:
        assert found[0].to_pylist() == rows


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=4,
    ),
    st.sampled_from(["a", "b", "x", "n", "new"]),
)
def test_no_value_is_bent(value, key):
    row = {**GOOD, key: value}
    found = quick_rows(body(GOOD, row), SHAPE)
    if found is not None:
        row["x"] = float(row["x"])  # the nearest double, as any reader has it
        assert found[0].to_pylist() == [GOOD, row]
