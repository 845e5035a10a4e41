"""Events come with series, tags and metadata, and are kept up to date like markets."""

from __future__ import annotations

import json

import pytest
from catalogue_rig import Rig
from fake_gamma import SPACING, T0, FakeClob, FakeGamma, event, iso, market

from fetcher.polymarket.events import fetch_events
from fetcher.polymarket.markets import fetch_markets

START = T0 + 10_000_000
HOUR = 3_600
SERIES = [{"id": "10192", "slug": "btc-up-or-down-15m", "recurrence": "15m"}]


class World:
    """A lake after the first run of `--mode events`, and Gamma as it goes on."""

    def __init__(self, tmp_path, count: int = 20) -> None:
        self.markets = [market(n) for n in range(1, count + 1)]
        events = [event(n, [self.markets[n - 1]]) for n in range(1, count + 1)]
        self.gamma, self.rig, self.now = (
            FakeGamma(self.markets, events),
            Rig(tmp_path),
            START,
        )
        self.gamma.clock = lambda: self.now
        self.run()

    def run(self, *work, **options):
        self.gamma.asked.clear()
        clob = FakeClob()
        with self.rig.run(self.gamma, clob, clock=lambda: self.now, **options) as run:
            for fetch in work or (fetch_events,):
                fetch(run)
        return run

    def stored(self) -> dict:
        return self.rig.latest("events")


def test_series_tags_and_metadata_are_kept_and_markets_become_rows_of_their_own(
    tmp_path,
):
    metadata = {"priceToBeat": 64_000.5, "finalPrice": 64_010}
    rig = Rig(tmp_path)
    one = event(3, [market(8)], series=SERIES, eventMetadata=metadata, volume=7)
    with rig.run(FakeGamma([], [one]), clock=lambda: START) as run:
        fetch_events(run)
    row = rig.latest("events")["3"]
    assert json.loads(row["series"]) == SERIES
    assert json.loads(row["tags"])[0]["slug"] == "politics"
    assert json.loads(row["event_metadata"]) == metadata
    assert row["volume"] == 7.0
    assert rig.latest("markets")["8"]["event_id"] == "3"


def test_the_first_run_of_events_alone_asks_for_no_markets(tmp_path):
    world = World(tmp_path)
    assert len(world.stored()) == 20
    assert not any(r.startswith("/markets") for r in world.gamma.asked)
    assert "markets_open" not in world.rig.lake.cursor.values


@pytest.mark.parametrize("count", [60, 900])
def test_new_and_settled_events_cost_requests_for_the_news_only(tmp_path, count):
    world = World(tmp_path, count)
    world.now += HOUR
    world.gamma.events.append(event(count + 1, createdAt=iso(world.now)))
    settled = {
        "closed": True,
        "closedTime": iso(world.now),
        "updatedAt": iso(world.now),
    }
    world.gamma.events[4] |= settled
    world.run()
    assert len(world.stored()) == count + 1
    assert world.stored()["5"]["closed"] is True
    assert len(world.gamma.asked) <= 4


def test_the_event_of_a_market_that_came_new_is_brought_even_if_it_is_in_no_list(
    tmp_path,
):
    world = World(tmp_path)
    world.run(fetch_markets, full=True)
    world.now += HOUR
    new = market(50, createdAt=iso(world.now))
    world.gamma.markets.append(new)
    world.gamma.events.append(event(30, [new], createdAt=iso(T0 + SPACING)))
    world.gamma.hidden = {"30"}
    world.run(fetch_markets, fetch_events)
    assert world.stored()["30"]["title"] == "Event 30"


def test_an_event_that_gamma_lacks_is_asked_for_once(tmp_path):
    rig = Rig(tmp_path)
    orphan = market(1, events=[{"id": "77", "slug": "gone"}])
    gamma = FakeGamma([orphan], [event(1)])
    gamma._events_of = lambda item: item["events"]
    for _ in range(2):
        gamma.asked.clear()
        with rig.run(gamma, FakeClob(), clock=lambda: START, full=True) as run:
            fetch_markets(run)
            fetch_events(run)
    assert run.tally.failures() == []
    assert "/events/77" not in gamma.asked


def test_an_open_event_that_vanished_is_asked_for_by_id(tmp_path):
    world = World(tmp_path)
    world.gamma.hidden = {"9"}
    world.gamma.events[8] |= {"closed": True, "updatedAt": iso(START)}
    world.run(full=True)
    assert world.stored()["9"]["closed"] is True


def test_the_events_of_selected_markets_come_along(tmp_path):
    world = World(tmp_path)
    world.gamma.events[6] |= {"title": "Renamed", "updatedAt": iso(START)}
    world.run(fetch_markets, fetch_events, markets=("market-7",))
    assert world.stored()["7"]["title"] == "Renamed"
    assert len([r for r in world.gamma.asked if r.startswith("/events")]) == 1
