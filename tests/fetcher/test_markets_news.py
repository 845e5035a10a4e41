"""A cron run stores what is new or settled, at a cost in proportion to that."""

from __future__ import annotations

import pytest
from catalogue_rig import Rig
from fake_gamma import SPACING, T0, FakeClob, FakeGamma, event, iso, market

from fetcher.polymarket import catalogue
from fetcher.polymarket.events import fetch_events
from fetcher.polymarket.markets import fetch_markets, look_up

START = T0 + 10_000_000
HOUR = 3_600


def closed_time(seconds: float) -> str:
    return iso(seconds).replace("T", " ").replace("Z", "+00")


class World:
    """A lake after its first run at START, and the services as they go on."""

    def __init__(self, tmp_path, markets, events=()) -> None:
        self.rig = Rig(tmp_path)
        self.gamma = FakeGamma(markets, events)
        self.now = START
        self.gamma.clock = lambda: self.now
        self.run()

    def run(self, work=fetch_markets, **options):
        self.gamma.asked.clear()
        clob = FakeClob()
        with self.rig.run(self.gamma, clob, clock=lambda: self.now, **options) as run:
            self.found = work(run)
        return run

    def born(self, number: int, **more) -> dict:
        made = market(number, createdAt=iso(self.now), startDate=iso(self.now), **more)
        self.gamma.markets.append(made)
        return made

    def settle(self, number: int) -> None:
        found = next(m for m in self.gamma.markets if m["id"] == str(number))
        now = closed_time(self.now)
        found |= {"closed": True, "closedTime": now, "updatedAt": iso(self.now)}

    def stored(self) -> dict:
        return self.rig.latest("markets")


