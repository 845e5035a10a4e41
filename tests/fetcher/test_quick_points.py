"""The quick way to read a history gives what the JSON reader gives, or nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.errors import UnexpectedPayload
from fetcher.polymarket.price_history import (
    FIRST_SECOND,
    LAST_SECOND,
    read_batch,
    read_points,
)
from fetcher.polymarket.quick_points import quick_points

T = 1_767_225_600
POINT = f'{{"t":{T},"p":0.5}}'


def quick(body: str):
    return quick_points(body.encode(), ["1", "2"], first=FIRST_SECOND, last=LAST_SECOND)


def of(*points: str) -> str:
    return f'{{"history":{{"1":[{",".join(points)}],"2":[]}}}}'


def test_what_the_service_writes_is_read_quickly():
    more = f'{{"t":{T + 60},"p":1e-05}}'
    assert quick(of(POINT, more)) == {"1": ([T, T + 60], [0.5, 1e-05]), "2": ([], [])}


@given(
    st.dictionaries(
        st.sampled_from(["1", "2"]),
        st.lists(
            st.tuples(
                st.integers(FIRST_SECOND, LAST_SECOND - 1),
                st.floats(allow_nan=False, allow_infinity=False),
            ),
            max_size=5,
        ),
    )
)
def test_both_readers_agree(histories):
    told = {k: [{"t": t, "p": p} for t, p in v] for k, v in histories.items()}
    body = json.dumps({"history": told}, separators=(",", ":"))
    found = quick(body)
    assert found is not None or not any(histories.values())
    for token, points in read_batch(body.encode(), ["1", "2"]).items():
        assert points == read_points(told.get(token))


@pytest.mark.parametrize(
    "body",
    [
        of(f'{{"t":{T}.5,"p":0.5}}'),
        of(f'{{"t":{T},"p":"0.5"}}'),
        of(f'{{"t":{T},"p":null}}'),
        of(f'{{"t":{T},"p":true}}'),
        of(f'{{"t":{T},"p":}}'),
        of(f'{{"t":{T},"p":1e999}}'),
        of(f'{{"p":0.5,"t":{T}}}'),
        of(f'{{"t":{T},"p":0.5,"v":1}}'),
        of(f'{{"t":{T},"p":0.5,0.6}}'),
        of(POINT, "null"),
        of('{"t":1,"p":0.5}'),
        of(POINT).replace('"2"', '"3"'),
        of(POINT).replace('"2"', '"1"'),
        of(POINT).replace("[]", "null"),
        of(POINT)[:-1],
        of(POINT).replace(":[", ": ["),
        "[]",
        "",
    ],
)
def test_what_is_written_otherwise_is_left_to_the_json_reader(body):
    assert quick(body) is None


def test_a_point_that_is_none_is_set_aside_beside_good_ones():
    points = read_batch(of(POINT, f'{{"t":{T},"p":"x"}}').encode(), ["1", "2"])["1"]
    assert (points.times, [m.reason for m in points.misfits]) == ([T], ["no price"])


def test_a_token_that_was_not_asked_for_is_an_error():
    with pytest.raises(UnexpectedPayload, match="not asked for"):
        read_batch(of(POINT).encode(), ["1"])
