"""No window of ten seconds holds more requests than the limit, whoever sends them."""

from __future__ import annotations

import bisect
import multiprocessing
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import settings as configuration
from fetcher.errors import Stopped
from fetcher.limits import JITTER_SECONDS, WINDOW_SECONDS, Limiter
from fetcher.slots import RECORD
from settings.errors import UsageError

HOST = "service.test:443"


class FakeClock:
    """A clock that all processes of a host see; sleeping moves it."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.jitter = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now + self.jitter

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        with self._lock:
            self.now = max(self.now, until)


def limiter(folder, clock, limits, *, shards=1):
    return Limiter(HOST, limits, folder, clock=clock, sleep=clock.sleep, shards=shards)


def most_in_a_window(times: list[float]) -> int:
    times = sorted(times)
    return max(
        bisect.bisect_right(times, begin + WINDOW_SECONDS) - index
        for index, begin in enumerate(times)
    )


pauses = st.one_of(st.just(0.0), st.floats(0, 0.5), st.floats(5, 25))


@settings(max_examples=80, deadline=None)
@given(
    limit=st.integers(1, 300),
    steps=st.lists(
        st.tuples(
            st.integers(0, 2),  # which process asks
            st.integers(1, 60),  # how often
            pauses,  # after this pause
            st.booleans(),  # having been started again
            st.floats(-0.05, 0.05),  # with a clock that is off by this
            st.floats(0, JITTER_SECONDS - 0.11),  # each arriving so much later
        ),
        max_size=25,
    ),
)
def test_no_window_holds_more_than_the_limit(tmp_path_factory, limit, steps):
    folder = tmp_path_factory.mktemp("runtime")
    clock = FakeClock()
    processes = [limiter(folder, clock, {"g": limit}) for _ in range(3)]
    arrivals = []
    for which, requests, pause, restarted, jitter, delay in steps:
        clock.jitter = 0.0
        clock.sleep(pause)
        if restarted:
            processes[which].close()
            processes[which] = limiter(folder, clock, {"g": limit})
        clock.jitter = jitter
        for _ in range(requests):
            processes[which].acquire(("g",))
            arrivals.append(clock.now + delay)
    for process in processes:
        process.close()
    assert not arrivals or most_in_a_window(arrivals) <= limit


@settings(max_examples=12, deadline=None)
@given(limit=st.integers(1, 200), threads=st.integers(2, 6))
def test_threads_of_two_processes_share_the_limit(tmp_path_factory, limit, threads):
    folder = tmp_path_factory.mktemp("runtime")
    clock = FakeClock()
    granted: list[float] = []
    began = threading.local()

    def noted() -> float:
        now = clock()
        if not hasattr(began, "at"):
            began.at = now
        return now

    limiters = [
        Limiter(HOST, {"g": limit}, folder, clock=noted, sleep=clock.sleep)
        for _ in range(2)
    ]

    def work(which: int) -> None:
        for _ in range(40):
            waited = limiters[which].acquire(("g",))
            granted.append(began.at + waited)
            del began.at

    pool = [threading.Thread(target=work, args=(n % 2,)) for n in range(threads)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    for one in limiters:
        one.close()
    assert len(granted) == 40 * threads
    assert most_in_a_window(granted) <= limit


def _acquire_for(folder, seconds, queue):
    mine = Limiter(HOST, {"g": 1000}, folder)
    count, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        mine.acquire(("g",))
        count += 1
    mine.close()
    queue.put(count)


def test_processes_of_a_host_share_the_limit(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    began = time.monotonic()
    processes = [
        context.Process(target=_acquire_for, args=(tmp_path, 0.3, queue))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    total = sum(queue.get(timeout=30) for _ in processes)
    for process in processes:
        process.join()
    one = Limiter(HOST, {"g": 1000}, tmp_path)
    allowed = 30 + (time.monotonic() - began) * one.allowed_per_second("g")
    assert 30 < total <= allowed


@pytest.mark.parametrize("group", sorted(configuration.load().limits))
def test_the_sustained_rate_is_nearly_the_limit(tmp_path, group):
    limit = configuration.load().limits[group]
    clock = FakeClock()
    mine = limiter(tmp_path, clock, {group: limit})
    began = clock.now
    for _ in range(3 * limit):
        mine.acquire((group,))
    mine.close()
    assert 3 * limit / (clock.now - began) * WINDOW_SECONDS >= 0.95 * limit


def test_a_request_passes_all_its_groups(tmp_path):
    clock = FakeClock()
    mine = limiter(tmp_path, clock, {"all": 40, "some": 20})
    some, others = [], []
    for number in range(200):
        mine.acquire(("all", "some") if number % 2 else ("all",))
        (some if number % 2 else others).append(clock.now)
    mine.close()
    assert most_in_a_window(some) <= 20
    assert most_in_a_window(some + others) <= 40
    assert mine.use()["all"].requests == 200
    assert mine.use()["some"].requests == 100


def test_a_group_that_waits_takes_nothing_from_the_others(tmp_path):
    clock = FakeClock()
    mine = limiter(tmp_path, clock, {"all": 100, "some": 1})
    mine.acquire(("all", "some"))
    for _ in range(50):
        assert mine._try(("all", "some"))[1] > 0
    before = clock.now
    mine.acquire(("all",))
    mine.close()
    assert clock.now == before


def test_shards_divide_the_limit(tmp_path):
    clock = FakeClock()
    mine = limiter(tmp_path, clock, {"g": 80}, shards=8)
    times = []
    for _ in range(50):
        mine.acquire(("g",))
        times.append(clock.now)
    mine.close()
    assert most_in_a_window(times) <= 10


def test_a_429_turns_the_rate_down_and_time_turns_it_up_again(tmp_path):
    clock = FakeClock()
    mine = limiter(tmp_path, clock, {"g": 100})

    def seconds_for(requests: int) -> float:
        before = clock.now
        for _ in range(requests):
            mine.acquire(("g",))
            mine.recovered(("g",))
        return clock.now - before

    full = seconds_for(100)
    for _ in range(8):  # answers to requests that were under way at once
        mine.throttled(("g",))
    slowed = seconds_for(20)
    seconds_for(300)
    recovered = seconds_for(100)
    mine.close()
    assert slowed / 20 > 1.5 * full / 100
    assert recovered == pytest.approx(full, rel=0.1)
    assert mine.use()["g"].throttled == 8


def test_retry_after_pauses_the_tightest_group_for_every_thread(tmp_path):
    clock = FakeClock()
    mine = limiter(tmp_path, clock, {"all": 1000, "some": 100})
    mine.throttled(("all", "some"), retry_after=7)
    before = clock.now
    mine.acquire(("all",))
    assert clock.now == before
    mine.acquire(("all", "some"))
    mine.close()
    assert clock.now == pytest.approx(before + 7)
    assert mine.use()["some"].waited_seconds == pytest.approx(7)


def test_a_pause_holds_for_other_runs_of_the_host_and_for_the_next_one(tmp_path):
    clock = FakeClock()
    told = limiter(tmp_path, clock, {"g": 100})
    other = limiter(tmp_path, clock, {"g": 100})
    other.acquire(("g",))
    told.throttled(("g",), retry_after=7)
    told.close()
    before = clock.now
    other.acquire(("g",))
    other.close()
    assert clock.now == pytest.approx(before + 7)
    restarted = limiter(tmp_path, clock, {"g": 100})
    restarted.throttled(("g",), retry_after=60)
    restarted.close()
    again = limiter(tmp_path, clock, {"g": 100})
    again.acquire(("g",))
    again.close()
    assert clock.now >= before + 67


@pytest.mark.parametrize("nonsense", [1e300, float("nan"), float("inf")])
def test_a_damaged_file_does_not_keep_anyone_waiting_for_ever(tmp_path, nonsense):
    clock = FakeClock()
    mine = limiter(tmp_path, clock, {"g": 100})
    mine.acquire(("g",))
    file = tmp_path / f"{HOST.replace(':', '_')}.g"
    boot = file.read_bytes()[8:]
    file.write_bytes(RECORD.pack(nonsense, boot))
    before = clock.now
    mine.acquire(("g",))
    mine.close()
    assert clock.now - before < 120


def test_what_is_asked_again_is_counted(tmp_path):
    mine = limiter(tmp_path, FakeClock(), {"all": 100, "some": 50})
    mine.acquire(("all", "some"))
    mine.acquire(("all", "some"), again=True)
    mine.acquire(("all",))
    mine.close()
    assert [mine.use()[group].retries for group in ("all", "some")] == [1, 1]


def test_answers_that_become_slow_turn_the_rate_down(tmp_path):
    clock = FakeClock()
    mine = limiter(tmp_path, clock, {"g": 100})
    for _ in range(2):
        mine.recovered(("g",), seconds=20)
    assert mine._paces["g"].factor == 1
    mine.recovered(("g",), seconds=20)
    assert mine._paces["g"].factor < 1


def test_a_wait_too_short_for_the_clock_does_not_spin(tmp_path):
    clock, sleeps = FakeClock(), []

    def coarse(seconds: float) -> None:
        assert len(sleeps) < 10
        sleeps.append(seconds)
        clock.now += seconds if seconds > 1e-6 else 0.0

    mine = Limiter(HOST, {"g": 1}, tmp_path, clock=clock, sleep=coarse)
    mine.acquire(("g",))
    file = tmp_path / f"{HOST.replace(':', '_')}.g"
    clock.now = RECORD.unpack(file.read_bytes())[0] - 1e-9
    mine.acquire(("g",))
    mine.close()
    assert sleeps


def test_waiting_ends_when_the_run_is_stopping(tmp_path):
    clock = FakeClock()

    def stopping(seconds: float) -> None:
        raise Stopped

    mine = Limiter(HOST, {"g": 1}, tmp_path, clock=clock, sleep=stopping)
    mine.acquire(("g",))
    with pytest.raises(Stopped):
        mine.acquire(("g",))
    mine.close()


def test_what_was_written_before_the_host_started_anew_does_not_count(tmp_path):
    clock = FakeClock(now=5.0)
    file = tmp_path / f"{HOST.replace(':', '_')}.g"
    file.write_bytes(RECORD.pack(90_000.0, b"another boot".ljust(36)))
    mine = limiter(tmp_path, clock, {"g": 10})
    mine.acquire(("g",))
    mine.close()
    assert clock.now == 5.0


def test_a_torn_file_is_a_fresh_one(tmp_path):
    clock = FakeClock()
    (tmp_path / f"{HOST.replace(':', '_')}.g").write_bytes(b"\x01\x02")
    mine = limiter(tmp_path, clock, {"g": 10})
    mine.acquire(("g",))
    mine.close()


def test_a_runtime_folder_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    mine = Limiter(HOST, {"g": 10}, tmp_path / "link")
    with pytest.raises(UsageError, match="belongs to someone else"):
        mine.acquire(("g",))


def test_a_runtime_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    mine = Limiter(HOST, {"g": 10}, tmp_path / "file" / "runtime")
    with pytest.raises(UsageError, match=r"paths\.runtime"):
        mine.acquire(("g",))
