"""A replay: the book of every moment, trusted only where nobody missed anything."""

from __future__ import annotations

import os

import pytest
from captured import Captured, nanoseconds
from exchange import empty_warehouse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settings.errors import UsageError
from warehouse.replay import (
    Book,
    Gap,
    NoSuchToken,
    NothingHeard,
    Price,
    Replay,
    TickSize,
    Trade,
    book_at,
    paced,
    to_arrow,
    to_polars,
)

EXAMPLES = int(os.environ.get("POLYLAKE_EXAMPLES", "8"))


def second(at):
    return (at - nanoseconds(0)) / 1e9


def told(replay):
    """What a replay gives, in short: books as what rests on them, and the rest."""
    found = []
    for one in replay:
        what = [one.token_id] if hasattr(one, "token_id") else []
        if isinstance(one, Book):
            what += [one.levels("BUY"), one.levels("SELL"), one.trusted]
        elif isinstance(one, Trade | Price):
            what += [one.price]
        elif isinstance(one, Gap):
            what += [one.reason]
        found.append((type(one).__name__, second(one.at), *what))
    return found


def listen(captured, *tokens, start=0, stretch=901):
    for token in tokens:
        captured.coverage(start, "subscribed", token, walk_key=stretch)


def test_changes_are_folded_into_the_book(captured):
    listen(captured, 1)
    captured.book(1, [(0.4, 5.0), (0.39, 1.0)], [(0.6, 7.0)])
    captured.change(2, "BUY", 0.4, 0.0)
    captured.change(3, "SELL", 0.55, 2.5)
    assert told(Replay(captured.db, ["101"])) == [
        ("Book", 1, "101", [(0.4, 5.0), (0.39, 1.0)], [(0.6, 7.0)], True),
        ("Book", 2, "101", [(0.39, 1.0)], [(0.6, 7.0)], True),
        ("Book", 3, "101", [(0.39, 1.0)], [(0.55, 2.5), (0.6, 7.0)], True),
        ("Gap", 3, "101", "unknown"),
    ]


def test_tokens_come_in_the_order_in_which_they_were_heard(captured):
    for when, token in ((1, 2), (2, 1), (3, 2), (4, 1)):
        captured.change(when, "BUY", 0.1 * when, 1.0, token=token)
    assert [(at, token) for _, at, token, *_ in told(Replay(captured.db))] == [
        (1, "102"),
        (2, "101"),
        (3, "102"),
        (4, "101"),
    ]


def test_a_message_on_two_tokens_changes_both(captured):
    number = nanoseconds(1)
    for row, (token, side) in enumerate(((1, "BUY"), (2, "SELL"), (1, "SELL"))):
        at = {"token": token, "row_no": row, "number": number}
        captured.change(1, side, 0.5, 1.0 + row, **at)
    assert [row[2:5] for row in told(Replay(captured.db))] == [
        ("101", [(0.5, 1.0)], [(0.5, 3.0)]),
        ("102", [], [(0.5, 2.0)]),
    ]


def test_a_whole_book_forgets_what_was_before_and_may_be_empty(captured):
    captured.change(1, "BUY", 0.3, 1.0)
    captured.book(2, [], [(0.6, 7.0)])
    captured.book(3, [], [])
    books = [row[3:5] for row in told(Replay(captured.db, ["101"])) if row[0] == "Book"]
    assert books == [([(0.3, 1.0)], []), ([], [(0.6, 7.0)]), ([], [])]


def test_a_book_is_not_trusted_from_a_gap_to_the_next_whole_book(captured):
    listen(captured, 1)
    captured.book(1, [(0.4, 5.0)], [])
    captured.coverage(2, "broken", reason="silent")
    listen(captured, 1, start=5, stretch=902)
    captured.change(6, "BUY", 0.41, 1.0, walk_key=902)
    captured.book(7, [(0.4, 5.0)], [], walk_key=902)
    captured.coverage(9, "alive", walk_key=902)
    assert [
        (row[0], row[1], row[-1]) for row in told(Replay(captured.db, ["101"]))
    ] == [
        ("Book", 1, True),
        ("Gap", 2, "silent"),
        ("Book", 6, False),
        ("Book", 7, True),
        ("Gap", 9, "unknown"),
    ]


def test_one_token_may_break_while_its_stretch_goes_on_for_others(captured):
    listen(captured, 1, 2)
    for token in (1, 2):
        captured.book(1, [(0.4, 5.0)], [], token=token)
    captured.coverage(2, "broken", 1, reason="differs")
    listen(captured, 1, start=3)
    for when, token in ((4, 1), (5, 2)):
        captured.change(when, "BUY", 0.3, 1.0, token=token)
    captured.book(6, [(0.4, 5.0)], [])
    captured.coverage(10, "ended")
    trust = [(r[1], r[2], r[-1]) for r in told(Replay(captured.db)) if r[0] == "Book"]
    assert trust == [
        (1, "101", True),
        (1, "102", True),
        (4, "101", False),
        (5, "102", True),
        (6, "101", True),
    ]


