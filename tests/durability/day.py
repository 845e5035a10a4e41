"""A day in the life: a day of the exchange in ten minutes, with cron over it.

The clock of the sandbox runs at 144 times its pace. Every half hour of that day cron
starts `fetch` and, a quarter of an hour later, `ingest`, whether or not the last ones
have ended; five to ten of a hundred requests fail in one way or another, rows are
late, and some of the runs are killed. Nothing is healed at the end: cron goes on until
a run finds nothing new, and then everything there is to hold has to be held.
"""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .cases import Bench, End, Outcome, case
from .home import Home
from .kills import COMPACT, FETCH, FETCH_ALL, INGEST
from .service_faults import mixture
from .yardstick import Verdict, called_complete, judged

SPEED = 144.0
HALF_HOURS = 48
FULL = (*FETCH_ALL, "--full")
AT_MOST = 12  # runs until there is nothing new
WORLD: dict[str, Any] = {
    "markets": 200, "fills": 20_000, "late_rows": 0.02, "limits": "reject", "pace": 1.0,
}  # fmt: skip
KILLED = {"fetch": 2, "ingest": 2}
CODES = {
    0: "whole",
    1: "failed in part",
    75: "refused, since the last one was at it",
    -9: "killed",
}


@dataclass
class Cron:
    """Starts commands on time, kills some of them, and knows how each ended."""

    home: Home
    choose: random.Random
    ended: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _left_to_kill: Counter[str] = field(default_factory=lambda: Counter(KILLED))
    _at: list[threading.Thread] = field(default_factory=list)

    def start(self, *command: str) -> None:
        """Start a command and look after it in a thread."""
        process = self.home.started(*command)
        after = self.choose.uniform(1.0, 4.0)
        kill = self._left_to_kill[command[0]] > 0 and self.choose.random() < 0.2
        thread = threading.Thread(
            target=self._attend, args=(process, command, after if kill else None)
        )
        thread.start()
        self._at.append(thread)

    @property
    def alive(self) -> Counter[str]:
        """How many of each command were to be killed, and were not."""
        return +self._left_to_kill

    def wait(self) -> None:
        """Wait for all that were started."""
        for thread in self._at:
            thread.join()

    def _attend(
        self,
        process: subprocess.Popen[str],
        command: tuple[str, ...],
        kill_after: float | None,
    ) -> None:
        try:
            _, err = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            _, err = process.communicate()
        code = process.returncode
        if code == -9:
            self._left_to_kill[command[0]] -= 1
        if code not in CODES or "Traceback" in err:
            self.wrong.append(f"{' '.join(command)} ended with {code}: {err[-300:]}")
        self.ended[f"{command[0]} {CODES.get(code, code)}"] += 1


@case(
    "day",
    chapter="A day in the life",
    about="a day in ten minutes: cron every half hour, 5 to 10 % of all requests fail,"
    " late rows, two `fetch` and two `ingest` killed",
    end=End.REPORTED,
)
def day(bench: Bench, seed: int) -> Outcome:
    """Live through the day, then let cron go on until there is nothing new."""
    choose = random.Random(seed)
    with bench.home(**WORLD, seed=seed + 1, fault_seed=seed + 1) as home:
        home.run(*FETCH_ALL)
        home.run(*INGEST)
        for one in mixture(seed):
            home.box.fault(one["fault"], p=one["p"])
        cron = Cron(home, choose)
        _live(home, cron)
        home.box.advance(3_600)
        quiet = _went_on_until_quiet(home)
        verdict = judged(home) + called_complete(home)
        struck = home.box.call(lambda service: Counter(service.faults.struck))
    verdict += Verdict(problems=tuple(cron.wrong))
    if not quiet:
        verdict += Verdict(problems=(f"still news after {AT_MOST} runs",))
    if cron.alive:
        verdict += Verdict(problems=(f"not killed: {dict(cron.alive)}",))
    said = ", ".join(f"{count} {how}" for how, count in sorted(cron.ended.items()))
    times = sum(cron.ended.values())
    return Outcome(times, verdict, End.REPORTED, said, tuple(struck.elements()))


def _live(home: Home, cron: Cron) -> None:
    """Run the clock for a day, and cron with it."""
    began = time.monotonic()
    home.box.call(lambda service: service.world.clock.set_speed(SPEED))
    for half_hour in range(HALF_HOURS):
        fetch = FETCH if half_hour % 4 else FETCH_ALL
        cron.start(*(FULL if half_hour == HALF_HOURS // 2 else fetch))
        _sleep_until(began + (half_hour + 0.5) * 1_800 / SPEED)
        cron.start(*(COMPACT if half_hour == HALF_HOURS // 3 else INGEST))
        _sleep_until(began + (half_hour + 1) * 1_800 / SPEED)
    cron.wait()
    home.box.call(lambda service: service.world.clock.set_speed(0))


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _went_on_until_quiet(home: Home) -> bool:
    """Run until a run is whole and finds no new fill; whether one did."""
    for _ in range(AT_MOST):
        ran = home.run(*FETCH_ALL, code=None)
        home.run(*INGEST)
        if ran.code == 0 and not ran.json["datasets"]["trades"]["rows_new"]:
            return True
    return False
