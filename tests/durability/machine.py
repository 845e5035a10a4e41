"""Faults of the machine: full and read-only disks, no descriptors, signals, company.

Each by real processes. A disk is a small tmpfs, which only root may mount: elsewhere
those cases are not there.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb

from .cases import Bench, End, Outcome, case
from .home import TREE, Home
from .stored import FETCH_ALL, INGEST, plain, said, whole
from .yardstick import judged

CHAPTER = "The machine"
FETCH = ("fetch", "--mode", "trades")
_CAP_SYS_ADMIN = 21
_ROOMY = "256m"


def may_mount() -> bool:
    """Whether this process may mount a disk of its own."""
    status = Path("/proc/self/status")
    if not (status.exists() and shutil.which("mount")):
        return False
    (line,) = [x for x in status.read_text().splitlines() if x.startswith("CapEff")]
    return bool(int(line.split()[1], 16) >> _CAP_SYS_ADMIN & 1)


@contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    """Make the folder a disk of this size that holds what the folder held."""
    kept = folder.with_name(f"{folder.name}.kept")
    shutil.rmtree(kept, ignore_errors=True)
    if folder.exists():
        folder.replace(kept)
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={_ROOMY}", "tmpfs", str(folder))
    try:
        if kept.exists():
            subprocess.run(["cp", "-a", f"{kept}/.", str(folder)], check=True)
        resized(folder, size)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def resized(folder: Path, size: str, *, read_only: bool = False) -> None:
    """Give the disk another size."""
    how = "ro" if read_only else "rw"
    _mount("-o", f"remount,{how},size={size}", str(folder))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def _used(folder: Path) -> int:
    return int(shutil.disk_usage(folder).used)


def _finished(home: Home, end: End, sentence: str = "", times: int = 1) -> Outcome:
    home.box.advance(60)
    home.run(*FETCH_ALL)
    home.run(*INGEST)
    return Outcome(times, judged(home), end, plain(home, sentence))


# Disks

FULL = ("data", "state", "warehouse")


def disk_full(bench: Bench, seed: int) -> Outcome:
    """Leave some kilobytes; afterwards give the disk room, and run to the end."""
    where = FULL[seed % len(FULL)]
    spare = random.Random(seed).randrange(0, 300_000) if where != "state" else 0
    with _apart(bench) as home, disk(home.folder / where, _ROOMY):
        home.box.advance(3_600)
        resized(home.folder / where, str(_used(home.folder / where) + spare))
        command = INGEST if where == "warehouse" else FETCH_ALL
        if where == "warehouse":
            home.run(*FETCH)
        ran = said(home, *command)
        sentence = _why(ran.json) or ran.sentence
        resized(home.folder / where, _ROOMY)
        done = _finished(home, End.STOPPED, sentence, times=int(ran.code == 1))
        return Outcome(done.times, done.verdict, done.end, done.sentence, (where,))


def read_only(bench: Bench, seed: int) -> Outcome:
    """Nothing can be written: nothing is started."""
    where = FULL[seed % len(FULL)]
    with _apart(bench) as home, disk(home.folder / where, _ROOMY):
        home.box.advance(3_600)
        if where == "warehouse":
            home.run(*FETCH)
        resized(home.folder / where, _ROOMY, read_only=True)
        command = INGEST if where == "warehouse" else FETCH_ALL
        ran = said(home, *command, code=1)
        resized(home.folder / where, _ROOMY)
        done = _finished(home, End.STOPPED, _why(ran.json) or ran.sentence)
        return Outcome(1, done.verdict, done.end, done.sentence, (where,))


@contextmanager
def _apart(bench: Bench) -> Iterator[Home]:
    """A whole lake whose cursor file has a folder of its own."""
    with whole(bench) as home:
        text = home.config.read_text()
        home.config.write_text(text.replace('"cursor.json"', '"state/cursor.json"'))
        (home.folder / "state").mkdir()
        for path in home.folder.glob("cursor.json*"):
            path.replace(home.folder / "state" / path.name)
        yield home


def _why(told: dict[str, object]) -> str:
    failures = told.get("failures")
    if not isinstance(failures, list) or not failures:
        return ""
    return str(failures[0]["why"])


if may_mount():
    case(
        "disk-full",
        chapter=CHAPTER,
        about="a full disk under bronze, the cursor or the warehouse",
        times=6,
        places=lambda _: set(FULL),
        end=End.STOPPED,
    )(disk_full)
    case(
        "disk-read-only",
        chapter=CHAPTER,
        about="a read-only disk under bronze, the cursor or the warehouse",
        times=3,
        places=lambda _: set(FULL),
        end=End.STOPPED,
    )(read_only)


@case(
    "few-files",
    chapter=CHAPTER,
    about="16 to 200 file descriptors, and no more allowed",
    times=4,
    end=End.STOPPED,
)
def few_files(bench: Bench, seed: int) -> Outcome:
    """Too few are said at the start."""
    few = (16, 40, 100, 200)[seed % 4]
    with whole(bench) as home:
        ran = [
            subprocess.run(
                _plain(home, *command),
                capture_output=True,
                text=True,
                check=False,
                env=_env(),
                preexec_fn=partial(
                    resource.setrlimit, resource.RLIMIT_NOFILE, (few, few)
                ),
            )
            for command in (FETCH, INGEST)
        ]
        assert [one.returncode for one in ran] == [2, 2], [one.stderr for one in ran]
        return _finished(home, End.STOPPED, ran[0].stderr.strip())


# Company


@case("two-fetches", chapter=CHAPTER, about="two fetches at once", end=End.STOPPED)
def two_fetches(bench: Bench, seed: int) -> Outcome:
    """The second says that the first is at it, and does nothing."""
    with bench.home() as home:
        first = home.started(*FETCH_ALL)
        refused = ""
        while first.poll() is None and not refused:
            ran = said(home, *FETCH)
            assert ran.code in (0, 75), ran.err
            refused = ran.sentence if ran.code == 75 else ""
        err = _ended(first, {0, 75})
        if first.returncode == 75:  # the second was there first
            refused = err.strip().splitlines()[-1]
        return _finished(home, End.STOPPED, refused, times=int(bool(refused)))


@case(
    "fetch-beside-ingest", chapter=CHAPTER, about="ingest again and again beside fetch"
)
def fetch_beside_ingest(bench: Bench, seed: int) -> Outcome:
    """Neither waits for the other."""
    with whole(bench) as home:
        times = 0
        fetch = home.started(*FETCH_ALL)
        while fetch.poll() is None:
            home.run(*INGEST)
            times += 1
        _ended(fetch, {0})
        return _finished(home, End.UNSEEN, times=times)


@case(
    "ingest-beside-reader",
    chapter=CHAPTER,
    about="ingest beside a reader that keeps the warehouse open",
    times=3,
)
def ingest_beside_reader(bench: Bench, seed: int) -> Outcome:
    """The reader keeps a whole old state, and the new one is published."""
    count = "select count(*), sum(size) from gold.trades"
    with whole(bench) as home:
        with duckdb.connect(str(home.warehouse), read_only=True) as reader:
            before = reader.execute(count).fetchall()
            for _ in range(3):
                home.box.advance(3_600)
                home.run(*FETCH)
                home.run(*INGEST)
                assert reader.execute(count).fetchall() == before
        return _finished(home, End.UNSEEN, times=3)


# Signals

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
SIGNALLED = (FETCH_ALL, ("ingest", "--rebuild"), ("fetch", "compact"))


@case(
    "signal",
    chapter=CHAPTER,
    about="SIGINT, SIGTERM, SIGHUP, two SIGINT: to fetch, ingest and compaction",
    times=12,
    places=lambda _: {
        f"{_name(n)}, {c[0]} {c[1]}" for n in range(4) for c in SIGNALLED
    },
    end=End.REPORTED,
)
def signalled(bench: Bench, seed: int) -> Outcome:
    """It ends with its code, and the next run goes on."""
    which, command = seed % 4, SIGNALLED[seed // 4 % len(SIGNALLED)]
    number = (*CODES, signal.SIGINT)[which]
    with whole(bench) as home:
        home.box.advance(3_600)
        process = home.started(*command)
        _wait_until_it_listens(process)
        time.sleep(random.Random(seed).choice([0, 0.1, 0.5, 1.5]) * (seed >= 12))
        process.send_signal(number)
        if which == 3:
            process.send_signal(number)
        _, err = process.communicate()
        assert "Traceback" not in err, err[-3000:]
        heard = process.returncode == CODES[number]
        place = f"{_name(which)}, {command[0]} {command[1]}"
        sentence = err.strip().splitlines()[-1] if heard and err.strip() else ""
        done = _finished(home, End.REPORTED, sentence, times=int(heard))
        return Outcome(
            done.times, done.verdict, done.end, done.sentence, (place,) * done.times
        )


def _wait_until_it_listens(process: subprocess.Popen[str]) -> None:
    """Wait until the process has said what a SIGTERM is to do."""
    status = Path(f"/proc/{process.pid}/status")
    bit = 1 << (signal.SIGTERM - 1)
    while process.poll() is None:
        told = [x for x in status.read_text().splitlines() if x.startswith("SigCgt")]
        if told and int(told[0].split()[1], 16) & bit:
            return
        time.sleep(0.005)


def _name(which: int) -> str:
    return ("SIGINT", "SIGTERM", "SIGHUP", "SIGINT twice")[which]


@case(
    "timeout",
    chapter=CHAPTER,
    about="`fetch --timeout` of less than it takes",
    times=2,
    end=End.REPORTED,
)
def timed_out(bench: Bench, seed: int) -> Outcome:
    """A planned stop: exit code 0, progress saved."""
    seconds = 0.1 + seed % 5 / 2
    with bench.home() as home:
        ran = home.run("fetch", "--mode", "all", "--timeout", str(seconds))
        stopped = ran.json["stopped"] == "timeout"
        sentence = '"stopped": "timeout"' if stopped else ""
        return _finished(home, End.REPORTED, sentence, times=int(stopped))


def _ended(process: subprocess.Popen[str], codes: set[int]) -> str:
    """Wait for the end, expect one of these codes, and return what was said."""
    out, err = process.communicate()
    assert process.returncode in codes, err[-3000:] + out
    assert "Traceback" not in err, err[-3000:]
    return err


def _plain(home: Home, program: str, *arguments: str) -> list[str]:
    module = {"fetch": "fetcher.cli", "ingest": "ingestion.cli"}[program]
    run = f"from {module} import main; main()"
    return [sys.executable, "-c", run, *arguments, "--config", str(home.config)]


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(TREE)}