def test_a_killed_capture_is_trusted_until_its_last_sign_of_life(captured):
    listen(captured, 1, 2)
    captured.book(1, [(0.4, 5.0)], [])
    captured.coverage(10, "alive")
    captured.change(12, "BUY", 0.3, 1.0, token=2)
    assert book_at(captured.db, "101", nanoseconds(11)).trusted
    assert not book_at(captured.db, "101", nanoseconds(13)).trusted


def test_a_change_of_the_tick_waits_for_a_whole_book(captured):
    listen(captured, 1)
    captured.book(1, [(0.96, 5.0)], [])
    captured.event(2, "tick_size_change", 1, old_tick_size=0.01, tick_size=0.001)
    captured.change(3, "BUY", 0.961, 1.0)
    captured.book(4, [(0.961, 1.0)], [])
    found = list(Replay(captured.db, ["101"], end=nanoseconds(4)))
    assert TickSize(nanoseconds(2), "101", 0.01, 0.001) in found
    assert [
        row[-1] for row in told(Replay(captured.db, ["101"])) if row[0] == "Book"
    ] == [
        True,
        False,
        True,
    ]


def test_a_book_that_was_asked_for_restores_trust_only_while_someone_listens(captured):
    listen(captured, 1)
    captured.change(1, "BUY", 0.3, 1.0)
    captured.asked(2, [(0.4, 5.0)], [(0.6, 7.0)])
    captured.change(3, "BUY", 0.4, 0.0)
    captured.coverage(4, "broken", reason="disconnected")
    captured.asked(5, [(0.2, 1.0)], [])
    books = [row[1:] for row in told(Replay(captured.db, ["101"])) if row[0] == "Book"]
    assert books == [
        (1, "101", [(0.3, 1.0)], [], False),
        (2, "101", [(0.4, 5.0)], [(0.6, 7.0)], True),
        (3, "101", [], [(0.6, 7.0)], True),
        (5, "101", [(0.2, 1.0)], [], False),
    ]


def test_a_book_that_was_asked_for_leaves_a_trusted_one_alone(captured):
    listen(captured, 1)
    captured.book(1, [(0.4, 5.0)], [])
    captured.asked(2, [(0.1, 1.0)], [])
    captured.change(3, "BUY", 0.3, 1.0)
    assert book_at(captured.db, "101", nanoseconds(3)).best_bid == 0.4


def test_trades_and_prices_come_between_in_their_order(captured):
    captured.book(1, [(0.4, 5.0)], [])
    captured.event(2, "last_trade_price", side="BUY", price=0.41, size=3.0)
    captured.tick(2, 118000, heard=2.5)
    captured.tick(2, 3000, symbol="ETH-USD", source="coinbase", tick_no=1)
    captured.change(3, "BUY", 0.3, 1.0)
    captured.tick(3, 118001, symbol="BTC-USD", source="coinbase", tick_no=2)
    replay = Replay(captured.db, ["101"], prices=["btc"], end=nanoseconds(5))
    assert [(row[0], row[1]) for row in told(replay)] == [
        ("Book", 1),
        ("Trade", 2),
        ("Price", 2.5),
        ("Price", 3),
        ("Book", 3),
        ("Gap", 3),
    ]


def test_steps_show_all_that_was_heard_until_then(captured):
    listen(captured, 1, 2)
    captured.book(0.5, [(0.4, 5.0)], [])
    captured.change(1.0, "BUY", 0.41, 1.0)
    captured.change(1.2, "BUY", 0.42, 1.0)
    captured.book(3.5, [(0.1, 1.0)], [], token=2)
    captured.coverage(6, "ended")
    replay = Replay(captured.db, start=nanoseconds(0), end=nanoseconds(6), step="1s")
    best = [(row[1], row[2], row[3][0][0]) for row in told(replay)]
    assert best == [(1, "101", 0.41), (2, "101", 0.42), (4, "102", 0.1)]
    every = Replay(captured.db, ["101"], step="5s", every=True, start=nanoseconds(0))
    assert [row[:2] for row in told(every)] == [("Book", 5), ("Gap", 6)]


def test_a_replay_begins_with_the_last_whole_book_before_its_start(captured):
    listen(captured, 1)
    captured.book(-50_000, [(0.1, 1.0)], [])
    captured.book(-40_000, [(0.4, 5.0)], [])
    captured.change(-5, "BUY", 0.41, 1.0)
    captured.change(5, "SELL", 0.6, 1.0)
    (first, *_) = told(Replay(captured.db, ["101"], start=nanoseconds(0)))
    assert first[3:5] == ([(0.41, 1.0), (0.4, 5.0)], [(0.6, 1.0)])
    found = book_at(captured.db, "101", nanoseconds(-6))
    assert found.levels("BUY") == [(0.4, 5.0)]


def test_depth_adds_up_from_the_best_price(captured):
    captured.book(1, [(0.3, 1.0), (0.4, 5.0)], [(0.6, 2.0), (0.7, 3.0)])
    book = book_at(captured.db, "101", nanoseconds(1))
    assert book.depth("BUY") == [(0.4, 5.0), (0.3, 6.0)]
    assert book.depth("SELL", 1) == [(0.6, 2.0)]
    assert (book.midpoint, round(book.spread, 9)) == (0.5, 0.2)
    assert book.imbalance() == pytest.approx(3 / 7)
    assert book.imbalance(None) == pytest.approx(1 / 11)


