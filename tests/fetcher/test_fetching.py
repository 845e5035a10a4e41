"""A run locks, checks and stores in the right order, and tells what it came to."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from bronze import DATASETS
from fetcher.ending import Ending, limited, listening
from fetcher.errors import HostUnreachable, Refused
from fetcher.fetching import fetch
from fetcher.options import Options
from fetcher.run import Job, Run, steady_clock
from fetcher.summary import as_json, as_text
from lake.batch import Batch, CursorChange
from lake.cursor import CursorFile
from lake.lake import Lake
from settings import load
from settings.errors import Locked, PolylakeError, UsageError

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Fake:
    """A phase that a test makes up."""

    work: Callable[[Run], None]
    dataset: str = "live_volume"
    group: str = "data_v2_all"

    def __call__(self, run: Run) -> None:
        self.work(run)


@pytest.fixture
def settings(tmp_path, service):
    def write(attempts: int = 1):
        path = tmp_path / "config.toml"
        text = f'[paths]\nruntime = "{tmp_path}/runtime"\n'
        text += f"[http]\nmax_attempts = {attempts}\n"
        for name in ("gamma", "data", "clob"):
            text += f'[apis.{name}]\nbase_url = "{service.url}"\n'
        path.write_text(text)
        return load(path)

    return write


def row(condition: str) -> pa.Table:
    values = dict.fromkeys(DATASETS["live_volume"].schema.names)
    values |= {"condition_id": condition, "fetched_at": NOON, "walk_id": "t1"}
    return pa.Table.from_pylist([values], schema=DATASETS["live_volume"].schema)


def storing(*conditions: str) -> Fake:
    """A phase that stores one row a job."""

    def put(run: Run, condition: str) -> Job:
        batch = Batch({"live_volume": row(condition)})
        return Job(condition, lambda: run.writer.put(batch))

    def work(run: Run) -> None:
        run.jobs("live_volume", [put(run, one) for one in conditions])
        run.tally.add("live_volume", rows_seen=len(conditions))

    return Fake(work)


def run(settings, *work: Fake, ending: Ending | None = None, **options):
    return fetch(settings, Options(**options), ending or Ending(), work=work)


def stored(settings) -> list[str]:
    with Lake.open_to_read(settings.paths.lake, DATASETS) as lake:
        return sorted(lake.scan("live_volume").collect()["condition_id"])


def test_what_was_fetched_is_in_bronze_and_counted(settings):
    summary = run(settings(), storing("0xa", "0xb"), mode="all")
    assert summary.exit_code == 0
    assert stored(settings()) == ["0xa", "0xb"]
    told = as_json(summary)
    assert told["datasets"]["live_volume"] == {
        "requests": 0,
        "retries": 0,
        "rows_seen": 2,
        "rows_new": 2,
        "files": 1,
        "quarantined": 0,
        "jobs_done": 2,
        "jobs_failed": 0,
        "seconds": told["datasets"]["live_volume"]["seconds"],
    }


def test_the_object_for_programs_has_its_keys(settings, service):
    def work(run: Run) -> None:
        run.data.get("/v2/status", groups=("data_v2_all",))
        run.failed("live_volume", "0xa", Refused("GET /x answered 400", status=400))

    told = json.loads(json.dumps(as_json(run(settings(), Fake(work)))))
    assert set(told) == {
        "run_id",
        "started_at",
        "finished_at",
        "stopped",
        "exit_code",
        "datasets",
        "limits",
        "completeness",
        "drift",
        "failures",
    }
    assert told["stopped"] is None
    assert told["exit_code"] == 1
    assert told["limits"] == {
        "data_v2_all": {
            "requests": 1,
            "retries": 0,
            "throttled": 0,
            "waited_seconds": 0,
        }
    }
    assert told["completeness"] == {"complete": 0, "partial": 0, "unknown": 0}
    assert told["failures"] == [
        {"dataset": "live_volume", "what": "0xa", "why": "GET /x answered 400"}
    ]
    assert datetime.fromisoformat(told["started_at"]).tzinfo is not None
    assert told["datasets"]["live_volume"]["requests"] == 1


def test_the_summary_counts_markets_by_how_far_they_were_walked(settings):
    def subject(key: str, outcome: str, detail: str | None = None) -> dict:
        return {
            "kind": "subject",
            "dataset": "trades",
            "key": key,
            "outcome": outcome,
            "detail": detail,
            "walk_id": f"m{key}",
            "started_at": NOON,
            "fetched_at": NOON,
        }

    def work(run: Run) -> None:
        schema = DATASETS["walks"].schema
        listed, older, windowed = (f"0x{n:064x}" for n in range(3))
        rows = [
            subject(listed, "end"),
            subject(older, "end", "service_window"),
            subject(windowed, "window"),
            subject(f"0x{9:062x}", "end"),  # a combo: nobody names its total
            subject(f"0x{9:040x}", "end") | {"walk_id": "u1"},  # a wallet
        ]
        empty = dict.fromkeys(schema.names)
        table = pa.Table.from_pylist([empty | one for one in rows], schema=schema)
        run.writer.put(Batch({"walks": table}))

    summary = run(settings(), Fake(work))
    assert as_json(summary)["completeness"] == {
        "complete": 1,
        "partial": 2,
        "unknown": 1,
    }
    assert "3 markets are walked to their end; `warehouse comp" in as_text(summary)


def test_the_summary_for_people_names_failures(settings):
    def work(run: Run) -> None:
        for number in range(12):
            error = Refused("answered 400", status=400)
            run.failed("live_volume", f"0x{number}", error)

    text = as_text(run(settings(), Fake(work)))
    assert "done but for 12 failed jobs" in text
    assert "Failed: live_volume: 0x0: answered 400" in text
    assert "and 2 more" in text


def test_the_summary_says_what_each_limit_cost(settings, service):
    service.answers(
        {"status": 429, "headers": {"Retry-After": "0"}}, {"body": b'{"data":[]}'}
    )

    def work(run: Run) -> None:
        run.data.get("/v2/x", groups=("data_v2_all",))

    text = as_text(run(settings(attempts=2), Fake(work)))
    assert "limit        requests  retries  throttled  seconds waited" in text
    assert re.search(r"data_v2_all +2 +1 +1 +\d+\.\d$", text, re.MULTILINE)


def test_the_clock_of_a_run_goes_on_evenly_when_the_hosts_is_set():
    times, counter = iter([1_000.0]), iter([5.0, 6.0, 8.5])
    clock = steady_clock(lambda: next(times), lambda: next(counter))
    assert [clock(), clock()] == [1_001.0, 1_003.5]


def test_a_failed_phase_does_not_keep_the_next_from_trying(settings):
    def work(run: Run) -> None:
        raise Refused("GET /x answered 400", status=400)

    summary = run(settings(), Fake(work), storing("0xa"))
    assert summary.exit_code == 1
    assert stored(settings()) == ["0xa"]


def test_damaged_state_is_a_sentence_that_says_what_to_delete(settings):
    def work(run: Run) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    summary = run(settings(), storing("0xa"), Fake(work))
    (failure,) = summary.failures
    assert summary.exit_code == 1
    assert "_state cannot be read: database disk image is malformed" in failure.why
    assert "delete that folder" in failure.why
    assert stored(settings()) == ["0xa"]


def test_an_unreachable_host_stops_the_run_and_keeps_what_there_is(settings):
    def work(run: Run) -> None:
        raise HostUnreachable("h:1 cannot be reached: refused.", host="h:1")

    summary = run(settings(), storing("0xa"), Fake(work), storing("0xb"))
    assert summary.exit_code == 1
    assert [failure.why for failure in summary.failures] == [
        "h:1 cannot be reached: refused."
    ]
    assert "gave up" in as_text(summary)
    assert stored(settings()) == ["0xa"]


def test_wrong_usage_that_shows_late_is_still_wrong_usage(settings):
    def work(run: Run) -> None:
        raise UsageError("--market nope: Polymarket has no such market.")

    with pytest.raises(UsageError, match="nope"):
        run(settings(), Fake(work))


def test_a_signal_stops_the_run_with_its_progress_saved(settings):
    begun = []

    def work(run: Run) -> None:
        run.writer.put(
            Batch({"live_volume": row("0xa")}, cursor=CursorChange(values={"at": 1}))
        )
        os.kill(os.getpid(), signal.SIGTERM)
        assert run.stop.wait(30)
        run.check()

    ending = Ending()
    with listening(ending):
        summary = run(settings(), Fake(work), Fake(begun.append), ending=ending)
    assert (summary.exit_code, summary.stopped) == (143, "signal")
    assert not begun
    assert not summary.failures
    assert stored(settings()) == ["0xa"]
    with CursorFile.open(settings().paths.cursors) as cursor:
        assert cursor.values == {"at": 1}


def test_a_second_signal_ends_at_once(capfd):
    ending, codes = Ending(), []
    before = signal.getsignal(signal.SIGINT)
    with listening(ending, at_once=codes.append):
        os.kill(os.getpid(), signal.SIGINT)
        assert ending.stop.wait(30)
        assert codes == []
        os.kill(os.getpid(), signal.SIGINT)
        assert ending.signal == signal.SIGINT
    assert codes == [130]
    assert "Once more ends at once" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


def test_a_timeout_is_a_planned_stop(settings):
    ending = Ending()
    with limited(ending, 0.01):
        summary = run(
            settings(),
            Fake(lambda run: run.stop.wait(30)),
            storing("0xa"),
            ending=ending,
        )
    assert (summary.exit_code, summary.stopped) == (0, "timeout")
    assert "progress saved" in as_text(summary)


def test_a_planned_stop_comes_early_enough_for_what_must_be_done_at_the_end():
    def stopped_after(seconds: float, needs: float) -> float:
        ending = Ending()
        ending.needs = lambda: needs
        began = time.monotonic()
        with limited(ending, seconds):
            assert ending.stop.wait(30)
        return time.monotonic() - began

    assert 0.5 <= stopped_after(1.2, needs=0.7) < 1.2
    assert stopped_after(0.4, needs=9.0) >= 0.2  # at most half of the time is kept
    assert stopped_after(0.0, needs=9.0) < 5


def test_waiting_for_a_retry_ends_with_the_run(settings, service):
    service.answers({"status": 503, "body": b"{}", "headers": {"Retry-After": "60"}})
    ending = Ending()

    def work(run: Run) -> None:
        with limited(ending, 0.05):
            run.data.get("/x", groups=("data_v2_all",))

    summary = run(settings(attempts=9), Fake(work), ending=ending)
    assert (summary.stopped, summary.failures) == ("timeout", [])
    assert len(service.asked) == 1


def test_a_held_cursor_is_told_before_anything_else(settings, service):
    config = settings()
    with CursorFile.open(config.paths.cursors), pytest.raises(Locked) as caught:
        run(config, storing("0xa"))
    assert caught.value.exit_code == 75
    assert not config.paths.lake.exists()
    assert service.asked == []


def test_a_lake_that_cannot_be_written_is_told_before_anything_is_asked(
    settings, service, tmp_path
):
    (tmp_path / "data").write_text("a file where the lake should be")
    with pytest.raises(PolylakeError, match=str(tmp_path / "data")) as caught:
        run(settings(), Fake(lambda run: run.data.get("/x", groups=("data_v2_all",))))
    assert caught.value.exit_code == 1
    assert service.asked == []


def test_runs_with_other_cursors_share_one_lake(settings, tmp_path):
    run(settings(), storing("0xa"))
    other = settings()
    object.__setattr__(other.paths, "cursors", tmp_path / "other.json")
    run(other, storing("0xb"))
    assert stored(other) == ["0xa", "0xb"]
    assert Path(tmp_path / "other.json").exists()
