"""What the benchmarks share: what a process cost, in turns, and the report of it.

A benchmark runs its ways one after the other, again and again, so that what else the
machine does meanwhile falls on all of them, and takes the middle of each. CPU seconds
are what counts on a shared machine; wall time is told beside them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
TIMES = 5

T = TypeVar("T")


@dataclass(frozen=True)
class Spent:
    """What one process and those it waited for cost; `peak_mb` is of the largest."""

    cpu_seconds: float
    seconds: float
    peak_mb: float
    exit_code: int
    output: str

    @property
    def said(self) -> Any:
        """The JSON that it printed."""
        return json.loads(self.output)


def spent(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    may_fail: bool = False,
) -> Spent:
    """Run a command to its end, its errors shown, and say what it cost.

    SystemExit when it fails, unless it may.
    """
    shown = [str(word) for word in command]
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(
            shown,
            stdout=output,
            cwd=folder,
            env=None if env is None else {**os.environ, **env},
        )
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            child.wait()
            raise
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        done = Spent(
            cpu_seconds=used.ru_utime + used.ru_stime,
            seconds=time.monotonic() - began,
            peak_mb=used.ru_maxrss / 1024,
            exit_code=child.returncode,
            output=output.read(),
        )
    if done.exit_code and not may_fail:
        raise SystemExit(
            f"{' '.join(shown)} ended with {done.exit_code}: {done.output[-2000:]}"
        )
    return done


def in_turns(
    ways: Mapping[str, Callable[[], T]], *, times: int = TIMES
) -> dict[str, list[T]]:
    """Do every way once, then all of them again, and so on: what each came to."""
    found: dict[str, list[T]] = {name: [] for name in ways}
    for turn in range(times):
        for name, way in ways.items():
            say(f"{name}, {turn + 1} of {times}")
            found[name].append(way())
    return found


def medians(runs: Sequence[Spent]) -> dict[str, float]:
    """The middle of what some runs of the same thing cost."""
    return {
        name: round(statistics.median(getattr(run, name) for run in runs), 3)
        for name in ("cpu_seconds", "seconds", "peak_mb")
    }


def cpu_of(pid: int) -> float:
    """The CPU seconds that a running process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Before it starts, and after it


@contextmanager
def scratch(
    *, gigabytes: float, packages: Sequence[str] = (), keep: Path | None = None
) -> Iterator[Path]:
    """A folder of its own, removed at the end, with room for so much.

    SystemExit that says what is lacking, before anything is done. The folder is made
    where TMPDIR says; no other is written to. `keep` is one to use instead, and to
    leave with what is in it for the next run; it is new, or an earlier run's.
    """
    lacking = [name for name in packages if importlib.util.find_spec(name) is None]
    if lacking:
        raise SystemExit(f"Lacks the packages {', '.join(lacking)}: make setup")
    where = Path(tempfile.gettempdir()) if keep is None else _kept(keep)
    free = shutil.disk_usage(where).free / 1e9
    if free < gigabytes:
        raise SystemExit(
            f"Needs {gigabytes:g} GB in {where}, which has {free:.1f} free: set TMPDIR "
            "to a folder with more room"
        )
    before = signal.signal(signal.SIGTERM, _end)
    try:
        if keep is not None:
            yield where
        else:
            with tempfile.TemporaryDirectory(prefix="polylake-bench-") as folder:
                yield Path(folder)
    finally:
        signal.signal(signal.SIGTERM, before)


def _kept(folder: Path) -> Path:
    """Make sure that a folder is one of ours, so that no user's lake is ever meant."""
    folder = folder.absolute()
    mark = folder / ".polylake-bench"
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise SystemExit(
            f"{folder} holds what no benchmark has made: name a folder that is new"
        )
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return folder


def _end(number: int, _: object) -> None:
    """End as on an error, so that servers end and folders go."""
    raise SystemExit(128 + number)


@dataclass(frozen=True)
class Target:
    """What must be reached: `reached` is what was found, and at most `most`."""

    question: str
    reached: float
    most: float

    @property
    def is_met(self) -> bool:
        return self.reached <= self.most


def report(
    question: str, found: Mapping[str, Any], targets: Sequence[Target] = ()
) -> int:
    """Print the one JSON object of a benchmark; 1 if a target was missed, else 0."""
    told = {
        "question": question,
        "command": " ".join(["python", "-m", _module(), *sys.argv[1:]]),
        "commit": commit(),
        "machine": machine(),
        **found,
        "targets": [
            {
                "question": one.question,
                "reached": round(one.reached, 3),
                "at_most": one.most,
                "met": one.is_met,
            }
            for one in targets
        ],
    }
    sys.stdout.write(json.dumps(told, indent=1, default=str) + "\n")
    return 0 if all(one.is_met for one in targets) else 1


def machine() -> dict[str, Any]:
    """What it was measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpus": os.cpu_count(),
        "model": model,
        "memory_gb": round(memory),
        "load": [round(one, 1) for one in os.getloadavg()],
        "python": platform.python_version(),
    }


def say(text: str) -> None:
    """Tell a person how far it is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _module() -> str:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec.name if spec is not None else Path(sys.argv[0]).name


@cache
def commit() -> str:
    """The commit of the code, marked where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"
