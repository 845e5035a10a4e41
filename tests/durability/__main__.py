"""Try the cases: `make torture` tries all of them long enough and writes the page."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import commit

from . import (  # noqa: F401 - they enter their cases
    day,
    kills,
    machine,
    power,
    service_cases,
    stored,
)
from .cases import CASES, Bench, Case
from .disk_calls import NO_COMPILER, library
from .home import TREE
from .mutants import MUTANTS, mutated
from .results import Result, append, page, read

MUTANT_SEEDS = 60
_PATIENCE_ROUNDS = 400

log = logging.getLogger("torture")


def main() -> int:
    """Read the command line; exit code 1 when anything was lost, doubled or wrong."""
    parser = argparse.ArgumentParser("python -m tests.durability", description=__doc__)
    parser.add_argument("--case", action="append", choices=list(CASES), default=[])
    parser.add_argument("--seed", type=int, help="Only this round, of the cases named.")
    parser.add_argument("--mutant", action="append", choices=list(MUTANTS), default=[])
    parser.add_argument("--results", type=Path, default=TREE / "build/torture.jsonl")
    parser.add_argument("--page", type=Path, help="Write the page from the results.")
    parser.add_argument("--only-page", action="store_true", help="Try nothing.")
    parser.add_argument("--list", action="store_true", help="Name the cases.")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if given.list:
        for one in CASES.values():
            sys.stdout.write(f"{one.name}: {one.about}\n")
        return 0
    if library() is None:
        log.warning(NO_COMPILER)
        return 2
    good = True
    if not given.only_page:
        everything = not given.case and not given.mutant
        cases = list(CASES) if everything else given.case
        mutants = list(MUTANTS) if everything else given.mutant
        for name in cases:
            good &= _tried(CASES[name], given.seed, given.results)
        for name in mutants:
            good &= _caught(name, given.results)
    if given.page:
        given.page.write_text(page(read(given.results), CASES), encoding="utf-8")
    return 0 if good else 1


def _tried(case: Case, seed: int | None, results: Path) -> bool:
    """Try one round, or as many as are long, going on where the results end."""
    with _bench() as bench:
        if seed is not None:
            return _round(bench, case, seed).is_good
        so_far = [one for one in read(results) if one.case == case.name and not one.bug]
        seed = max((one.seed for one in so_far), default=-1) + 1
        while not _is_enough(case, bench, so_far) and seed < _PATIENCE_ROUNDS:
            so_far.append(_round(bench, case, seed))
            append(results, so_far[-1])
            seed += 1
        return all(one.is_good for one in so_far)


def _is_enough(case: Case, bench: Bench, results: list[Result]) -> bool:
    if sum(one.times for one in results) < case.times:
        return False
    if len(results) < case.rounds(bench):
        return False
    missed = case.places(bench) - {at for one in results for at in one.struck}
    if missed:
        log.info("%s: not struck yet: %s", case.name, ", ".join(sorted(missed)))
    return not missed


def _caught(name: str, results: Path) -> bool:
    """Try the mutant's case, seed after seed, until it fails; false if it does not."""
    mutant = MUTANTS[name]
    with tempfile.TemporaryDirectory(prefix="polylake-mutant-") as copy:
        tree = mutated(mutant, Path(copy))
        with _bench(tree, past_runs=4) as bench:
            for seed in range(MUTANT_SEEDS):
                result = _round(bench, CASES[mutant.case], seed, bug=mutant.bug)
                if not result.is_good:
                    append(results, result)
                    return True
    append(results, result)
    log.error("%s was not caught", name)
    return False


def _round(bench: Bench, case: Case, seed: int, *, bug: str = "") -> Result:
    """One round; what it raises is a problem, too."""
    began = time.monotonic()
    try:
        outcome = case.round(bench, seed)
    except (AssertionError, OSError) as error:
        problems = (str(error)[-600:],)
        result = Result(
            case.name, seed, 1, 0, 0, "failed", "", problems, bug=bug, commit=commit()
        )
    else:
        verdict, problems = outcome.verdict, outcome.verdict.problems
        if outcome.end not in (case.ends or (case.end,)):
            said = f"{outcome.end} ({outcome.sentence}), not {case.end}"
            problems = (*problems, said)
        result = Result(
            case.name,
            seed,
            outcome.times,
            verdict.lost,
            verdict.doubled,
            str(outcome.end),
            outcome.sentence,
            problems,
            dict(Counter(outcome.struck)),
            round(time.monotonic() - began, 1),
            bug,
            commit(),
        )
    say = log.info if result.is_good else log.error
    say(
        "%s --seed %d%s: %d times, %d lost, %d doubled, %s, %.0f s %s",
        f"--case {case.name}",
        seed,
        f" with {bug}" if bug else "",
        result.times,
        result.lost,
        result.doubled,
        result.end,
        result.seconds,
        "; ".join(result.problems),
    )
    return result


@contextmanager
def _bench(tree: Path = TREE, *, past_runs: int = 10) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="polylake-torture-") as place:
        bench = Bench(Path(place), tree, past_runs=past_runs)
        try:
            yield bench
        finally:
            bench.close()


if __name__ == "__main__":
    sys.exit(main())
