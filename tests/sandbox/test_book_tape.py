"""The order books of the replica: a pure function of market and moment."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.live.book_tape import BookTape
from sandbox.options import Options
from sandbox.universe import build_universe
from sandbox.world import TOKEN_DELAY, World

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def world():
    return World(build_universe(Options.of(size="small")))


@pytest.fixture(scope="module")
def open_markets(world):
    return [market for market in world.listed if world.has_book(market)]


def folded(tape, market, begin, end):
    """The book at `begin` and everything that happened to it until `end`."""
    book = tape.moment(market, begin).book
    for happening in tape.happenings(market, begin, end):
        for change in happening.changes:
            book.put(change.side, change.price, change.size)
        if happening.kind == "tick":
            book.tick = happening.ticks[1]
    return book


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(-HOUR_MS, HOUR_MS), st.integers(0, 120_000))
def test_the_book_is_the_fold_of_its_changes_from_any_moment(
    world, open_markets, pick, shift, span
):
    market = open_markets[pick % len(open_markets)]
    begin = world.now_ms + shift
    end = min(begin + span, market.closed_at * 1_000 - 1)
    begin = max(min(begin, end), world.books.life(market)[0])
    if begin < end:
        expected = world.books.moment(market, end).book
        assert folded(world.books, market, begin, end) == expected


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 10_000), st.lists(st.integers(0, HOUR_MS), min_size=1, max_size=4)
)
def test_the_tape_says_the_same_however_it_is_asked(world, open_markets, pick, cuts):
    market = open_markets[pick % len(open_markets)]
    begin, end = world.now_ms - HOUR_MS // 12, world.now_ms
    fresh = BookTape(world, TOKEN_DELAY)
    borders = sorted({begin, end, *(begin + cut // 12 for cut in cuts)})
    parts = [
        happening
        for low, high in pairwise(borders)
        for happening in fresh.happenings(market, low, high)
    ]
    assert parts == world.books.happenings(market, begin, end)
    assert fresh.moment(market, end) == world.books.moment(market, end)


def test_a_book_never_crosses_and_names_its_best_prices(world, open_markets):
    for market in open_markets[:12]:
        begin = max(world.now_ms - 300_000, world.books.life(market)[0])
        book = world.books.moment(market, begin).book
        for happening in world.books.happenings(market, begin, world.now_ms):
            for change in happening.changes:
                book.put(change.side, change.price, change.size)
                assert (change.best_bid, change.best_ask) == book.best()
                assert change.best_bid < change.best_ask


def test_books_and_changes_look_like_captured_ones(world, open_markets):
    levels, sizes, changes, bursts = [], [], [], []
    for market in open_markets:
        book = world.books.moment(market, world.now_ms).book
        levels.append(len(book.bids) + len(book.asks))
        last = 0
        for each in world.books.happenings(
            market, world.now_ms - 120_000, world.now_ms
        ):
            if each.kind == "change":
                changes.append(len(each.changes))
                bursts.append(each.at == last)
                sizes += [change.size for change in each.changes]
                last = each.at
    assert 18 <= sorted(levels)[len(levels) // 2] <= 30
    assert 0.05 < sizes.count(0) / len(sizes) < 0.3
    assert sorted(changes)[len(changes) // 2] == 1
    assert 3 <= max(changes) <= 23
    assert 0.2 < sum(bursts) / len(bursts) < 0.8


def test_prices_beyond_96_cents_have_a_finer_tick(world, open_markets):
    found = {
        (market.tick, world.books.moment(market, world.now_ms).book.tick)
        for market in open_markets
    }
    assert (10, 10) in found
    assert (1, 10) not in found
    for market in open_markets:
        book = world.books.moment(market, world.now_ms).book
        if book.tick == 10:
            assert all(price % 10 == 0 for price in (*book.bids, *book.asks))


def test_a_change_is_in_the_book_from_its_very_millisecond(world, open_markets):
    market = next(m for m in open_markets if m.salt % 211 != 7)
    tape, now = world.books, world.now_ms
    changes = [h for h in tape.happenings(market, now - 90_000, now) if h.changes]
    for before, after in pairwise(changes):
        moment = tape.moment(market, after.at)
        last = [each for each in changes if each.at == after.at][-1]
        assert (moment.named, moment.place) == (last.named, last.index)
        if before.at < after.at:
            earlier = tape.moment(market, after.at - 1)
            assert (earlier.named, earlier.place) == (before.named, before.index)
