"""A full pass brings every market and event, whatever the listings do meanwhile."""

from __future__ import annotations

import json
import random

import pytest
from catalogue_rig import Rig
from fake_gamma import SPACING, T0, FakeClob, FakeGamma, clob_market, event, iso, market
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetcher.errors import Retryable
from fetcher.polymarket.events import fetch_events
from fetcher.polymarket.gamma import MARKETS
from fetcher.polymarket.markets import fetch_markets
from fetcher.polymarket.slices import SlicedListing, part_of
from lake.batch import Batch

NOW = T0 + 10_000_000


def fetch(rig: Rig, gamma: FakeGamma, clob: FakeClob | None = None, **options):
    with rig.run(gamma, clob or FakeClob(), clock=lambda: NOW, **options) as run:
        fetch_markets(run)
    return run


def ids(rig: Rig, dataset: str = "markets") -> set[int]:
    return {int(number) for number in rig.latest(dataset)}


def many(count: int, seed: int = 1) -> list[dict]:
    """Markets of all kinds: clustered starts, none, open and closed, dense ids."""
    chance = random.Random(seed)
    return [
        market(
            number,
            closed=chance.random() < 0.6,
            startDate=None if chance.random() < 0.1
            else iso(T0 + int(chance.paretovariate(0.3) * 100) % 9_000_000),
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def test_open_and_closed_markets_with_and_without_a_start_are_all_stored(tmp_path):
    rig = Rig(tmp_path)
    fetch(rig, FakeGamma(many(2_500)))
    assert ids(rig) == set(range(1, 2_501))
    assert len(rig.lake.rows("markets")) == 2_500


def test_a_large_listing_is_read_by_several_threads_in_slices(tmp_path):
    rig, gamma = Rig(tmp_path), FakeGamma(many(3_000))
    fetch(rig, gamma)
    filters = {row["filter"] for row in rig.lake.rows("walks") if row["key"]}
    assert len(filters) > 8
    listing = [r for r in gamma.asked if r.startswith("/markets/keyset")]
    assert len(listing) < 2 * 30 + 20
    assert ids(rig) == set(range(1, 3_001))


def test_a_small_listing_costs_one_request_a_half_and_the_news_after_it(tmp_path):
    rig, gamma = Rig(tmp_path), FakeGamma(many(50), [event(1)])
    fetch(rig, gamma)
    assert len([r for r in gamma.asked if r.startswith("/markets/keyset")]) == 2 + 3
    assert len([r for r in gamma.asked if r.startswith("/events/keyset")]) == 2


def test_a_last_page_that_is_exactly_full_ends_the_walk(tmp_path):
    rig = Rig(tmp_path)
    fetch(rig, FakeGamma([market(n) for n in range(1, 201)]))
    assert ids(rig) == set(range(1, 201))


def test_a_market_that_is_in_no_listing_is_found_by_the_slug_of_the_order_book(
    tmp_path,
):
    gamma = FakeGamma([market(1), market(2, closed=True, active=False), market(900)])
    gamma.hidden = {"2"}
    rig = Rig(tmp_path)
    fetch(rig, gamma, FakeClob([clob_market(n) for n in (1, 2)]))
    assert 2 in ids(rig)
    unlisted = [r for r in rig.lake.rows("walks") if r["strategy"] == "unlisted"]
    assert json.loads(unlisted[0]["detail"]) == [2]


def test_a_market_that_only_a_gap_in_the_ids_hints_at_is_asked_for_once(tmp_path):
    gamma = FakeGamma([market(n) for n in (1, 2, 3, 6, 20)])
    gamma.hidden = {"3"}
    rig = Rig(tmp_path)
    fetch(rig, gamma)
    assert ids(rig) == {1, 2, 3, 6, 20}
    singles = [r for r in gamma.asked if r in ("/markets/4", "/markets/5")]
    assert sorted(singles) == ["/markets/4", "/markets/5"]
    gamma.asked.clear()
    fetch(rig, gamma, full=True)
    assert not {"/markets/4", "/markets/5"} & set(gamma.asked)


def test_an_open_market_that_vanished_from_the_listings_is_asked_for_by_id(tmp_path):
    gamma = FakeGamma([market(n) for n in range(1, 6)])
    rig = Rig(tmp_path)
    fetch(rig, gamma)
    gamma.hidden = {"4"}
    gamma.markets[3] |= {"closed": True, "updatedAt": iso(NOW)}
    fetch(rig, gamma, full=True)
    assert rig.latest("markets")["4"]["closed"] is True


def test_a_market_that_is_settled_while_the_open_ones_are_read_is_met(tmp_path):
    gamma = FakeGamma([market(n) for n in range(1, 351)])
    closing = gamma.markets[300]

    def settle(request: str) -> None:
        if "after_cursor" in request and "closed=false" in request:
            closing.update(closed=True, closedTime="2026-11-20 00:00:00+00")

    gamma.on_ask = settle
    rig = Rig(tmp_path, workers=1)
    fetch(rig, gamma)
    assert rig.latest("markets")["301"]["closed"] is True
    assert ids(rig) == set(range(1, 351))


def test_markets_embedded_in_events_are_stored_even_if_their_listing_omits_them(
    tmp_path,
):
    hidden = market(7, closed=True)
    gamma = FakeGamma([market(1), hidden], [event(70, [hidden])])
    gamma.hidden = {"7"}
    rig = Rig(tmp_path)
    fetch(rig, gamma)
    assert rig.latest("markets")["7"]["event_id"] == "70"
    assert rig.latest("markets")["7"]["event_slug"] == "event-70"
    assert "markets" not in rig.latest("events")["70"]


@pytest.mark.parametrize("ignored", ["start_date_min", "order"])
def test_a_slice_whose_filter_or_order_is_ignored_is_noticed_and_nothing_lost(
    tmp_path, ignored
):
    gamma = FakeGamma(many(1_500))
    gamma.ignored = {ignored}
    rig = Rig(tmp_path)
    run = fetch(rig, gamma)
    assert any("ignored" in failure.why for failure in run.tally.failures())
    assert ids(rig) == set(range(1, 1_501))


def test_a_closed_filter_that_is_ignored_fails_the_pass(tmp_path):
    gamma = FakeGamma(many(300))
    gamma.ignored = {"closed"}
    rig = Rig(tmp_path)
    run = fetch(rig, gamma)
    assert any("the filter was ignored" in f.why for f in run.tally.failures())
    assert "markets_open" not in rig.lake.cursor.values


def test_a_refused_cursor_goes_on_from_the_last_row(tmp_path):
    gamma = FakeGamma([market(n) for n in range(1, 951)])
    refused: list[str] = []

    def refuse(request: str) -> None:
        if "after_cursor" in request and "/markets/" in request and not refused:
            cursor = request.partition("after_cursor=")[2].replace("%3D", "=")
            refused.append(cursor)
            gamma.refused_cursors.add(cursor)

    gamma.on_ask = refuse
    rig = Rig(tmp_path, workers=1)
    fetch(rig, gamma)
    assert refused
    assert ids(rig) == set(range(1, 951))


def test_content_that_did_not_change_is_not_stored_again(tmp_path):
    markets = many(400)
    gamma = FakeGamma(
        markets, [event(n, markets[n * 5 : n * 5 + 5]) for n in range(60)]
    )
    rig = Rig(tmp_path)
    fetch(rig, gamma)
    before = len(rig.lake.rows("markets"))
    assert before == 400
    markets[9] |= {"question": "Another?", "updatedAt": iso(NOW)}
    fetch(rig, gamma, full=True)
    assert len(rig.lake.rows("markets")) == before + 1
    assert len(rig.lake.rows("events")) == 60


def test_a_stale_answer_does_not_put_an_older_row_over_a_newer_one(tmp_path):
    rig = Rig(tmp_path)
    new = market(1, question="New?", updatedAt=iso(NOW))
    fetch(rig, FakeGamma([new]))
    fetch(rig, FakeGamma([market(1, question="Old?")]), full=True)
    assert [row["question"] for row in rig.lake.rows("markets")] == ["New?"]


def test_markets_and_events_are_not_fetched_twice_by_one_full_run(tmp_path):
    gamma = FakeGamma(many(150), [event(n) for n in range(1, 150)])
    rig = Rig(tmp_path)
    with rig.run(gamma, FakeClob(), clock=lambda: NOW, full=True) as run:
        fetch_markets(run)
        fetch_events(run)
    first = "/events/keyset?limit=100&closed=false&order=startDate&ascending=true"
    assert gamma.asked.count(first) == 1


def test_a_row_that_does_not_fit_is_set_aside_and_the_others_are_stored(tmp_path):
    bad = [
        market(2, closed="perhaps"),
        market(3, question="\ud800"),
        market(4, volumeNum="x"),
    ]
    gamma = FakeGamma([market(1), *bad, market(5)])
    rig = Rig(tmp_path)
    run = fetch(rig, gamma)
    assert ids(rig) == {1, 5}
    files = list((tmp_path / "_quarantine" / "markets").iterdir())
    lines = [json.loads(line) for f in files for line in f.read_text().splitlines()]
    assert {json.loads(line["raw"])["id"] for line in lines} >= {"3", "4"}
    assert run.tally.counts()["markets"].quarantined >= 2


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    starts=st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=1, max_size=700),
    stops=st.lists(st.integers(1, 30), max_size=4),
    workers=st.integers(1, 4),
)  # fmt: skip
def test_a_pass_that_is_stopped_anywhere_goes_on_and_brings_every_market(
    tmp_path_factory, starts, stops, workers
):
    gamma = FakeGamma(
        [
            market(n, closed=n % 3 == 0, startDate=None if at is None else iso(T0 + at))
            for n, at in enumerate(starts, 1)
        ]
    )
    rig = Rig(tmp_path_factory.mktemp("lake"), workers=workers)
    for after in stops:
        left = [after]

        def stop(run, left=left):
            left[0] -= 1
            if left[0] == 0:
                run.stop.set()

        with rig.run(gamma, FakeClob(), clock=lambda: NOW, on_put=stop) as run:
            fetch_markets(run)
    fetch(rig, gamma)
    assert ids(rig) == set(range(1, len(starts) + 1))
    assert rig.lake.cursor.walks == {}
    assert "full_pass" not in rig.lake.cursor.values


