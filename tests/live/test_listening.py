"""The parts of listening: stamps, the inbox, merging, stretches, failures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fetcher.live.clock import SECOND_NS, EventNumbers, ExchangeClock, Reception
from fetcher.live.failures import Failures
from fetcher.live.inbox import Inbox
from fetcher.live.reading import Merged
from fetcher.live.stretch import Stretch


class Times:
    """A host's clock and a counter that a test moves."""

    def __init__(self) -> None:
        self.day, self.count = 1_000 * SECOND_NS, 0

    def reception(self) -> Reception:
        return Reception(lambda: self.day, lambda: self.count)

    def go(self, ns: int) -> None:
        self.day += ns
        self.count += ns


@given(st.lists(st.integers(-(10**10), 10**10), max_size=20))
def test_stamps_ascend_whatever_the_clock_does(leaps):
    times = Times()
    clock = times.reception()
    stamps = [clock.stamp()]
    for leap in leaps:
        times.day += leap
        times.go(1)
        clock.set_right()
        stamps += [clock.stamp(), clock.stamp()]
    assert stamps == sorted(set(stamps))


def test_a_clock_that_leaps_is_followed_and_told():
    times = Times()
    clock = times.reception()
    times.go(SECOND_NS)
    times.day += 5 * SECOND_NS
    assert clock.set_right() == 5 * SECOND_NS
    assert clock.stamp() == 1_006 * SECOND_NS


@given(st.lists(st.integers(0, 10**6), min_size=1), st.integers(0, 1023))
def test_event_numbers_ascend_and_keep_the_lane_of_their_process(gaps, lane):
    numbers, at, given_out = EventNumbers(lane), 10**18, []
    for gap in gaps:
        at += gap
        given_out.append(numbers.next(at))
    assert given_out == sorted(set(given_out))
    assert {number % 1024 for number in given_out} == {lane}


def test_the_exchange_is_believed_and_not_the_host():
    counter = [0.0]
    clock = ExchangeClock(lambda: 500.0, lambda: counter[0])
    assert not clock.is_told
    assert clock.told(1_000.0) == 500.0
    counter[0] = 7.5
    assert clock.now() == 1_007.5
    clock.told(1_007.0)  # whole seconds: not half a second back
    assert clock.now() == 1_007.5


def test_an_inbox_without_room_counts_what_it_lets_go_and_says_so_once():
    inbox: Inbox[str] = Inbox(10)
    assert inbox.put("a", 6, at_ns=1)
    assert not inbox.put("b", 6, at_ns=2)
    assert not inbox.put("c", 1, at_ns=3), "nothing is taken until that is known"
    inbox.note("a note")
    assert inbox.recovered() is None
    assert inbox.take(0) == ["a", "a note"]
    lost = inbox.recovered()
    assert (lost.since_ns, lost.until_ns, lost.frames, lost.bytes) == (2, 3, 2, 7)
    assert inbox.put("d", 6, at_ns=4)
    assert inbox.recovered() is None


def test_a_frame_larger_than_the_room_is_taken_where_nothing_waits():
    inbox: Inbox[str] = Inbox(10)
    assert inbox.put("huge", 1_000, at_ns=1)


def test_an_inbox_is_done_when_it_is_closed_and_empty():
    inbox: Inbox[str] = Inbox(10)
    inbox.put("a", 1, at_ns=1)
    inbox.close()
    assert not inbox.is_done
    inbox.take(0)
    assert inbox.is_done


@st.composite
def two_connections(draw):
    """Messages, and how two connections bring parts of them, in their order."""
    messages = draw(st.lists(st.sampled_from([b"x", b"y", b"z"]), max_size=12))
    pairs = [
        (i, connection)
        for i in range(len(messages))
        for connection in draw(st.sampled_from([(0,), (1,), (0, 1)]))
    ]
    shuffled = draw(st.permutations(pairs))
    mine = [sorted(p for p in shuffled if p[1] == one) for one in (0, 1)]
    order = [mine[connection].pop(0) for _, connection in shuffled]
    return messages, [(messages[i], connection) for i, connection in order]


@given(two_connections())
def test_merging_keeps_what_either_connection_brought_most_of(case):
    _, brought = case
    merged = Merged()
    kept = [body for body, one in brought if merged.is_new(body, one, 1)]
    for body in (b"x", b"y", b"z"):
        most = max(sum(b == body and c == one for b, c in brought) for one in (0, 1))
        assert kept.count(body) == most


def test_merging_forgets_after_a_minute():
    merged = Merged()
    assert merged.is_new(b"x", 0, 0)
    assert not merged.is_new(b"x", 1, 59 * SECOND_NS)
    assert merged.is_new(b"x", 1, 61 * SECOND_NS)


def test_a_stretch_knows_its_pace_and_when_all_was_well():
    stretch = Stretch.new(0)
    for i in range(100):
        assert stretch.heard(i * SECOND_NS // 10) == i
    assert 9 < stretch.rate() <= 10
    assert stretch.well_at_ns == 99 * SECOND_NS // 10
    stretch.heard(1_000 * SECOND_NS)
    assert stretch.rate() < 1, "a minute later the old pace is forgotten"


def test_a_failure_has_a_row_at_both_ends_and_an_estimate():
    rows, now = [], [10 * SECOND_NS]
    failures = Failures("run", lambda _, new: rows.extend(new), lambda: now[0])
    error = failures.begin("books", "silent", "nothing came", since_ns=4 * SECOND_NS)
    now[0] = 14 * SECOND_NS
    failures.end(error, rate=3.0)
    failures.end(error, rate=3.0)
    assert [row[:6] for row in rows] == [
        ("run-1", "books", "silent", 4 * SECOND_NS, None, None),
        ("run-1", "books", "silent", 4 * SECOND_NS, 14 * SECOND_NS, 30),
    ]
    assert [row[10] for row in rows] == [0, 1]
