"""Offset pages that shift while walked: nothing counts twice, caps are seen."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bronze.trades import TRADES
from fetcher.answer import Answer
from fetcher.errors import Gone, HostUnreachable, Refused, Retryable
from fetcher.polymarket.legacy_trades import (
    LegacySource,
    aligned,
    legacy_chain,
    walk_legacy,
)
from fetcher.polymarket.version import DataService, find_service
from settings.errors import PolylakeError

NOW = 1_790_000_000


class OldService:
    """`/trades` of Data API v1; before each page some news may come in."""

    def __init__(self, rows: int, *, cap: int | None = None, past: str = "400") -> None:
        self.rows = [(NOW - 10 * n, n) for n in range(rows)]
        self.cap, self.past = cap, past
        self.news: list[int] = []
        self.last: bytes | None = None
        self.asked = 0

    def load(self, path, params, parse, *, groups):
        asked = dict(params)
        assert asked["takerOnly"] == "false"
        for _ in range(self.news.pop(0) if self.news else 0):
            self.rows.insert(0, (NOW + len(self.rows), len(self.rows)))
        offset, limit = int(asked["offset"]), int(asked["limit"])
        self.asked += 1
        assert self.asked < 100
        if self.cap is not None and offset > self.cap:
            if self.past == "400":
                raise Refused("max historical trades offset exceeded", status=400)
            body = self.last
        else:
            body = json.dumps(
                [row(*one) for one in self.rows[offset : offset + min(limit, 500)]]
            ).encode()
        self.last = body
        return answer(body), parse(body)


def answer(body: bytes) -> Answer:
    return Answer(body, 200, None, None, "/trades", datetime(2026, 9, 1, tzinfo=UTC), 1)


def row(second: int, number: int) -> dict:
    return {
        "proxyWallet": "0xa",
        "side": "BUY",
        "asset": "1",
        "conditionId": "0xc",
        "size": 1,
        "price": 0.5,
        "timestamp": second,
        "transactionHash": f"0x{number}",
    }


def walked(service: OldService):
    source = LegacySource(service, DataService("v1", 60, 0.0, lambda: NOW), None)
    chain = legacy_chain("trades", ("0xc",), now=NOW)
    (batch,) = walk_legacy(source, chain)
    rows = batch.rows.get("trades", TRADES.schema.empty_table())
    (subject,) = [w for w in batch.rows["walks"].to_pylist() if w["kind"] == "subject"]
    assert batch.progress[0].scope == ()
    return rows["transaction_hash"].to_pylist(), subject


@given(st.integers(0, 2_300), st.lists(st.integers(0, 60), max_size=8))
@settings(max_examples=60, deadline=None)
def test_rows_that_shift_are_held_once(count, news):
    # quirk 1
    service = OldService(count)
    service.news = [0, *news]
    hashes, subject = walked(service)
    assert len(hashes) == len(set(hashes))
    if subject["outcome"] == "end":
        assert {f"0x{n}" for n in range(count)} <= set(hashes) | {"0x"}
    assert subject["rows_served"] == len(hashes)


@pytest.mark.parametrize("past", ["400", "repeat"])
def test_the_cap_is_recognised(past):
    # quirks 2 and 3
    hashes, subject = walked(OldService(5_000, cap=1_000, past=past))
    assert (subject["outcome"], subject["detail"]) == ("cap", "offset_cap")
    assert 1_000 < len(set(hashes)) == len(hashes) < 2_000


def test_a_page_size_that_the_service_clamps_is_not_the_end():
    service = OldService(1_700)
    hashes, subject = walked(service)
    assert len(hashes) == 1_700
    assert subject["outcome"] == "end"


rows = st.lists(st.integers(0, 3), min_size=1, max_size=12)


@given(rows, st.integers(0, 12), st.integers(1, 8))
def test_equal_rows_are_never_counted_more_often_than_they_are(tape, seen, length):
    start = max(0, min(seen, len(tape)) - length // 2)
    page = [(value,) for value in tape[start : start + length]]
    known = [(value,) for value in tape[:seen]]
    if not page:
        return
    new_from = aligned(known, page)
    if new_from is None:
        return
    together = [value for (value,) in known + page[new_from:]]
    for value in set(tape):
        assert together.count(value) <= tape.count(value)


class Versions:
    """A Data API whose versions are there, gone or broken."""

    def __init__(self, v2: Exception | None, v1: Exception | None = None) -> None:
        self.v2, self.v1 = v2, v1

    def load(self, path, params, parse, *, groups):
        if self.v2 is not None:
            raise self.v2
        body = b'{"data": [], "pagination": {"next_cursor": null}}'
        return answer(body), parse(body)

    def get(self, path, params=(), *, groups):
        if path.startswith("/v2"):
            raise Retryable("no status today")
        if self.v1 is not None:
            raise self.v1
        return answer(b"[]")


@pytest.mark.parametrize("status", [404, 410])
def test_v1_is_used_where_v2_is_gone(status):
    api = Versions(Gone("gone", status=status))
    assert find_service(api, "auto", lambda: NOW).version == "v1"


def test_a_broken_v2_is_never_a_reason_for_v1():
    with pytest.raises(Retryable):
        find_service(Versions(Retryable("503")), "auto", lambda: NOW)
    with pytest.raises(HostUnreachable):
        find_service(Versions(HostUnreachable("down", host="h")), "auto", lambda: NOW)


def test_both_gone_is_said_at_once():
    gone = Gone("gone", status=410)
    with pytest.raises(PolylakeError, match="neither as v2"):
        find_service(Versions(gone, gone), "auto", lambda: NOW)


def test_a_wanted_version_is_not_probed():
    api = Versions(Gone("gone", status=410))
    assert find_service(api, "v2", lambda: NOW).version == "v2"
    assert find_service(Versions(None), "v1", lambda: NOW).version == "v1"


def test_a_missing_status_is_tolerated():
    service = find_service(Versions(None), "auto", lambda: NOW)
    assert (service.version, service.lag_seconds) == ("v2", 60)