def test_a_slice_that_was_cut_off_but_never_begun_is_not_lost(tmp_path):
    gamma = FakeGamma([market(n) for n in range(1, 2_001)])
    rig, last = Rig(tmp_path), T0 + 2_000 * SPACING
    free = [True]

    def cut(run) -> None:  # a thread comes free after the first page, and dies
        if gamma.asked and free:
            free.clear()
            next(jobs)

    with rig.run(gamma, clock=lambda: last, on_put=cut) as run:
        part = SlicedListing(
            run, MARKETS, is_closed=False, pass_id="p", on_ids=lambda ids: None
        )
        run.writer.put(Batch({}, cursor=part.begin()))
        jobs = part.jobs()
        next(jobs).work()
    first = ids(rig)
    assert 100 < len(first) < 1_900
    with rig.run(gamma, clock=lambda: last) as run:
        part = SlicedListing(
            run, MARKETS, is_closed=False, pass_id="p", on_ids=lambda ids: None
        )
        part.resume(part_of(rig.lake.cursor.walks, "p", part.name))
        run.jobs("markets", part.jobs())
    assert ids(rig) == set(range(1, 2_001))


def test_a_resumed_pass_remembers_what_it_met_before(tmp_path):
    gamma = FakeGamma([market(n, closed=n > 250) for n in range(1, 601)])
    rig = Rig(tmp_path, workers=1)
    fetch(rig, gamma)

    def stop(run) -> None:
        done = (rig.lake.cursor.values.get("full_pass") or {}).get("done", [])
        if "markets/open" in done:
            run.stop.set()

    with rig.run(gamma, FakeClob(), clock=lambda: NOW, full=True, on_put=stop) as run:
        fetch_markets(run)
    gamma.asked.clear()
    fetch(rig, gamma)
    assert "full_pass" not in rig.lake.cursor.values
    assert [request for request in gamma.asked if "&id=" in request] == []


