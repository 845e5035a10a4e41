"""Paging through Gamma: every row once, and no silence taken for an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from fake_gamma import T0, FakeGamma, market
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.answer import Answer
from fetcher.errors import UnexpectedPayload
from fetcher.polymarket.gamma import (
    MARKETS,
    CursorRefused,
    FilterIgnored,
    Order,
    among,
    closed,
    ends_between,
    keyset_pages,
    one_object,
    row_number,
    started_between,
    volume_at_least,
)


class Scripted:
    """Answers with these bodies, one after the other."""

    def __init__(self, *bodies: object) -> None:
        self.bodies = list(bodies)
        self.asked: list[list[tuple[str, str]]] = []

    def get(self, path, params=(), *, groups):
        self.asked.append(list(params))
        body = json.dumps(self.bodies.pop(0)).encode()
        return Answer(body, 200, None, None, path, datetime.now(UTC), 1)


def rows(api, *filters, **more) -> list[dict]:
    pages = keyset_pages(api, MARKETS, filters, **more)
    return [row for page in pages for row in page.items]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 420))
def test_the_pages_give_every_row_once(count):
    gamma = FakeGamma([market(n) for n in range(1, count + 1)])
    assert [int(row["id"]) for row in rows(gamma, closed(False))] == list(
        range(1, count + 1)
    )
    assert len(gamma.asked) == count // 100 + 1


def test_the_cursor_goes_out_as_after_cursor_and_everything_else_stays():
    api = Scripted(
        {"markets": [{"id": "1"}], "next_cursor": "c1"}, {"markets": [{"id": "2"}]}
    )
    rows(api, closed(False), extra=[("include_tag", "true")])
    assert api.asked[1] == [*api.asked[0], ("after_cursor", "c1")]
    assert ("limit", "100") in api.asked[0]


def test_a_short_page_with_a_cursor_is_not_the_end():
    api = Scripted(
        {"markets": [{"id": "1"}], "next_cursor": "c1"},
        {"markets": [], "next_cursor": "c2"},
        {"markets": [{"id": "2"}]},
    )
    assert [row["id"] for row in rows(api)] == ["1", "2"]


def test_a_cursor_without_effect_ends_the_walk_with_an_error():
    gamma = FakeGamma([market(n) for n in range(1, 301)])
    gamma.ignored = {"after_cursor"}
    with pytest.raises(
        UnexpectedPayload,
        match=r"the cursor has no effect\. It answered: .*next run asks again",
    ):
        rows(gamma)
    assert len(gamma.asked) == 2


def test_a_cursor_that_names_itself_ends_the_walk_with_an_error():
    api = Scripted(
        {"markets": [{"id": "1"}], "next_cursor": "c"},
        {"markets": [{"id": "2"}], "next_cursor": "c"},
    )
    with pytest.raises(UnexpectedPayload, match="same cursor"):
        rows(api)


@pytest.mark.parametrize(
    ("ignored", "asked"),
    [
        ("closed", closed(True)),
        ("start_date_min", started_between(T0 + 10_000, None)),
        ("start_date_max", started_between(None, T0 + 10_000)),
        ("end_date_min", ends_between(T0, None)),
        ("id", among("id", "id", ["7"])),
        ("condition_ids", among("condition_ids", "conditionId", ["0x7"])),
        ("volume_num_min", volume_at_least(1_234_567.8)),
    ],
)
def test_each_filter_that_is_ignored_is_noticed_by_its_rows(ignored, asked):
    gamma = FakeGamma([market(n) for n in range(1, 50)])
    gamma.ignored = {ignored}
    with pytest.raises(FilterIgnored, match="the filter was ignored"):
        rows(gamma, asked)
    gamma.ignored = set()
    rows(gamma, asked)


def test_a_market_that_closes_while_its_listing_is_cached_is_kept():
    markets = [{"id": str(n), "closed": n % 10 == 0} for n in range(1, 51)]
    assert len(rows(Scripted({"markets": markets}), closed(False))) == 50
    assert rows(Scripted({"markets": [{"id": "1", "closed": True}]}), closed(False))
    markets[0]["closed"] = True
    with pytest.raises(FilterIgnored, match="6 of 50 rows"):
        rows(Scripted({"markets": markets}), closed(False))


def test_a_condition_id_that_comes_back_padded_is_the_one_asked_for():
    short = "0x" + "a" * 62
    api = Scripted({"markets": [{"id": "1", "conditionId": short.upper() + "00"}]})
    assert rows(api, among("condition_ids", "conditionId", [short]))


@pytest.mark.parametrize(
    "body",
    [[], {"data": []}, {"markets": None}, {"markets": [], "next_cursor": 5}, "x"],
)
def test_a_body_of_another_shape_is_unexpected(body):
    with pytest.raises(UnexpectedPayload):
        rows(Scripted(body))


def test_a_refused_cursor_is_told_from_a_refused_request():
    gamma = FakeGamma([market(n) for n in range(1, 201)])
    first = next(keyset_pages(gamma, MARKETS))
    gamma.refused_cursors = {first.next_cursor}
    with pytest.raises(CursorRefused):
        rows(gamma)


def test_one_object_is_found_by_id_and_slug_and_null_when_there_is_none():
    gamma = FakeGamma([market(5, closed=True)])
    assert one_object(gamma, MARKETS, "5")[1]["slug"] == "market-5"
    assert one_object(gamma, MARKETS, "market-5", by_slug=True)[1]["id"] == "5"
    assert one_object(gamma, MARKETS, "6") is None


def test_one_object_of_another_id_is_unexpected():
    with pytest.raises(UnexpectedPayload, match="market 6"):
        one_object(Scripted({"id": "5"}), MARKETS, "6")


def test_rows_without_a_value_do_not_break_an_order():
    order = Order("id", row_number)
    assert order.honoured_by([{"id": "9"}, {}, {"id": "3"}])
    assert not order.honoured_by([{"id": "3"}, {}, {"id": "9"}])
