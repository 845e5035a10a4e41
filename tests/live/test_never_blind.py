"""What is not to be believed: coverage, answers, clocks, connections."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace

import pytest

from fetcher.errors import Refused, UnexpectedPayload
from fetcher.live.book_rows import event_rows
from fetcher.live.books import Books, Care
from fetcher.live.choosing import Series
from fetcher.live.clock import SECOND_NS, ExchangeClock, Reception
from fetcher.live.failures import Failures
from fetcher.live.feeds import plain
from fetcher.live.hot_books import HotBooks
from fetcher.live.inbox import Inbox
from fetcher.live.positions import ALERT_AFTER, Positions
from fetcher.live.reading import Frame, Merged, Note, Reader
from fetcher.live.session import Session, Wire
from fetcher.live.shard import Ears, Shard
from fetcher.live.store import Store
from fetcher.live.stretch import Stretch
from fetcher.live.updown import Updown, exchange_seconds
from fetcher.live.watch import Watch
from sandbox.testing import sandbox_server
from settings import load
from tests.live.live_rig import (
    Home,
    connections,
    listening,
    some_tokens,
)
from tests.live.test_listening import Times

WIRE = Wire("books", "ws://x", "PING", 10, 30, 0.01, 0.02, 1, "polylake", "apis.x")
BOOK = {
    "event_type": "book",
    "market": "0xdd",
    "asset_id": "71321",
    "bids": [{"price": "0.48", "size": "30"}],
    "asks": [{"price": "0.53", "size": "25"}],
    "timestamp": "1703875200000",
}


class Abroad:
    """A shard with lines whose sockets only note that they were closed."""

    def __init__(self, *, connections: int = 1, room: int = 1_000) -> None:
        self.times = Times()
        self.clock = self.times.reception()
        self.inbox = Inbox(room)
        self.rows: list[tuple] = []
        self.closed: list[int] = []
        self.overflows = 0
        add = lambda _, rows: self.rows.extend(rows)  # noqa: E731
        self.failures = Failures("run", add, self.clock.now)
        ears = Ears(
            WIRE, self.clock, self.inbox, HotBooks(), self.failures, self._overflowed
        )
        self.shard = Shard(0, ears, connections=connections)
        self.shard.tokens["71321"] = "0xdd"
        self.lines = self.shard._lines

    def _overflowed(self) -> None:
        self.overflows += 1
        self.shard.break_off("dropped")

    def open(self, place: int) -> None:
        abort = lambda: self.closed.append(place)  # noqa: E731
        socket = SimpleNamespace(transport=SimpleNamespace(abort=abort))
        self.lines[place].session._socket = socket
        self.lines[place].session._why = None
        self.lines[place].opened()

    def hear(self, place: int, payload: bytes = b"{}") -> None:
        self.lines[place].heard(payload, self.clock.stamp())

    def lose(self, place: int, reason: str) -> None:
        self.lines[place].session._socket = None
        self.lines[place].lost(reason, "")

    def coverage(self) -> list[tuple]:
        notes = [item for item in self.inbox.take(0) if isinstance(item, Note)]
        return [row[:5] for note in notes for row in note.rows]


def test_of_a_frame_that_was_let_go_nothing_is_claimed():
    here = Abroad(room=10)
    here.open(0)
    here.hear(0, b"12345678")
    well = here.shard.stretch.well_at_ns
    here.times.go(SECOND_NS)
    here.hear(0, b"12345678")
    assert here.overflows == 1
    assert here.coverage()[-1] == (well, "broken", None, None, "dropped")


def test_no_stretch_begins_while_there_is_no_room_and_all_is_counted():
    here = Abroad(room=10)
    here.open(0)
    for _ in range(2):
        here.hear(0, b"12345678")
    here.lose(0, "dropped")
    here.open(0)
    for _ in range(3):
        here.hear(0, b"12345678")
    here.shard.alive()
    states = [row[1] for row in here.coverage()]
    assert states == ["subscribed", "broken"], "nothing is alive"
    assert here.inbox.recovered().frames == 4


def test_a_freeze_began_when_the_last_data_came():
    here = Abroad()
    here.open(0)
    here.hear(0)
    well = here.shard.stretch.well_at_ns
    here.times.go(60 * SECOND_NS)
    here.hear(0, b"PONG")
    here.lose(0, "silent")
    assert [row[3] for row in here.rows] == [well]


def test_of_two_connections_the_one_that_is_frozen_is_closed_without_a_gap():
    here = Abroad(connections=2)
    here.open(0)
    here.open(1)
    for second in range(30):
        here.times.go(SECOND_NS)
        here.hear(0)
        here.hear(1, b"{}" if second < 10 else b"PONG")
        here.lines[0].tick()
    assert set(here.closed) == {1}
    assert here.shard.stretch is not None
    assert not [row for row in here.coverage() if row[1] == "broken"]


def test_two_connections_with_nothing_to_say_are_both_well():
    here = Abroad(connections=2)
    here.open(0)
    here.times.go(60 * SECOND_NS)
    here.open(1)
    here.hear(1)  # the snapshots, which come to the one that opened
    here.times.go(60 * SECOND_NS)
    here.lines[0].tick()
    here.lose(1, "disconnected")
    assert not here.closed
    assert here.shard.stretch is not None


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_gap_that_only_a_frozen_connection_spans_is_a_gap(comes_back):
    here = Abroad(connections=2)
    here.open(0)
    here.open(1)
    for _ in range(10):
        here.times.go(SECOND_NS)
        here.hear(0)
        here.hear(1)
    well = here.shard.stretch.well_at_ns
    if comes_back:  # frozen only after the other was lost, which is soon back
        here.lose(0, "disconnected")
        here.times.go(5 * SECOND_NS)
        here.open(0)
    for _ in range(4 if not comes_back else 20):
        here.times.go(SECOND_NS)
        here.hear(0)
        here.lines[0].tick()
    if not comes_back:  # frozen, and not found out when the other is lost
        well = here.shard.stretch.well_at_ns
        here.lose(0, "disconnected")
    broken = [row for row in here.coverage() if row[1] == "broken"]
    assert broken[0][0] == well
    assert 1 in here.closed


def test_a_connection_lost_in_silence_spans_no_gap_of_the_other():
    here = Abroad(connections=2)
    here.open(0)
    here.open(1)
    here.times.go(SECOND_NS)
    here.hear(0)
    here.hear(1)  # and is frozen from here on
    frozen_ns = here.lines[1].heard_ns
    here.times.go(SECOND_NS)
    here.lose(0, "disconnected")
    here.times.go(SECOND_NS)
    here.open(0)
    here.hear(0)
    here.lose(1, "disconnected")
    broken = [row for row in here.coverage() if row[1] == "broken"]
    assert [row[0] for row in broken] == [frozen_ns]
    assert here.closed == [0], "which then begins anew, with all books"


def test_until_the_other_connection_speaks_its_silence_is_in_doubt():
    here = Abroad(connections=2)
    here.open(0)
    here.open(1)
    here.times.go(SECOND_NS)
    here.hear(1)
    here.hear(0)
    well = here.shard.stretch.well_at_ns
    here.lose(0, "disconnected")
    here.times.go(SECOND_NS)
    here.open(0)
    here.hear(0)
    here.shard.alive()
    here.times.go(SECOND_NS)
    here.hear(1)
    spoken = here.shard.stretch.well_at_ns
    here.shard.alive()
    told = [row[:2] for row in here.coverage() if row[1] != "subscribed"]
    assert told == [
        (well, "doubted"),
        (well, "alive"),
        (spoken, "bridged"),
        (spoken, "alive"),
    ]


def test_a_connection_that_was_frozen_while_the_other_was_away_spans_nothing():
    here = Abroad(connections=2)
    here.open(0)
    here.open(1)
    here.times.go(SECOND_NS)
    here.hear(1)  # and is frozen from here on, but for a while
    here.hear(0)
    well = here.shard.stretch.well_at_ns
    here.lose(0, "disconnected")
    here.open(0)
    for payload in (b"[{}]", b"{}", b"{}", b"{}"):
        here.times.go(SECOND_NS)
        here.hear(0, payload)
    here.hear(1)
    states = [row[:2] for row in here.coverage() if row[1] != "subscribed"]
    assert states == [(well, "doubted"), (well, "broken")]
    assert here.closed == [0, 1], "which begin anew, with all books"


def test_a_connection_that_is_opened_again_is_another():
    here = Abroad(connections=2)
    for place in (0, 1, 0):
        here.open(place)
        here.hear(place)
    frames = [item for item in here.inbox.take(0) if isinstance(item, Frame)]
    assert len({frame.connection for frame in frames}) == 3


class Asked:
    """The CLOB, which answers what a test says."""

    def __init__(self, *books: dict) -> None:
        self.books = books

    def load(self, *_: object, **__: object):
        answer = SimpleNamespace(fetched_at=SimpleNamespace(timestamp=lambda: 1.0))
        return answer, list(self.books)


def watching(
    *answer: dict, heard: dict | None = BOOK, behind: float = 0.0
) -> tuple[Watch, HotBooks]:
    books = HotBooks()
    if heard is not None:
        books.follow(event_rows(heard, 1, 1))
    failures = Failures("run", lambda *_: None, lambda: 5)
    clob = Asked(*answer)
    watch = Watch(
        clob, books, failures, lambda *_: None, lambda: 5,
        run_id="run", behind=lambda: behind,
    )  # fmt: skip
    return watch, books


GHOST = BOOK | {
    "bids": [{"price": "0.01", "size": "9"}],
    "asks": [{"price": "0.99", "size": "9"}],
}


@pytest.mark.parametrize("answer", [(), (GHOST,)])
def test_an_answer_without_the_book_proves_nothing(answer):
    watch, _ = watching(*answer)
    found = asyncio.run(watch.compare(["71321"]))
    assert not found.wrong
    assert found.unknown == {"71321"}
    assert "71321" not in watch.well_at


def test_an_equal_book_proves_that_all_is_well():
    watch, _ = watching(BOOK)
    found = asyncio.run(watch.compare(["71321"]))
    assert (found.wrong, found.unknown) == ({}, frozenset())
    assert watch.well_at == {"71321": 5}
    watch.forget(["71321"])
    assert not watch.well_at
    assert not watch.asked_at


def test_books_are_not_wrong_while_what_was_heard_is_not_read_yet():
    moved = BOOK | {"bids": [{"price": "0.47", "size": "30"}]}
    watch, _ = watching(moved, behind=3.0)
    assert asyncio.run(watch.compare(["71321"])) is None
    assert watch.differed == 0


def test_an_inbox_knows_since_when_something_waits():
    inbox = Inbox(100)
    inbox.note("a note")
    assert inbox.oldest_ns is None
    inbox.put("a", 1, at_ns=7)
    inbox.put("b", 1, at_ns=8)
    assert inbox.oldest_ns == 7


def test_a_book_that_never_came_is_missing_and_not_wrong():
    watch, _ = watching(BOOK, heard=None)
    found = asyncio.run(watch.compare(["71321"]))
    assert (found.wrong, found.unheard) == ({}, {"71321"})
    assert watch.differed == 0


def test_a_shard_that_was_emptied_is_listened_to_once_when_it_fills_again(tmp_path):
    with sandbox_server() as box:
        url = load(Home(tmp_path, box).toml).apis.clob_stream.url
        wire = Wire("books", url, "PING", 10, 30, 0.01, 0.02, 1, "polylake", "apis.x")
        first, second = some_tokens(box, 2)
        watch, hot = watching()
        care = Care(250, 1, 3, 60, 180, 600, 10)
        clock = Reception()
        failures = Failures("run", lambda *_: None, clock.now)
        books = Books(wire, care, clock, Inbox(10**6), hot, failures, watch)

        async def fill_twice() -> None:
            await books.listen({first: "0xdd"})
            while not listening(box, 1):
                await asyncio.sleep(0)
            await books.leave([first])
            await books.listen({second: "0xdd"})
            while not listening(box, 1):
                await asyncio.sleep(0)
            await asyncio.sleep(0.1)
            assert len(connections(box)) == 1
            await books.end()

        asyncio.run(fill_twice())
        assert box.live()["opened"] == 1


def test_books_of_tokens_that_were_left_are_not_shown_for_ever():
    _, books = watching()
    books.keep_only({"another"})
    assert books.tokens() == []


class Disk:
    """A writer that takes nothing until it is told to."""

    def __init__(self) -> None:
        self.goes = threading.Event()
        self.tables: dict[str, int] = {}

    def put(self, batch) -> None:
        self.goes.wait(30)
        for name, table in batch.rows.items():
            self.tables[name] = self.tables.get(name, 0) + table.num_rows

    def fold(self) -> None:
        pass


def rows_of_errors(count: int, *, started: object = 1) -> list[tuple]:
    row = ("e", "books", "silent", started, None, None, "", 1, "run", 0, 0, None)
    return [row] * count


def test_rows_wait_for_a_slow_disk_within_a_bound():
    disk, told = Disk(), threading.Event()
    with Store(disk, fold_seconds=600, give_up=print, most_waiting=10) as store:
        store.add("service_errors", rows_of_errors(20))
        waits = threading.Thread(target=lambda: (store.wait_for_room(), told.set()))
        waits.start()
        assert not told.wait(0.3), "the disk has taken nothing yet"
        assert store.waiting == 20
        disk.goes.set()
        waits.join()
        assert store.waiting == 0
    assert disk.tables == {"service_errors": 20}


def test_a_row_that_no_column_can_hold_is_told_and_harms_no_other():
    disk, told, ended = Disk(), [], []
    disk.goes.set()
    misfit = lambda *what: told.append(what)  # noqa: E731
    with Store(disk, fold_seconds=600, give_up=ended.append, misfit=misfit) as store:
        bad = rows_of_errors(1, started=1 << 70) + rows_of_errors(1, started="noon")
        store.add("service_errors", rows_of_errors(2) + bad + rows_of_errors(3))
    assert not ended
    assert disk.tables == {"service_errors": 5}
    assert [name for name, _ in told] == ["service_errors"] * 2


def read(*frames: Frame) -> list[tuple]:
    inbox, rows, ended = Inbox(10**7), [], []
    reader = Reader(
        inbox, HotBooks(), lambda _, new: rows.extend(new), now=lambda: 1,
        malformed=lambda _: None, resolved=lambda _: None, give_up=ended.append,
    )  # fmt: skip
    with reader:
        for frame in frames:
            inbox.put(frame, 1, at_ns=1)
    assert not ended
    return rows


def test_a_message_nested_without_end_is_kept_and_ends_nothing():
    deep = b'{"event_type":"deep","x":' + b"[" * 1_000 + b"]" * 1_000 + b"}"
    stretch = Stretch.new(1)
    after = b'{"event_type":"new_market","market":"0x1"}'
    for merged in (False, True):
        rows = read(
            Frame(stretch, 0, 1, deep, 0, merged),
            Frame(stretch, 1, 2, after, 0, merged),
        )
        assert [row[2] for row in rows] == ["malformed", "new_market"]


def test_a_message_is_one_however_each_connection_words_it():
    stretch = Stretch.new(1)
    alone = b'{"event_type": "new_market", "market": "0x1"}'
    in_array = b'[{"event_type":"new_market","market":"0x1"}]'
    frames = [Frame(stretch, i, i, p, i, True) for i, p in enumerate((alone, in_array))]
    assert len(read(*frames)) == 1


def test_a_snapshot_of_another_stretch_is_another():
    merged = Merged()
    assert merged.is_new(b"x", 0, 1, "first")
    assert merged.is_new(b"x", 1, 2, "second"), "the other was broken off"
    assert not merged.is_new(b"x", 0, 3, "second")


def test_time_never_stands_when_the_clock_is_set_back():
    times = Times()
    clock = times.reception()
    times.day -= 3_600 * SECOND_NS
    told = []
    for _ in range(10):
        before = clock.now()
        times.go(60 * SECOND_NS)
        told.append(clock.set_right())
        assert clock.now() - before >= 30 * SECOND_NS
    assert told == [-3_600 * SECOND_NS] + [0] * 9, "a leap is told once"
    for _ in range(120):
        times.go(60 * SECOND_NS)
        clock.set_right()
    assert clock.now() == times.day


def test_a_failure_never_ends_before_it_began():
    rows, now = [], [100 * SECOND_NS]
    failures = Failures("run", lambda _, new: rows.extend(new), lambda: now[0])
    error = failures.begin("capture", "down", "")
    now[0] = 40 * SECOND_NS
    failures.end(error, rate=3.0)
    assert rows[-1][3:6] == (100 * SECOND_NS, 100 * SECOND_NS, 0)


class Breaks:
    """A listener that fails at the first frame."""

    def __init__(self, token: str) -> None:
        self.told: list[str] = []
        self.token = token
        self.broke = asyncio.Event()

    def opening(self) -> list[str]:
        asked = {"assets_ids": [self.token], "type": "market", "initial_dump": True}
        return [json.dumps(asked)]

    def opened(self) -> None:
        self.told.append("opened")

    def heard(self, payload: bytes, received_ns: int) -> None:
        self.broke.set()
        raise RuntimeError("nobody foresaw this")

    def lost(self, reason: str, details: str) -> None:
        self.told.append(reason)

    def tick(self) -> None:
        pass


def test_a_connection_whose_listener_breaks_is_lost_and_opened_again(tmp_path):
    with sandbox_server() as box:
        url = load(Home(tmp_path, box).toml).apis.clob_stream.url
        wire = Wire("books", url, "PING", 10, 30, 0.01, 0.02, 1, "polylake", "apis.x")
        listener = Breaks(some_tokens(box, 1)[0])

        async def listen() -> None:
            running = asyncio.create_task(Session(wire, listener, Reception()).run())
            while len(listener.told) < 3:
                assert not running.done()
                await asyncio.sleep(0.01)
            running.cancel()

        asyncio.run(listen())
        assert listener.told[:3] == ["opened", "crashed", "opened"]


@pytest.mark.parametrize("steps", range(12))
def test_a_session_ends_in_whatever_moment_it_is_cancelled(tmp_path, steps):
    with sandbox_server() as box:
        url = load(Home(tmp_path, box).toml).apis.clob_stream.url
        wire = Wire("books", url, "PING", 10, 30, 0.01, 0.02, 1, "polylake", "apis.x")
        listener = Breaks(some_tokens(box, 1)[0])

        async def listen() -> bool:
            running = asyncio.create_task(Session(wire, listener, Reception()).run())
            await listener.broke.wait()
            for _ in range(steps):
                await asyncio.sleep(0)
            running.cancel()
            ended, _ = await asyncio.wait((running,), timeout=5)
            running.cancel()  # so that a failure is no standstill
            return bool(ended)

        assert asyncio.run(listen())


def a_run(*, upto: dict[str, int], time: object) -> SimpleNamespace:
    def away(*_: object, **__: object):
        raise Refused("no", status=400)

    saved = SimpleNamespace(values={"updown": {"upto": upto, "open": []}})
    said = SimpleNamespace(json=lambda: time)
    return SimpleNamespace(
        cursor=saved,
        writer=SimpleNamespace(put=lambda _: None),
        clob=SimpleNamespace(get=lambda *_, **__: said),
        gamma=SimpleNamespace(get=away, load=away),
    )


def test_windows_are_expected_although_a_wrong_clock_had_expected_others():
    run = a_run(upto={"btc-5m": 10**11}, time=1_790_000_000)
    clock = ExchangeClock()
    clock.told(1_790_000_000)
    failures = Failures("run", lambda *_: None, lambda: 1)
    updown = Updown(
        run, [Series("btc", "5m")], clock, failures, lambda *_: None, lambda: 1,
        ahead_seconds=600, attempts=3, listen=None, leave=None,
    )  # fmt: skip
    updown._expect()
    starts = [one["window_start"] for one in updown.shown()]
    assert starts[0] <= 1_790_000_000 < starts[1]


@pytest.mark.parametrize("time", ["soon", None, {}, 1_790_000_000_000_000, -5])
def test_what_is_no_time_is_not_taken_for_the_exchanges(time):
    with pytest.raises(UnexpectedPayload):
        exchange_seconds(a_run(upto={}, time=time))


def test_one_wrong_answer_does_not_move_the_exchanges_clock():
    run = a_run(upto={}, time=1_790_000_000 + 86_400)
    clock = ExchangeClock(counter=lambda: 0.0)
    clock.told(1_790_000_000)
    failures = Failures("run", lambda *_: None, lambda: 1)
    updown = Updown(
        run, [], clock, failures, lambda *_: None, lambda: 1,
        ahead_seconds=600, attempts=3, listen=None, leave=None,
    )  # fmt: skip
    asyncio.run(updown._tell_time())
    assert clock.now() == 1_790_000_000
    for _ in range(2):
        asyncio.run(updown._tell_time())
    assert clock.now() == 1_790_086_400, "it says so again and again"


@pytest.mark.parametrize("error", [Refused("no", status=400), TypeError("no list")])
def test_a_market_that_always_fails_is_told_once_whatever_the_others_say(error):
    rows: list[tuple] = []
    answers = {"good": lambda: [], "bad": None}

    def load(_path, params, _parse, **_):
        if dict(params)["condition"] == "bad":
            raise error
        return SimpleNamespace(age_seconds=None), ([], None)

    failures = Failures("run", lambda *_: None, lambda: 10)
    positions = Positions(
        SimpleNamespace(load=load), failures,
        lambda name, new: rows.extend(new) if name == "position_polls" else None,
        lambda: 10, lambda: answers, run_id="run",
        every_seconds=10, wallets=5,
    )  # fmt: skip

    async def ask() -> None:
        for _ in range(ALERT_AFTER + 2):
            for market in answers:
                await positions._poll(market, "positions")

    asyncio.run(ask())
    assert failures.counts == {"positions": 1}
    states = [row[2] for row in rows]
    assert states.count("failed") == states.count("empty") == ALERT_AFTER + 2


def test_a_price_of_a_million_digits_is_none():
    with pytest.raises(ValueError, match="is no price"):
        plain("1e999999999")
