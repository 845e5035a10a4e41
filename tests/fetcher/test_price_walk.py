"""What is asked for next, what an answer says, and what of it is believed."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.errors import UnexpectedPayload
from fetcher.options import Options
from fetcher.polymarket.catalogue import CatalogueMarket
from fetcher.polymarket.price_history import (
    LONGEST_SECONDS,
    TIERS,
    Points,
    PriceHistories,
    Question,
    read_batch,
    read_points,
    read_single,
    service_skew,
)
from fetcher.polymarket.price_needs import EARLIEST, PriceNeeds, packs, wanted_tokens
from fetcher.polymarket.price_rows import mirror_error, obtained
from fetcher.polymarket.price_walk import (
    DAY,
    NO_END,
    WINDOW_SECONDS,
    Need,
    PriceSource,
    PriceWalk,
    new_walk,
    walk_prices,
)
from lake.storage import LocalStorage
from lake.walk_id import began_at, new_walk_id
from lake.walk_state import Walked

NOW = 1_790_000_000
ASKED = Question(("1", "2", "3"), NOW - DAY, NOW, 1)


def body(**points) -> bytes:
    return json.dumps({"history": points}).encode()


def need(token="1", start=NOW - DAY, end=NO_END, *, first=True) -> Need:
    return Need(token, f"0x{token}", start, end, first)


def walk(*needs: Need, fidelity: int = 1, **more) -> PriceWalk:
    made = new_walk(needs, now=NOW, clock=NOW - 5, fidelity=fidelity, **more)
    assert began_at(made.walk_id) == NOW - 5
    return made


class Exchange:
    """Histories of which the finer ones reach back less far; thread of one."""

    def __init__(self, kept_days: dict[int, int], *, begin: int = 0, end: int = NOW):
        self.kept, self.begin, self.end = kept_days, begin, end
        self.asked: list[Question] = []

    def load(self, path, params, parse, *, groups, body):
        asked = json.loads(body)
        question = Question(
            tuple(asked["markets"]),
            asked["start_ts"],
            asked["end_ts"],
            asked["fidelity"],
        )
        self.asked.append(question)
        step = 60 * question.fidelity
        oldest = NOW - self.kept.get(question.fidelity, 0) * DAY
        low = max(question.start, self.begin, oldest)
        high = min(question.end, self.end)
        times = range(low + -low % step, high + 1, step)
        history = {
            token: [{"t": t, "p": 0.5} for t in times] for token in question.tokens
        }
        served = json.dumps({"history": history}).encode()
        return an_answer(body), parse(served)


def an_answer(sent: bytes):
    from fetcher.answer import Answer

    return Answer(b"", 200, None, None, sent.decode(), datetime.now(UTC), 1)


def walked(exchange, started, tmp_path):
    source = PriceSource(
        PriceHistories(exchange), LocalStorage(tmp_path), lambda: float(NOW)
    )
    return list(walk_prices(source, started))


def held(batches) -> dict[int, set[int]]:
    """Times that came, by fidelity."""
    found: dict[int, set[int]] = {}
    for batch in batches:
        if "prices" in batch.rows:
            for row in batch.rows["prices"].to_pylist():
                minutes = row["resolution_seconds"] // 60
                found.setdefault(minutes, set()).add(row["timestamp"])
    return found


def test_a_window_that_is_half_gone_is_filled_up_with_the_next_coarser(tmp_path):
    exchange = Exchange({1: 7, 5: 60, 30: 90, 180: 9999, 720: 9999})
    times = held(walked(exchange, walk(need(start=NOW - 200 * DAY)), tmp_path))
    for fidelity, kept in ((1, 7), (5, 60), (30, 90), (180, 200)):
        step = 60 * fidelity
        assert min(times[fidelity]) <= NOW - kept * DAY + step
    everything = sorted(set().union(*times.values()))
    assert max(b - a for a, b in itertools.pairwise(everything)) <= (180 * 60)
    assert 720 not in times


def test_a_quiet_token_is_asked_for_at_every_fidelity_and_then_let_be(tmp_path):
    exchange = Exchange({})
    batches = walked(exchange, walk(need(start=NOW - DAY)), tmp_path)
    assert [one.fidelity for one in exchange.asked] == list(TIERS)
    windows = [
        b.rows["price_windows"].to_pylist()[0]
        for b in batches
        if "price_windows" in b.rows
    ]
    assert all(one["is_empty"] and one["points"] == 0 for one in windows)
    assert all(one["fidelity_obtained"] is None for one in windows)
    [subject] = [
        row for row in batches[-1].rows["walks"].to_pylist() if row["kind"] == "subject"
    ]
    assert subject["outcome"] == "end"
    assert subject["started_at"].timestamp() == NOW - 90 - 60


def test_a_few_minutes_without_a_price_are_not_asked_for_five_times(tmp_path):
    exchange = Exchange({})
    walked(exchange, walk(need(start=NOW - 400, first=False)), tmp_path)
    assert [one.fidelity for one in exchange.asked] == [1, 5]


def test_a_market_that_began_late_in_its_window_costs_little_more(tmp_path):
    kept = dict.fromkeys(TIERS, 9999)
    exchange = Exchange(kept, begin=NOW - DAY)
    walked(exchange, walk(need(start=NOW - DAY - 1200)), tmp_path)
    assert [one.fidelity for one in exchange.asked] == [1, 5]


def test_prices_are_final_but_for_the_newest_bucket_and_what_a_cache_may_hide():
    fine, coarse = need("1"), need("2")
    settled = need("3", end=NOW - DAY)
    some = walk(fine, coarse, settled, fidelity=5)
    some.newest["2"] = 720
    assert some.final_to(fine) == NOW - 90 - 300
    assert some.final_to(coarse) == NOW - 90 - 720 * 60
    assert some.final_to(settled) == NOW - DAY


@given(
    start=st.integers(EARLIEST, NOW - 1),
    length=st.integers(1, 5 * 365 * DAY),
)
def test_windows_cover_every_second_once_and_none_is_too_long(start, length):
    windows = walk(need(start=start, end=start + length)).windows()
    end = min(start + length, NOW + 1)
    assert windows == sorted(windows, reverse=True)
    assert windows[-1][0] == start
    assert windows[0][1] == end
    assert all(high - low <= WINDOW_SECONDS for low, high in windows)
    joined = list(reversed(windows))
    assert all(a[1] == b[0] for a, b in itertools.pairwise(joined))


def test_both_ends_are_asked_a_second_further(tmp_path):
    exchange = Exchange(dict.fromkeys(TIERS, 9999))
    walked(exchange, walk(need(start=NOW - 20 * DAY)), tmp_path)
    asked = sorted((one.start, one.end) for one in exchange.asked if one.fidelity == 1)
    assert asked[0][0] < NOW - 20 * DAY
    assert all(a[1] > b[0] for a, b in itertools.pairwise(asked))
    assert all(end - start <= LONGEST_SECONDS for start, end in asked)


def test_a_walk_comes_back_from_the_cursor_file_as_it_was():
    some = walk(need("1"), need("2", end=NOW, first=False), goal="window")
    some.newest["1"] = 5
    saved = json.loads(json.dumps(some.saved()))
    assert PriceWalk.load(some.walk_id, saved) == some
    for wrong in ({"dataset": "prices"}, {**saved, "needs": [1]}, None, []):
        assert PriceWalk.load("p1", wrong) is None


def test_a_walk_that_is_gone_on_with_begins_where_it_was(tmp_path):
    exchange = Exchange(dict.fromkeys(TIERS, 9999))
    started = walk(need(start=NOW - 40 * DAY))
    first = walked(exchange, started, tmp_path)[:3]
    saved = first[-1].cursor.walks[started.walk_id]
    exchange.asked.clear()
    rest = walked(exchange, PriceWalk.load(started.walk_id, saved), tmp_path)
    pages = [row["page_no"] for b in (*first, *rest) if "prices" in b.rows
             for row in b.rows["walks"].to_pylist()]  # fmt: skip
    assert pages == sorted(set(pages))
    times = held([*first, *rest])[1]
    assert max(b - a for a, b in zip(sorted(times), sorted(times)[1:], strict=False)) \
        == 60  # fmt: skip
    assert rest[-1].cursor.walks == {started.walk_id: None}


def test_packs_hold_what_is_asked_for_from_about_the_same_time():
    lately = [need(str(n), NOW - 60 * n, first=False) for n in range(30)]
    long_ago = [need(str(100 + n), NOW - 9 * DAY, first=False) for n in range(3)]
    never = [need(str(200 + n), NOW - n * DAY) for n in range(25)]
    found = list(packs([*never, *long_ago, *lately], now=NOW, size=20))
    assert {n for pack in found for n in pack} == {*never, *long_ago, *lately}
    assert sum(map(len, found)) == 58
    for pack in found:
        assert len(pack) <= 20
        assert len({n.is_first for n in pack}) == 1
        if not pack[0].is_first:
            starts = [n.start for n in pack]
            assert max(starts) - min(starts) <= max(900, 0.1 * (NOW - max(starts)))


# Answers


def test_a_history_is_read_as_it_was_served():
    served = [{"t": NOW, "p": 1}, {"t": NOW, "p": 0.123456789}]
    points = read_points(served)
    assert (points.times, points.prices) == ([NOW, NOW], [1.0, 0.123456789])
    assert read_batch(body(**{"1": served, "2": []}), ["1", "2", "3"]) == {
        "1": points,
        "2": Points(),
        "3": Points(),
    }
    assert read_single(b'{"history":[]}') == Points()
    assert read_single(b'{"history":null}') == Points()


@pytest.mark.parametrize(
    "bad",
    [
        {"t": NOW * 1000, "p": 0.5},
        {"t": str(NOW), "p": 0.5},
        {"t": NOW, "p": None},
        {"t": NOW, "p": "0.5"},
        {"t": NOW, "p": True},
        {"t": NOW, "p": 10**400},
        {"t": NOW},
        "x",
    ],
)
def test_what_is_no_point_is_set_aside_and_the_others_are_kept(bad):
    points = read_points([{"t": NOW, "p": 0.5}, bad, {"t": NOW + 60, "p": 0.6}])
    assert (points.times, points.prices) == ([NOW, NOW + 60], [0.5, 0.6])
    [misfit] = points.misfits
    assert misfit.row_no == 1
    assert json.loads(misfit.raw) == bad
    assert points.served == 3


def test_a_key_that_nobody_knows_is_kept():
    points = read_points([{"t": NOW, "p": 0.5}, {"t": NOW + 60, "p": 0.6, "v": 7}])
    assert points.extras == {1: '{"v": 7}'}


@pytest.mark.parametrize(
    "wrong", [b"[]", b"{}", b'{"history":[]}', b'{"history":{"9":[]}}']
)
def test_an_answer_to_another_question_is_not_taken(wrong):
    with pytest.raises(UnexpectedPayload):
        read_batch(wrong, ["1"])


def test_points_that_are_coarser_than_asked_for_say_so():
    def came(seconds: int, step: int) -> Points:
        times = list(range(NOW, NOW + seconds, step))
        return Points(times, [0.5] * len(times))

    assert obtained(1, came(6000, 60)) == 1
    assert obtained(1, came(60_000, 300)) == 5
    assert obtained(1, came(60_000, 196)) == 1
    assert obtained(30, came(6000, 60)) == 30
    assert obtained(5, Points()) == 5


def test_points_inside_of_a_window_are_told_in_any_order():
    times = [NOW, NOW + 60, NOW + 120]
    for some in (times, times[::-1]):
        points = Points(some, [0.5] * 3)
        assert sorted(points.inside(NOW + 1, NOW + 120)) == [NOW + 60]
        assert list(points.inside(NOW, NOW + 121)) == some


def test_the_mirrors_error_is_the_mean_over_points_that_lie_together():
    first = Points([NOW, NOW + 60, NOW + 120], [0.4, 0.5, 0.6])
    second = Points([NOW + 5, NOW + 55, NOW + 900], [0.6, 0.52, 0.9])
    compared, error = mirror_error(first, second, within=30)
    assert compared == 2
    assert error == pytest.approx(0.01)
    assert mirror_error(first, Points(), within=30) == (0, None)


# What the service refuses


def test_one_bad_token_costs_the_others_nothing(service, client):
    good = {"body": b'{"history":{}}'}
    refused = {"body": b'{"error":"invalid token"}', "status": 400}
    service.answers(refused, good, refused, refused, good)
    histories = PriceHistories(client(service.url))
    told = list(histories.ask(ASKED))
    assert [(one.question.tokens, bool(one.refusal)) for one in told] == [
        (("1",), False),
        (("2",), True),
        (("3",), False),
    ]
    assert "invalid token" in str(told[1].refusal)


def test_without_batches_each_token_is_asked_for_alone(service, client):
    service.answers(
        {"body": b'{"error":"not found"}', "status": 404},
        {"body": b'{"history":[{"t":1790000000,"p":0.5}]}'},
    )
    told = list(PriceHistories(client(service.url)).ask(ASKED))
    assert [one.question.tokens for one in told] == [("1",), ("2",), ("3",)]
    assert all(one.points[one.question.tokens[0]].prices == [0.5] for one in told)
    assert service.asked[1] == (
        f"/prices-history?market=1&startTs={NOW - DAY}&endTs={NOW}&fidelity=1"
    )


def test_the_services_clock_is_asked_for(service, client):
    service.answers({"body": str(NOW).encode()})
    assert service_skew(client(service.url), lambda: NOW - 7.0) == 7
    service.answers({"body": b'"noon"'})
    with pytest.raises(UnexpectedPayload, match="tells no time"):
        service_skew(client(service.url), lambda: 0.0)


def test_a_question_that_would_be_refused_is_never_put():
    long = Question(("1",), NOW - LONGEST_SECONDS - 1, NOW, 720)
    with pytest.raises(ValueError, match="longer than the service allows"):
        list(PriceHistories(None).ask(long))  # type: ignore[arg-type]


# What is wanted


def market(**values) -> CatalogueMarket:
    known = {
        "id": "1",
        "condition_id": "0xc",
        "slug": "s",
        "event_id": "1",
        "event_slug": "e",
        "closed": False,
        "volume_num": 1.0,
        "created_at": NOW - 10 * DAY,
        "start_at": None,
        "end_at": None,
        "closed_at": None,
        "token_ids": ("11", "22"),
        "version": "v1",
        "stored_at": NOW - DAY,
    }
    return CatalogueMarket(**(known | values))


class State:
    """A walk state that knows these walks."""

    def __init__(self, **known: Walked) -> None:
        self._known = {key.strip("t"): one for key, one in known.items()}

    def walked(self, dataset: str, keys) -> dict[str, Walked]:
        assert dataset == "prices"
        return {key: self._known[key] for key in keys if key in self._known}


def ended(final_to: float, asked_at: float, *, due: str | None = None) -> Walked:
    at, walk_id = (
        datetime.fromtimestamp(final_to, UTC),
        new_walk_id("prices", now=asked_at),
    )
    return Walked("", at, walk_id, at, walk_id, "end", None, None, due)


def wanted(one: CatalogueMarket, news: float, state=None, **options) -> list[Need]:
    needs = PriceNeeds(state or State(), Options(**options), since=0)
    return list(needs.of([one], lambda _: news))


def test_a_binary_market_is_asked_for_its_first_token_and_others_for_all():
    assert wanted_tokens(market(), {}) == ("11",)
    assert wanted_tokens(market(token_ids=("1", "2", "3")), {}) == ("1", "2", "3")
    assert wanted_tokens(market(token_ids=("1",)), {}) == ("1",)
    assert wanted_tokens(market(token_ids=()), {}) == ()
    off = Walked("22", None, None, None, None, None, None, None, "mirror_off")
    assert wanted_tokens(market(), {"22": off}) == ("11", "22")
    own = ended(NOW, NOW)
    assert wanted_tokens(market(), {"22": own}) == ("11", "22")


def test_a_token_never_asked_for_is_wanted_from_the_markets_beginning():
    assert wanted(market(), 0) == [Need("11", "0xc", NOW - 10 * DAY, NO_END, True)]
    [unknown] = wanted(market(created_at=None), 0)
    assert unknown.start == EARLIEST
    closed = market(closed=True, closed_at=EARLIEST - 30 * DAY, created_at=1)
    assert wanted(closed, 0) == []  # before there was a book


def test_a_token_asked_for_is_wanted_from_where_it_is_final_and_only_with_news():
    state = State(t11=ended(NOW - 200, NOW - 50))
    assert wanted(market(), NOW - 60, state) == []
    [again] = wanted(market(), NOW - 40, state)
    assert (again.start, again.is_first) == (NOW - 200, False)
    [fresh] = wanted(market(), NOW - 60, state, fresh=True)
    assert fresh.start == NOW - 10 * DAY


def test_a_settled_market_is_asked_until_its_end_is_final_and_never_again():
    state = State(t11=ended(NOW - 200, NOW - 50))
    young = market(closed=True, closed_at=NOW - 100)
    [last] = wanted(young, 0, state)
    assert (last.start, last.end) == (NOW - 200, NOW - 100 + DAY)
    assert wanted(market(closed=True, closed_at=NOW - 300), NOW, state) == []


def test_a_token_that_is_refused_waits_for_news():
    at = datetime.fromtimestamp(NOW - 200, UTC)
    walk_id = new_walk_id("prices", now=NOW - 50)
    refused = Walked("", None, None, at, walk_id, "refused", None, None, None)
    assert wanted(market(), NOW - 60, State(t11=refused)) == []
    [again] = wanted(market(), NOW - 40, State(t11=refused))
    assert (again.start, again.is_first) == (NOW - 10 * DAY, True)