def test_a_failed_slice_is_walked_again_by_the_next_run(tmp_path):
    gamma = FakeGamma(many(600))

    def fail(request: str) -> None:
        if "closed=true" in request and "after_cursor" in request:
            raise Retryable("503")

    gamma.on_ask = fail
    rig = Rig(tmp_path)
    run = fetch(rig, gamma)
    assert run.tally.failures()
    gamma.on_ask = lambda request: None
    fetch(rig, gamma)
    assert ids(rig) == set(range(1, 601))


@pytest.mark.parametrize("what", ["its slices", "the pass", "its walks"])
def test_a_pass_that_the_cursor_holds_no_more_of_starts_over(tmp_path, caplog, what):
    rig, gamma = Rig(tmp_path), FakeGamma(many(1_200))
    left = [6]

    def stop(run) -> None:
        left[0] -= 1
        if left[0] == 0:
            run.stop.set()

    with rig.run(gamma, FakeClob(), clock=lambda: NOW, on_put=stop) as run:
        fetch_markets(run)
    cursor = rig.lake.cursor
    assert cursor.walks
    assert ids(rig) < set(range(1, 1_201))
    if what == "its slices":
        for state in cursor.walks.values():
            state["slice"] = {"kind": "sideways"}
    elif what == "the pass":
        cursor.values["full_pass"] = {"id": 5}
    else:
        cursor.walks = {}
        cursor.problems = ["The cursor file was not resumed."]
    fetch(rig, gamma)
    assert "unreadable and starts over" in caplog.text
    assert ids(rig) == set(range(1, 1_201))
    assert (cursor.walks, "full_pass" in cursor.values) == ({}, False)


def test_where_the_order_book_was_read_to_is_not_taken_on_trust(tmp_path, caplog):
    rig, gamma = Rig(tmp_path), FakeGamma(many(20))
    left = [1]

    def stop(run) -> None:
        left[0] -= 1
        if left[0] == 0:
            run.stop.set()

    with rig.run(gamma, FakeClob(), clock=lambda: NOW, on_put=stop) as run:
        fetch_markets(run)
    cursor = rig.lake.cursor
    place = {"dataset": "clob_markets", "page_no": "many"}
    cursor.walks["l1"] = place | {"pass": cursor.values["full_pass"]["id"]}
    fetch(rig, gamma, FakeClob([clob_market(n) for n in range(1, 21)]))
    assert "The saved walk l1 is unreadable and starts over" in caplog.text
    assert len(rig.lake.rows("clob_markets")) == 20
    assert cursor.walks == {}
