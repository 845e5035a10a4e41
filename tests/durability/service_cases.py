"""The faults of the service as cases of the harness, and two runs at one rate limit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import suppress

from sandbox.testing import sandbox_server

from .cases import Bench, End, Outcome, case
from .home import TREE, Home
from .kills import FETCH, FETCH_ALL, INGEST
from .service_faults import (
    REPORTED,
    SCENARIOS,
    STOPPED,
    UNSEEN,
    WORLD,
    Scenario,
    Trial,
    attempt,
    mixture,
)
from .yardstick import Verdict, judged

FAULTS = "Faults of the service"
LIMITS = "Rate limits"
ENDS = {UNSEEN: End.UNSEEN, REPORTED: End.REPORTED, STOPPED: End.STOPPED}


def _enter(scenario: Scenario) -> None:
    name = "service-" + re.sub(r"\W+", "-", scenario.name.lower()).strip("-")

    @case(
        name,
        chapter=FAULTS,
        about=scenario.name,
        end=ENDS[scenario.ends[0]],
        ends=tuple(ENDS[end] for end in scenario.ends),
    )
    def one(bench: Bench, seed: int) -> Outcome:
        """Fetch under the fault, fetch again without it, and count."""
        folder = bench.place / "service"
        shutil.rmtree(folder, ignore_errors=True)
        with sandbox_server(**WORLD, seed=seed + 1, fault_seed=seed) as box:
            return _outcome(attempt(scenario, box, folder))


def _outcome(trial: Trial) -> Outcome:
    problems = []
    if trial.markets_lost:
        problems.append(f"{trial.markets_lost} markets lost")
    if trial.rerun == STOPPED:
        problems.append("the run after the fault fails, too")
    verdict = Verdict(trial.lost, trial.doubled, problems=tuple(problems))
    return Outcome(
        max(trial.struck, 1), verdict, ENDS[trial.ended], short(trial.sentence)
    )


def short(sentence: str) -> str:
    """The sentence as a page can show it: ports and ids are no news."""
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", sentence)
    text = re.sub(r"0x[0-9a-f]{9,}", "0x...", text)
    return text if len(text) <= 300 else text[:300] + "..."


for _scenario in SCENARIOS:
    _enter(_scenario)


@case(
    "service-mixed",
    chapter=FAULTS,
    about="50 runs of `fetch`, 5 to 10 % of all requests failing in one way or another",
    times=50,
    ends=tuple(End),
)
def mixed(bench: Bench, seed: int) -> Outcome:
    """Two runs on bad days, one on a good day; then all three layers are judged."""
    faults = tuple((one["fault"], one["p"]) for one in mixture(seed))
    more = "[http]\nread_timeout_seconds = 1\n"
    with bench.home(faults=faults, fault_seed=seed, more=more, seed=seed) as home:
        bad = home.run(*FETCH_ALL, code=None)
        home.box.advance(7_200)
        worse = home.run(*FETCH, code=None)
        struck = home.box.call(lambda service: Counter(service.faults.struck))
        home.box.heal()
        home.box.advance(3_600)
        home.run(*FETCH_ALL)
        home.run(*INGEST)
        failures = [
            *(bad.json.get("failures") or []), *(worse.json.get("failures") or [])
        ]  # fmt: skip
        verdict = judged(home)
        end = End.REPORTED if home.warnings else End.UNSEEN
        end = End.STOPPED if failures else end
        sentence = short(failures[0]["why"]) if failures else ""
        return Outcome(2, verdict, end, sentence, tuple(struck.elements()))


@case(
    "limits-shared",
    chapter=LIMITS,
    about="three `fetch` at once, one killed and begun again: requests in any 10 s",
)
def limits(bench: Bench, seed: int) -> Outcome:
    """No window of ten seconds holds more requests than the exchange allows."""
    with bench.home(pace=0.1, limits="reject", seed=seed + 1) as home:
        first, second, third = (_fetching(home, name) for name in "abc")
        with suppress(subprocess.TimeoutExpired):
            third.communicate(timeout=5)
        third.kill()
        third.communicate()
        for one in (first, second, _fetching(home, "c")):
            said, why = one.communicate(timeout=600)
            assert one.returncode == 0, why[-2000:] + said
        report = home.box.requests()["groups"]
    broken = tuple(
        f"{name}: {group['most']} in ten seconds, {group['limit']} allowed"
        for name, group in report.items()
        if group["most"] > group["limit"] or group["refused"]
    )
    times = sum(group["total"] for group in report.values())
    return Outcome(times, Verdict(problems=broken))


def _fetching(home: Home, name: str) -> subprocess.Popen[str]:
    """Start a run with a lake of its own, and the rate limits of the host."""
    config = home.config.with_name(f"{name}.toml")
    text = home.config.read_text().replace('"data"', f'"{name}"')
    config.write_text(text.replace("cursor.json", f"{name}.json"))
    command = ["from fetcher.cli import main; main()", "--mode", "all", "--json"]
    return subprocess.Popen(
        [sys.executable, "-c", *command, "--config", str(config)],
        cwd=TREE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