def old_markets(count: int) -> list[dict]:
    return [
        market(n, closed=True, closedTime=closed_time(T0 + n * SPACING))
        if n % 2 == 0
        else market(n)
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize("size", [500, 3_000])
def test_a_cron_run_costs_requests_for_the_news_whatever_the_size_of_the_exchange(
    tmp_path, size
):
    world = World(tmp_path, old_markets(size))
    world.now += HOUR
    for number in range(size + 1, size + 31):
        world.born(number)
    world.settle(3)
    world.run()
    assert len(world.gamma.asked) <= 5
    assert len(world.stored()) == size + 30
    assert world.stored()["3"]["closed"] is True


def test_more_news_than_a_page_is_followed_down_to_what_is_known(tmp_path):
    world = World(tmp_path, old_markets(100))
    world.now += HOUR
    for number in range(101, 551):
        world.born(number, closed=number % 3 == 0, closedTime=closed_time(world.now))
    world.run()
    assert len(world.stored()) == 550


def test_a_first_page_out_of_a_cache_loses_nothing(tmp_path):
    world = World(tmp_path, old_markets(150))
    world.now += HOUR
    world.gamma.cached = {}
    world.run()
    world.now += 290  # what is born now stays behind the cached first page
    for number in range(151, 161):
        world.born(number)
    world.settle(5)
    world.run()
    assert len(world.stored()) == 150
    world.gamma.cached = {}
    world.now += HOUR
    world.born(161)
    world.run()
    assert len(world.stored()) == 161
    assert world.stored()["5"]["closed"] is True


def test_a_market_that_appears_late_below_a_known_id_is_stored(tmp_path):
    world = World(tmp_path, old_markets(50))
    world.now += HOUR
    world.gamma.hidden = {"60"}
    for number in (60, 61, 62):
        world.born(number)
        world.now += 200
    world.run()
    world.gamma.hidden = set()
    for number in range(63, 161):  # with 61 and 62 they fill the first page
        world.born(number)
    world.run()
    assert "60" in world.stored()


def test_a_market_that_is_shown_as_settled_late_is_stored(tmp_path):
    world = World(tmp_path, old_markets(300))
    world.now += HOUR
    late = {"closed": True, "closedTime": closed_time(world.now)}
    for number in (7, 11):
        world.now += 200
        world.settle(number)
    world.run()
    world.gamma.markets[8] |= late | {"updatedAt": iso(world.now)}
    world.now += 200
    for number in range(103, 299, 2):  # with 7 and 11 they fill the first page
        world.settle(number)
    world.run()
    assert world.stored()["9"]["closed"] is True


def test_new_ids_are_followed_down_even_if_they_were_made_long_ago(tmp_path):
    world = World(tmp_path, old_markets(50))
    world.gamma.markets += [market(n, createdAt=iso(T0)) for n in range(51, 400)]
    world.now += HOUR
    world.run()
    assert len(world.stored()) == 399


def test_settled_markets_are_found_by_id_when_the_order_is_not_honoured(tmp_path):
    markets = old_markets(40)
    for item in markets:
        item["endDate"] = iso(START + 60)
    world = World(tmp_path, markets)
    world.now += HOUR
    world.settle(7)
    for item in world.gamma.markets:  # what sorts by closedTime is no closedTime
        if item["closed"]:
            item["closedTime"] = closed_time(START - int(item["id"]) * 7919 % 5000)
    world.gamma.ignored = {"order"}
    world.run()
    assert world.stored()["7"]["closed"] is True


def test_newest_markets_that_come_in_another_order_are_an_error_not_silence(tmp_path):
    world = World(tmp_path, old_markets(40))
    before = world.rig.lake.cursor.values["markets_open"]
    world.now += HOUR
    world.gamma.ignored = {"order", "ascending"}
    run = world.run()
    assert any("not ordered by id" in f.why for f in run.tally.failures())
    assert world.rig.lake.cursor.values["markets_open"] == before


def test_markets_without_a_closed_time_that_sort_first_are_passed_over(tmp_path):
    markets = old_markets(60) + [market(n, closed=True) for n in range(61, 361)]
    world = World(tmp_path, markets)
    world.now += HOUR
    world.settle(9)
    world.run()
    assert world.stored()["9"]["closed"] is True
    assert len(world.gamma.asked) < 10


def test_a_market_without_condition_id_or_tokens_is_asked_for_until_it_has_them(
    tmp_path,
):
    world = World(tmp_path, old_markets(30))
    world.now += HOUR
    young = world.born(31, conditionId="", clobTokenIds=None)
    world.run()
    assert world.stored()["31"]["condition_id"] == ""
    young |= {"conditionId": "0xabc", "clobTokenIds": '["1","2"]'}
    world.now += 6 * HOUR
    for number in range(32, 300):
        world.born(number)
    world.now += 6 * HOUR
    world.run()
    assert world.stored()["31"]["condition_id"] == "0xabc"


def test_markets_that_share_a_condition_id_or_have_none_are_all_kept(tmp_path):
    twins = [market(1), market(2, conditionId=f"0x{1:064x}"), market(3, conditionId="")]
    world = World(tmp_path, twins)
    assert set(world.stored()) == {"1", "2", "3"}
    with world.rig.run(world.gamma, clock=lambda: world.now) as run:
        found = catalogue.of(run).market(f"0x{1:064X}".replace("0X", "0x"))
    assert found.id == "2"  # the one with more volume


def test_markets_that_the_feed_names_are_looked_up_open_closed_and_by_slug(tmp_path):
    world = World(tmp_path, old_markets(10), [event(5)])
    hidden = market(40, closed=True)
    new = [market(41), market(42, closed=True, closedTime=closed_time(START)), hidden]
    world.gamma.markets += new
    world.gamma.events.append(event(6, [hidden]))
    world.gamma.hidden = {"40"}
    names = [m["conditionId"].upper().replace("0X", "0x") for m in new]
    unknown = f"0x{99:064x}"

    def feed(run):
        return look_up(
            run, [*names, unknown], ["market-40", "market-41", "nothing", ""]
        )

    world.run(feed)
    assert world.found == ["40"]
    assert {"40", "41", "42"} <= set(world.stored())
    listing = [r for r in world.gamma.asked if r.startswith("/markets/keyset")]
    assert len(listing) == 2
    assert "/markets/slug/market-41" not in world.gamma.asked
    world.run(feed)
    asked = " ".join(world.gamma.asked)
    assert unknown not in asked
    assert "nothing" not in asked


def test_what_gamma_lacked_is_asked_for_again_the_day_after(tmp_path):
    world = World(tmp_path, old_markets(4))
    late = market(77)
    world.run(lambda run: look_up(run, [late["conditionId"]]))
    world.gamma.markets.append(late)
    world.now += 25 * HOUR
    world.run(lambda run: look_up(run, [late["conditionId"]]))
    assert "77" in world.stored()


def test_look_ups_that_failed_are_not_taken_for_absent(tmp_path):
    from fetcher.errors import Retryable

    world = World(tmp_path, old_markets(4))
    late = market(78)
    world.gamma.markets.append(late)

    def fail(request: str) -> None:
        raise Retryable("503")

    world.gamma.on_ask = fail
    world.run(lambda run: look_up(run, [late["conditionId"]], ["market-78"]))
    world.gamma.on_ask = lambda request: None
    world.run(lambda run: look_up(run, [late["conditionId"]]))
    assert "78" in world.stored()


def test_events_of_markets_that_changed_are_stored_again(tmp_path):
    markets = old_markets(30)
    events = [event(n, [markets[n]], createdAt=iso(T0)) for n in range(30)]
    world = World(tmp_path, markets, events)
    world.run(fetch_events)
    world.now += HOUR
    world.settle(21)
    events[20] |= {"closed": True, "title": "Settled", "updatedAt": iso(world.now)}

    def both(run):
        fetch_markets(run)
        fetch_events(run)

    world.run(both)
    row = world.rig.latest("events")["20"]
    assert row["title"] == "Settled"
    assert '"slug":"politics"' in row["tags"]
    assert len([r for r in world.gamma.asked if r.startswith("/events")]) <= 5


def test_a_run_that_is_stopped_leaves_the_mark_where_it_was(tmp_path):
    world = World(tmp_path, old_markets(30))
    before = world.rig.lake.cursor.values["markets_open"]
    world.now += HOUR
    for number in range(31, 400):
        world.born(number)
    world.run(on_put=lambda run: run.stop.set())
    assert world.rig.lake.cursor.values["markets_open"] == before
    world.run()
    assert len(world.stored()) == 399


def test_a_fresh_run_walks_everything_and_stores_nothing_twice(tmp_path):
    world = World(tmp_path, old_markets(230))
    world.run(fresh=True)
    assert len(world.rig.lake.rows("markets")) == 230
    assert any("order=startDate" in request for request in world.gamma.asked)
