"""Starts our commands as processes that need not import anything first.

A warm process has imported all that the commands need and has run none of it. It forks
one child for each command: a process like any other, with its own exit code and its own
death, but a second sooner there than one that begins with Python.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said; a negative code is a signal."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """What it printed for programs."""
        said: dict[str, Any] = json.loads(self.out) if self.out.strip() else {}
        return said

    @property
    def sentence(self) -> str:
        """Its last word to a person."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        return lines[-1] if lines else ""


class Warm:
    """The warm process of one tree of code, started when it is first needed."""

    def __init__(self, tree: Path, library: Path | None) -> None:
        self._tree = tree
        self._library = library
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        command: list[str],
        *,
        place: Path,
        watch: dict[str, Any] | None = None,
        meanwhile: Callable[[int], None] = lambda pid: None,
    ) -> Ran:
        """Run a command to its end, with `place` as its folder.

        `watch` are the arguments of `watch_own_calls`. `meanwhile` is given the pid.
        """
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        said = [place / "stdout.txt", place / "stderr.txt"]
        job = {
            "command": command,
            "place": str(place),
            "said": [str(path) for path in said],
            "watch": watch,
        }
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        meanwhile(int(process.stdout.readline()))
        code = int(process.stdout.readline())
        return Ran(code, *(path.read_text("utf-8", "replace") for path in said))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        loaded = {"LD_PRELOAD": str(self._library)} if self._library else {}
        return subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, **loaded, "PYTHONPATH": f"{self._tree}:{HERE}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def _import_all() -> dict[str, Any]:
    """Import what the commands import when they run."""
    import warehouse.completeness  # noqa: F401
    from fetcher.cli import fetch
    from ingestion.cli import main as ingest

    return {"fetch": fetch, "ingest": ingest}


def main() -> None:
    """Fork a child for each line; answer with its pid and then with its exit code."""
    commands = _import_all()
    os.environ.pop("LD_PRELOAD", None)
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be_the_command(commands, **job)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _be_the_command(
    commands: dict[str, Any],
    *,
    command: list[str],
    place: str,
    said: list[str],
    watch: dict[str, Any] | None,
) -> None:
    from disk_calls import watch_own_calls

    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(place)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(said, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    if watch is not None:
        watch_own_calls(**watch)
    code = 1
    try:
        commands[command[0]].main(command[1:])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
