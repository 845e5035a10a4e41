"""Folding in a process of its own: once, whichever of the two dies."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from small_lake import SmallLake, die, notes, run

from lake.apart import Apart
from lake.locks import FileLock
from lake.recovery import folding_lock
from lake.storage import StorageError

COMMAND = (sys.executable, str(Path(__file__).with_name("folds_apart.py")))


@pytest.fixture
def lake(tmp_path):
    return SmallLake(tmp_path)


def nothing(landed):
    raise AssertionError("this process was not to fold")


@contextmanager
def writing(lake, *, here=nothing):
    """A writer and what folds for it, in its own process unless that dies."""
    with (
        Apart(COMMAND, {"lake": str(lake.root / "lake")}, here=here) as apart,
        lake.cursor() as cursor,
        lake.writer(cursor, folding=apart) as writer,
    ):
        yield writer, apart


def texts(lake):
    return sorted(lake.bronze("notes")["text"])


def test_another_process_folds_what_landed(lake):
    with writing(lake) as (writer, apart):
        writer.put(notes("one"))
        writer.fold()
        assert texts(lake) == ["one"]
        assert apart.pid not in (None, os.getpid())
        writer.put(notes("two"))
    assert texts(lake) == ["one", "two"]
    assert writer.stats()["notes"].rows_new == 2


def test_what_a_dead_run_landed_is_folded_meanwhile(lake):
    die(lake, notes("left"))
    with writing(lake) as (writer, apart):
        writer.put(notes("new"))
        writer.fold()
        assert texts(lake) == ["left", "new"]
        assert apart.pid is not None


def test_a_fold_whose_process_died_is_done_here_and_the_next_by_another(lake, caplog):
    done = []

    def here(landed):
        done.append(landed)
        with lake.opened() as opened:
            yield from opened.fold(landed)

    with writing(lake, here=here) as (writer, apart):
        writer.put(notes("one"))
        writer.fold()
        first = apart.pid
        os.kill(first, signal.SIGKILL)
        writer.put(notes("two"))
        writer.fold()
        assert texts(lake) == ["one", "two"]
        assert len(done) == 1
        assert "has died" in caplog.text
        writer.put(notes("three"))
        writer.fold()
        assert apart.pid not in (None, first)
    assert texts(lake) == ["one", "three", "two"]


def test_a_lake_that_refuses_is_told_as_if_this_process_had_folded(lake):
    (lake.root / "lake").mkdir()
    (lake.root / "lake/notes").write_text("in the way")

    def fold() -> None:
        with writing(lake) as (writer, _):
            writer.put(notes("one"))
            writer.fold()

    with pytest.raises(StorageError, match="notes"):
        fold()


def test_signals_are_for_the_other_one_and_it_ends_once_nobody_asks(lake):
    with writing(lake) as (writer, apart):
        writer.put(notes("one"))
        writer.fold()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(apart.pid, number)
        first = apart.pid
        writer.put(notes("two"))
        writer.fold()
        assert apart.pid == first
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_the_next_run_waits_until_nobody_folds_for_a_dead_one(lake):
    die(lake, notes("left"))
    with lake.cursor() as cursor:
        writer = cursor.landed.writer
    lock = FileLock.wait(folding_lock(lake.storage, writer))
    following = threading.Thread(target=run, args=(lake, notes("new")))
    following.start()
    following.join(0.3)
    assert following.is_alive()
    lock.release()
    following.join()
    assert texts(lake) == ["left", "new"]
