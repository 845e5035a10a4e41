"""The exchange's totals are read for the wanted markets, and nothing is made up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.answer import Answer
from fetcher.errors import UnexpectedPayload
from fetcher.polymarket.totals import parse_totals, read_totals, totals_requests
from fetcher.polymarket.version import DataService, find_service, read_status

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Service:
    def __init__(self, body: dict) -> None:
        self.body = json.dumps(body).encode()
        self.asked: list = []

    def load(self, path, params, parse, *, groups):
        self.asked.append((path, dict(params), groups))
        answer = Answer(self.body, 200, 120, "t", path, NOW, 1)
        return answer, parse(self.body)


def total(condition: str, volume: object) -> dict:
    return {"condition_id": condition, "taker_volume": volume}


def test_the_wanted_markets_totals_are_kept_with_their_event():
    # quirk 42: the total is in shares, one-sided; it is stored as it was said
    body = {"data": {"conditions": [total("0xA", 5), total("0xb", 1.5)]}}
    api = Service(body)
    service = DataService("v2", 4, 0.0, NOW.timestamp)
    batch = read_totals(api, service, {"7": {"0xa"}, "8": {"0xc"}})
    (row,) = batch.rows["live_volume"].to_pylist()
    assert (row["event_id"], row["condition_id"]) == ("7", "0xA")
    assert (row["taker_volume"], row["age_seconds"]) == (5.0, 120)
    assert api.asked == [("/v2/live-volume", {"event_id": "7,8"}, ("data_v2_all",))]


def test_a_total_is_dated_by_the_exchanges_clock():
    body = {"data": {"conditions": [total("0xa", 5)]}}
    service = DataService("v2", 4, 3_600.0, NOW.timestamp, slack=20.0)
    batch = read_totals(Service(body), service, {"7": {"0xa"}})
    (row,) = batch.rows["live_volume"].to_pylist()
    assert row["fetched_at"].timestamp() == NOW.timestamp() + 3_620


def test_a_market_without_a_number_has_no_total():
    body = {"data": {"conditions": [total("0xa", None), total("0xb", 0)]}}
    assert parse_totals(json.dumps(body).encode()).keys() == {"0xb"}


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data": 5}', b"x"])
def test_what_is_no_totals_is_said_to_be_none(body):
    with pytest.raises(UnexpectedPayload):
        parse_totals(body)


@given(st.sets(st.integers(0, 10_000).map(str), max_size=100))
def test_every_event_is_asked_once_twenty_at_a_time(events):
    parts = list(totals_requests({event: {"0xa"} for event in events}))
    assert sorted(event for part in parts for event in part) == sorted(events)
    assert all(len(part) <= 20 for part in parts)
    assert len(parts) == -(-len(events) // 20)


def test_the_status_names_lag_and_clock():
    # quirk 13
    status = {
        "computed_at": "2026-11-21T00:00:10Z",
        "age_seconds": 24,
        "serving": {
            "lag_seconds": 4,
            "mechanisms": [{"name": "activity_feed", "age_seconds": 9}],
        },
    }
    lag, skew, slack = read_status({"data": status}, asked_at=NOW.timestamp())
    assert (lag, skew, slack) == (10, 10.0, 24.0)


@pytest.mark.parametrize("value", [None, {}, {"data": None}, {"data": {"serving": 5}}])
def test_a_status_that_says_nothing_counts_as_a_slow_minute(value):
    assert read_status(value, asked_at=0.0) == (60, 0.0, 0.0)


@pytest.mark.parametrize(("date", "computed"), [(0, 3_600), (3_600, 0), (0, 0)])
def test_of_two_clocks_of_the_exchange_that_differ_the_earlier_counts(date, computed):
    at = [NOW + timedelta(seconds=seconds) for seconds in (date, computed)]
    body = {"data": {"computed_at": at[1].isoformat(), "serving": {"lag_seconds": 1}}}

    class Exchange:
        def get(self, path, params=(), *, groups):
            answer = Answer(json.dumps(body).encode(), 200, None, None, path, NOW, 1)
            return replace(answer, served_at=at[0])

    service = find_service(Exchange(), "v2", NOW.timestamp)
    assert service.now() == NOW.timestamp()
    assert service.latest() >= NOW.timestamp() + computed
