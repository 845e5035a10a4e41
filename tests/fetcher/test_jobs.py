"""A job that fails is reported and the others go on; some errors end the run."""

from __future__ import annotations

import itertools
import threading
from contextlib import nullcontext

import pytest

from fetcher.errors import HostUnreachable, Refused, Stopped
from fetcher.jobs import Job, work_off
from fetcher.options import Options
from fetcher.run import Run
from fetcher.tally import Failure
from lake.batch import Batch
from settings import load
from settings.errors import PolylakeError


class Writer:
    """Takes batches, or fails with `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.batches: list[Batch] = []

    def put(self, batch: Batch) -> None:
        if self.error is not None:
            raise self.error
        self.batches.append(batch)

    def flush(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def run() -> Run:
    return run_with(Writer())


def run_with(writer: Writer) -> Run:
    nothing = None
    return Run(
        lake=nothing,
        writer=writer,
        cursor=nothing,
        gamma=nothing,
        data=nothing,
        clob=nothing,
        settings=load(),
        options=Options(),
        run_id="r",
    )


def raising(error: BaseException):
    def work() -> None:
        raise error

    return work


def test_every_job_is_done_on_the_threads_of_its_dataset(run):
    names = set()
    together = threading.Barrier(4, timeout=30)

    def work() -> None:
        together.wait()
        names.add(threading.current_thread().name)

    run.jobs("markets", [Job(str(n), work) for n in range(8)])
    assert len(names) == run.settings.workers["markets"] == 4
    assert run.tally.counts()["markets"].jobs_done == 8


def test_a_job_counts_for_the_dataset_that_it_fills(run):
    failing = raising(Refused("GET /t answered 400", status=400))
    jobs = [
        Job("a", lambda: None),
        Job("b", lambda: None, "taker_trades"),
        Job("c", failing, "taker_trades"),
    ]
    run.jobs("trades", jobs, total=3)
    counts = run.tally.counts()
    assert counts["trades"].jobs_done == run.tally.total("trades") == 1
    assert (counts["taker_trades"].jobs_done, run.tally.total("taker_trades")) == (1, 2)
    assert [one.dataset for one in run.tally.failures()] == ["taker_trades"]


def test_a_job_that_fails_does_not_stop_the_others(run):
    done = []
    jobs = [
        Job("a", lambda: done.append("a")),
        Job("b", raising(Refused("GET /b answered 400", status=400))),
        Job("c", lambda: done.append("c")),
    ]
    run.jobs("trades", jobs)
    assert sorted(done) == ["a", "c"]
    assert run.tally.failures() == [Failure("trades", "b", "GET /b answered 400")]
    counts = run.tally.counts()["trades"]
    assert (counts.jobs_done, counts.jobs_failed) == (2, 1)
    assert not run.stop.is_set()


def test_a_bug_fails_its_job_and_is_logged_whole(run, caplog):
    run.jobs("trades", [Job("a", raising(KeyError("size"))), Job("b", lambda: None)])
    assert run.tally.failures() == [Failure("trades", "a", "KeyError: 'size'")]
    assert run.tally.counts()["trades"].jobs_done == 1
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        HostUnreachable("h cannot be reached: refused.", host="h"),
        OSError(28, "No space left on device"),
        PolylakeError("Cannot write /lake."),
    ],
)
def test_an_error_that_all_jobs_would_meet_ends_the_run_and_is_told_once(run, error):
    begun = itertools.count()

    def work() -> None:
        next(begun)
        raise error

    run.jobs("trades", (Job(str(n), work) for n in range(1000)))
    assert next(begun) <= 8
    assert len(run.tally.failures()) == 1
    assert run.fatal is error
    assert run.stop.is_set()


def test_an_error_of_the_writer_ends_the_run(run):
    run = run_with(Writer(RuntimeError("the lake's writer stopped")))
    jobs = (Job(str(n), lambda: run.writer.put(Batch({}))) for n in range(1000))
    run.jobs("trades", jobs)
    assert len(run.tally.failures()) == 1
    assert run.stop.is_set()


def test_rows_that_do_not_fit_fail_their_job_only():
    run = run_with(Writer(ValueError("rows for trades have another schema")))
    run.jobs("trades", [Job(str(n), lambda: run.writer.put(Batch({}))) for n in (1, 2)])
    assert len(run.tally.failures()) == 2
    assert not run.stop.is_set()


def test_when_the_run_stops_no_further_job_is_begun(run):
    begun = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 10:
            run.stop.set()
        run.check()

    run.jobs("leaderboard", (Job(str(n), lambda n=n: work(n)) for n in range(1000)))
    assert len(begun) <= 12
    assert run.tally.failures() == []
    assert run.tally.counts()["leaderboard"].jobs_done <= 10


def test_a_job_that_leaves_because_of_the_stop_is_neither_done_nor_failed(run):
    run.jobs("trades", [Job("a", raising(Stopped())), Job("b", run.stop.set)])
    counts = run.tally.counts().get("trades")
    assert counts is None or counts.jobs_done == 0
    assert run.tally.failures() == []


def test_jobs_are_read_only_as_fast_as_they_are_done():
    read, ahead = 0, []
    hold = threading.Event()

    def jobs():
        nonlocal read
        for number in range(100):
            read += 1
            yield Job(str(number), hold.set if number == 3 else hold.wait)

    done = 0
    stop = threading.Event()
    for _ in work_off(jobs(), workers=4, stop=stop, context=nullcontext):
        done += 1
        ahead.append(read - done)
    assert done == 100
    assert max(ahead) <= 4


def test_no_thread_outlives_its_jobs(run):
    before = threading.active_count()
    run.jobs("trades", [Job(str(n), lambda: None) for n in range(20)])
    assert threading.active_count() == before


def test_requests_are_counted_for_the_dataset_whose_thread_sends_them(run):
    def work() -> None:
        run.tally.request_sent(again=False)
        run.tally.request_sent(again=True)

    run.jobs("trades", [Job("a", work), Job("b", work)])
    run.tally.request_sent(again=False)
    counts = run.tally.counts()
    assert (counts["trades"].requests, counts["trades"].retries) == (4, 2)
    assert set(counts) == {"trades"}
