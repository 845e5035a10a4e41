"""A user's folder beside a sandbox: commands are run in it, killed in it, looked at."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.testing import Box

from .disk_calls import Boundary, Call, Fatal, boundary, calls
from .warm import Ran, Warm

TREE = Path(__file__).parent.parent.parent
_MAINS = {
    "fetch": "from fetcher.cli import main; main()",
    "ingest": "from ingestion.cli import main; main()",
}
_PATHS = """
[paths]
lake = "data"
warehouse = "warehouse/warehouse.duckdb"
cursors = "cursor.json"
runtime = "{runtime}"

[prices]
fidelity_minutes = 720
history_days = 2

[lake]
grace_minutes = 0
"""


@dataclass(frozen=True)
class Died:
    """How a process that was to be killed ended: by us (`is_killed`), or before.

    `at` is the last boundary that it reached, where calls were watched.
    """

    is_killed: bool
    ran: Ran
    at: Boundary | None


class Home:
    """One user's folder; `tree` holds the code that runs, ours unless it is a copy.

    `warnings` are the lines by which the runs told a person that something was wrong.
    """

    def __init__(
        self,
        place: Path,
        box: Box,
        warm: Warm,
        *,
        tree: Path = TREE,
        more: str = "",
    ) -> None:
        self.place = place.resolve()
        self.folder = self.place / "home"
        self.box = box
        self.warnings: list[str] = []
        self._tree = tree
        self._warm = warm
        self._log = self.place / "calls.log"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        paths = _PATHS.format(runtime=self.place / "runtime")
        self.config.write_text(box.toml() + paths + more)

    @property
    def config(self) -> Path:
        """The settings that every command is given."""
        return self.place / "home" / "config.toml"

    @property
    def lake(self) -> Path:
        """The lake's root."""
        return self.folder / "data"

    @property
    def warehouse(self) -> Path:
        """The published warehouse."""
        return self.folder / "warehouse" / "warehouse.duckdb"

    # Commands

    def run(self, program: str, *arguments: str, code: int | None = 0) -> Ran:
        """Run a command to its end and expect its exit code."""
        command = [*self._command(program, *arguments), "--json"]
        ran = self._warm.run(command, place=self.place)
        assert code is None or ran.code == code, (
            f"{' '.join(command)} ended with {ran.code}: {ran.err[-3000:]}{ran.out}"
        )
        return self._heard(ran)

    def recorded(self, program: str, *arguments: str, data: bool = False) -> list[Call]:
        """Run a command to its end; every call of it that changed a file."""
        ran, made = self._watched([program, *arguments], data=data)
        assert ran.code == 0, ran.err[-3000:]
        return made

    def killed_at(self, fatal: Fatal, program: str, *arguments: str) -> Died:
        """Run a command that dies by SIGKILL at a call, unless it ends before."""
        at = fatal.at
        ran, made = self._watched(
            [program, *arguments],
            number=fatal.number,
            kind=at.kind if at else -1,
            pattern=at.pattern if at else None,
            is_torn=fatal.is_torn,
        )
        self._heard(ran)
        return Died(ran.code == -9, ran, boundary(made[-1]) if made else None)

    def killed_after(self, seconds: float, program: str, *arguments: str) -> Died:
        """Run a command and send it SIGKILL after a while, unless it ends before."""

        def kill(pid: int) -> None:
            time.sleep(seconds)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        command = self._command(program, *arguments)
        ran = self._warm.run(command, place=self.place, meanwhile=kill)
        self._heard(ran)
        return Died(ran.code == -9, ran, None)

    def started(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a command beside others; its end is the caller's matter."""
        _, *rest = self._command(program, *arguments)
        with _usual_signals():
            return subprocess.Popen(
                [sys.executable, "-c", _MAINS[program], *rest],
                cwd=self.place,
                env={**os.environ, "PYTHONPATH": str(self._tree)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

    def _heard(self, ran: Ran) -> Ran:
        self.warnings += [line for line in ran.err.splitlines() if " WARNING " in line]
        return ran

    def _watched(self, command: list[str], **how: Any) -> tuple[Ran, list[Call]]:
        self._log.unlink(missing_ok=True)
        watch = {"folder": str(self.folder), "log": str(self._log), **how}
        ran = self._warm.run(self._command(*command), place=self.place, watch=watch)
        return ran, list(calls(self._log, self.folder))

    def _command(self, *command: str) -> list[str]:
        return [*command, "--config", str(self.config)]

    # States

    def save(self, name: str) -> None:
        """Keep a copy of the folder, links as links, beside it."""
        copy = self.place / name
        shutil.rmtree(copy, ignore_errors=True)
        subprocess.run(["cp", "-a", self.folder, copy], check=True)

    def restore(self, name: str) -> None:
        """Make the folder what it was when saved, but for the settings."""
        settings = self.config.read_text()
        shutil.rmtree(self.folder)
        subprocess.run(["cp", "-a", self.place / name, self.folder], check=True)
        self.config.write_text(settings)


@contextmanager
def _usual_signals() -> Iterator[None]:
    """For what is started meanwhile, end the ignoring that nohup or a shell's `&` hand
    down."""
    before = {
        number: signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGHUP, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
