"""Limits are counted always and enforced when asked; faults strike where told."""

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from sandbox.faults import NAMES
from sandbox.limits import PUBLISHED, Limits, groups_of

PATH = "/data/v2/trades"


def test_below_the_limit_all_pass_and_above_it_all_are_refused():
    limits = Limits("reject", 1)
    groups = groups_of(PATH, ("data_v2_trades",))
    waits = [limits.check("me", groups, 100 + i / 1000) for i in range(301)]
    assert waits == [0.0] * 300 + [None]
    assert limits.check("another", groups, 100.5) == 0.0
    assert limits.check("me", groups, 110.1) == 0.0


@given(st.lists(st.floats(0, 0.4), min_size=40, max_size=120))
def test_delay_lets_no_more_than_the_limit_through_in_any_ten_seconds(gaps):
    limits, now, at = Limits("delay", 0.1), 0.0, []
    for gap in gaps:
        now += gap
        wait = limits.check("me", ("data_v2_trades",), now)
        if wait is not None:
            at.append(now + wait)
    for first, later in zip(at, at[30:], strict=False):
        assert later - first >= 10 - 1e-9


def test_a_request_counts_against_every_group_it_belongs_to(start):
    asker = start(size="tiny")
    asker.get("/gamma/markets/keyset")
    asker.get("/gamma/events/keyset")
    asker.get(PATH)
    report = asker.box.requests()
    assert report["routes"] == {
        "GET /data/v2/trades": 1,
        "GET /gamma/events/keyset": 1,
        "GET /gamma/markets/keyset": 1,
    }
    totals = {name: group["total"] for name, group in report["groups"].items()}
    assert totals == {
        "all": 3, "gamma_all": 2, "gamma_markets": 1, "gamma_events": 1,
        "gamma_listings": 2, "data_v2_all": 1, "data_v2_trades": 1,
    }  # fmt: skip
    assert set(totals) <= set(PUBLISHED)


def test_refusals_have_no_retry_after_unless_told(start):
    asker = start(size="tiny", limits="reject", pace=0.01)
    answers = [asker.get(PATH) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "Retry-After" not in answers[-1].headers
    told = start(size="tiny", limits="reject", pace=0.01, retry_after=7)
    answers = [told.get(PATH) for _ in range(4)]
    assert answers[-1].headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("fault", "status"),
    [("429", 429), ("429-retry-after", 429), ("500", 500), ("503", 503)],
)
def test_a_scripted_fault_strikes_as_often_as_told_and_only_there(start, fault, status):
    asker = start(size="tiny")
    asker.box.fault(fault, path="^/data/v2/trades", times=2, skip=1)
    seen = [asker.get(PATH).status_code for _ in range(4)]
    assert seen == [200, status, status, 200]
    assert asker.get("/gamma/markets/keyset").status_code == 200


def test_a_503_says_when_to_come_back_and_a_429_may_not(start):
    asker = start(size="tiny")
    asker.box.fault("503", times=1)
    assert "Retry-After" in asker.get(PATH).headers
    asker.box.fault("429", times=1)
    assert "Retry-After" not in asker.get(PATH).headers


def test_bodies_arrive_broken_in_every_way(start):
    asker = start(size="tiny")
    whole = asker.get(PATH)

    def once(name):
        asker.box.fault(name, times=1)
        return asker.get(PATH)

    assert once("html").headers["Content-Type"] == "text/html"
    assert once("error-200").json() == {"error": "Too Many Requests"}
    with pytest.raises(requests.exceptions.JSONDecodeError):
        once("invalid-json").json()
    assert once("wrong-type").headers["Content-Type"] == "application/octet-stream"
    with pytest.raises(requests.exceptions.ConnectionError):
        once("reset")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        once("truncated")
    with pytest.raises(requests.exceptions.ContentDecodingError):
        once("bad-gzip")
    assert asker.get(PATH).content == whole.content


def test_a_timeout_never_answers(start):
    asker = start(size="tiny")
    asker.box.fault("timeout", times=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(asker.box.url(PATH), timeout=0.2)


def test_a_repeated_page_is_the_one_before(start):
    asker = start(size="tiny", cdn=False)
    page = asker.json(PATH, limit=5)
    asker.box.fault("repeated-page", times=1)
    cursor = page["pagination"]["next_cursor"]
    assert asker.json(PATH, cursor=cursor) == page


def test_a_cursor_may_be_refused_in_mid_walk(start):
    asker = start(size="tiny", cdn=False)
    asker.box.fault("invalid-cursor", times=1)
    cursor = asker.json(PATH, limit=5)["pagination"]["next_cursor"]
    asker.box.fault("invalid-cursor", times=1)
    assert asker.get(PATH, cursor=cursor).status_code == 400
    assert asker.get(PATH, cursor=cursor).status_code == 200


def test_filters_may_be_dropped_on_a_later_page(start):
    asker = start(size="tiny", cdn=False)
    condition = asker.trades()[0]["condition_id"]
    page = asker.json(PATH, condition=condition, taker_only="false", limit=3)
    asker.box.fault("filters-dropped", times=1)
    cursor = page["pagination"]["next_cursor"]
    mixed = asker.json(PATH, condition=condition, taker_only="false", cursor=cursor)
    assert mixed == asker.json(PATH, cursor=cursor)


def test_a_stale_page_comes_back_after_its_time(start):
    asker = start(size="small")
    first = asker.get(PATH)
    asker.box.advance(5_000)
    asker.box.fault("stale-page", times=1)
    stale = asker.get(PATH)
    assert stale.content == first.content
    assert int(stale.headers["age"]) == 5_000


def test_chance_is_seeded(start):
    def pattern():
        asker = start(size="tiny", faults=(("500", 0.4),), fault_seed=3)
        return [asker.get(PATH).status_code for _ in range(20)]

    assert pattern() == pattern()
    assert {200, 500} == set(pattern())


def test_an_unknown_fault_is_named(start):
    asker = start(size="tiny")
    answer = asker.post("/_sandbox/faults", {"fault": "gremlins"})
    assert answer.status_code == 400
    assert "gremlins" in answer.json()["error"]
    assert all(name in answer.json()["error"] for name in NAMES)


def test_answers_are_compressed_when_both_sides_want_it(start):
    asker = start(size="tiny", gzip=True)
    answer = asker.get(PATH)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.json()["data"]


def test_rows_change_as_told_and_only_there(start):
    asker = start(size="tiny", cdn=False)
    before = asker.json(PATH, limit=50)["data"]
    asker.box.drift("new", "venue", path=PATH, value=1)
    asker.box.drift("gone", "icon", path=PATH)
    asker.box.drift("retype", "price", path=PATH, p=0.5)
    now = asker.json(PATH, limit=50)["data"]
    assert all(row["venue"] == 1 and "icon" not in row for row in now)
    texts = [row for row in now if isinstance(row["price"], str)]
    assert 0 < len(texts) < len(now)
    assert [float(row["price"]) for row in now] == [row["price"] for row in before]
    assert asker.json(PATH, limit=50)["data"] == now  # the same rows every time
    assert "venue" not in asker.json("/gamma/markets/keyset")["markets"][0]
    asker.box.heal()
    assert asker.json(PATH, limit=50)["data"] == before