def test_frames_hold_a_row_a_book(captured):
    captured.book(1, [(0.4, 5.0), (0.3, 1.0)], [(0.6, 2.0)])
    captured.change(2, "SELL", 0.6, 0.0)
    table = to_arrow(Replay(captured.db, ["101"]), depth=1)
    assert table["bid_prices"].to_pylist() == [[0.4], [0.4]]
    assert table["best_ask"].to_pylist() == [0.6, None]
    assert to_polars(Replay(captured.db, ["101"])).height == 2


def test_a_paced_replay_waits_as_long_as_it_was_then_by_the_speed():
    clock, slept = [100.0], []

    def sleep(seconds):
        slept.append(round(seconds, 3))
        clock[0] += seconds

    moments = [nanoseconds(s) for s in (0, 10, 10, 20)]
    for _ in paced(moments, int, 5, clock=lambda: clock[0], sleep=sleep):
        clock[0] += 0.5  # what the consumer takes
    assert slept == [1.5, 1.0]


def test_what_cannot_be_replayed_is_named(captured):
    captured.book(1, [(0.4, 5.0)], [])
    with pytest.raises(NoSuchToken, match="102"):
        Replay(captured.db, ["102"])
    with pytest.raises(NothingHeard, match="heard from"):
        book_at(captured.db, "101", nanoseconds(0))
    for wrong in ("yesterday", "2026-13-01", "2026-01-01T25:00:00"):
        with pytest.raises(UsageError, match=wrong):
            Replay(captured.db, ["101"], start=wrong)
    with pytest.raises(UsageError, match="before it begins"):
        Replay(captured.db, ["101"], start=nanoseconds(5), end=nanoseconds(4))
    with pytest.raises(UsageError, match="2s"):
        Replay(captured.db, ["101"], step="2s")


EVENT = st.tuples(
    st.integers(0, 40),  # a quarter of a second
    st.sampled_from([1, 2]),
    st.sampled_from(["book", "BUY", "SELL", "trade", "tick", "gap", "listen", "asked"]),
    st.integers(1, 5),
    st.sampled_from([0.0, 1.0, 2.5]),
)


def happen(captured, events):
    stretch = 901
    listen(captured, 1, 2)
    for n, (quarter, token, kind, price, size) in enumerate(sorted(events)):
        at = quarter / 4 + n / 1e6
        about = {"token": token, "walk_key": stretch}
        if kind == "book":
            captured.book(at, [(price / 10, size)], [(0.9, 1.0)], **about)
        elif kind == "trade":
            trade = {"side": "BUY", "price": price / 10, "size": size}
            captured.event(at, "last_trade_price", token, walk_key=stretch, **trade)
        elif kind == "tick":
            captured.event(at, "tick_size_change", token, walk_key=stretch)
        elif kind == "gap":
            captured.coverage(at, "broken", walk_key=stretch, reason="silent")
            stretch += 1
        elif kind == "listen":
            captured.coverage(at, "subscribed", token, walk_key=stretch)
        elif kind == "asked":
            levels = [(price / 10, size or 1.0)]
            captured.asked(at, levels, [], token_key=token, page_no=n)
        else:
            captured.change(at, kind, price / 10, size, **about)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    st.lists(EVENT, min_size=1, max_size=25),
    st.integers(0, 44),
    st.sampled_from(["tick", "1s"]),
)
def test_two_halves_replayed_equal_the_whole(events, cut, step):
    with empty_warehouse() as db:
        captured = Captured(db)
        for key in (1, 2):
            captured.token(key, f"10{key}")
        happen(captured, events)
        options = {"step": step, "end": nanoseconds(12), "prices": ["btc"]}
        db, start, middle = captured.db, nanoseconds(0), nanoseconds(cut / 4)
        whole = Replay(db, start=start, **options)
        first = Replay(db, start=start, **options | {"end": middle})
        everything, half = told(whole), told(first)
        second = Replay(db, resume=first.state(), **options)
        assert half + told(second) == everything
        assert second.state() == whole.state()


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(st.lists(EVENT, min_size=1, max_size=25), st.integers(0, 44))
def test_the_book_of_a_moment_is_that_of_the_replay_until_then(events, cut):
    with empty_warehouse() as db:
        captured = Captured(db)
        for key in (1, 2):
            captured.token(key, f"10{key}")
        captured.book(-1, [(0.5, 3.0)], [], token=1)
        happen(captured, events)
        moment = nanoseconds(cut / 4)
        db = captured.db
        replay = Replay(db, ["101"], start=nanoseconds(0), end=moment + 1)
        told(replay)
        found, wanted = book_at(db, "101", moment), replay.books["101"]
        assert (found.bids, found.asks, found.trusted) == (
            wanted.bids,
            wanted.asks,
            wanted.trusted,
        )
