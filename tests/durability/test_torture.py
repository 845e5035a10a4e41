"""The short form of the torture: a few deaths of each command, and nothing is lost."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from .cases import CASES, Bench, End
from .disk_calls import NO_COMPILER, Boundary, Call, Fatal, Kind, library
from .disk_model import Disk, Way, entries
from .kills import COMPACT, FETCH, FETCH_ALL, INGEST
from .machine import CHAPTER as MACHINE
from .machine import may_mount
from .mutants import MUTANTS, mutated
from .power import recover
from .results import Result, page
from .stored import CHAPTER as FILES
from .yardstick import judged

SMALL = {"markets": 6, "fills": 120}
CURSOR = "/.cursor.json.unfinished"
LANDED = "/data/_landing/*/*/.[0-9]*.unfinished"

needs_compiler = pytest.mark.skipif(library() is None, reason=NO_COMPILER)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("torture"), past_runs=4)
    yield bench
    bench.close()


@needs_compiler
def test_a_life_full_of_deaths_loses_and_doubles_nothing(bench: Bench):
    """At the boundaries where most could go wrong; `make torture` takes them all."""
    commit = Boundary(Kind.LINK, "/data/*/_delta_log/*")
    with bench.home(**SMALL) as home:
        life = [
            (Fatal(1, Boundary(Kind.RENAME, LANDED), True), FETCH_ALL),
            (
                Fatal(2, Boundary(Kind.WRITE, CURSOR), True),
                FETCH_ALL,
            ),
            (Fatal(2, commit), FETCH_ALL),
            (None, FETCH_ALL),
            (Fatal(150), INGEST),
            (Fatal(1, Boundary(Kind.UNLINK, "/data/_landing/*/*/*.arrow")), FETCH),
            (None, FETCH),
            (Fatal(1, Boundary(Kind.RENAME, CURSOR)), FETCH),
            (None, FETCH),
            (Fatal(1, commit), COMPACT),
            (Fatal(1, Boundary(Kind.LINK, "/warehouse/.warehouse/*")), INGEST),
        ]
        for death, command in [*life, *((None, last) for last in (COMPACT, INGEST))]:
            if death is not None:
                assert home.killed_at(death, *command).is_killed, (death, command)
            else:
                home.run(*command)
                home.box.advance(3_600)
        verdict = judged(home)
        assert verdict.is_good, verdict
        assert home.warnings == []


@needs_compiler
def test_a_power_cut_in_the_first_fetch_loses_and_doubles_nothing(bench: Bench):
    """Where a sync decides: a landed file, the cursor, a commit of what was folded."""
    with bench.home(**SMALL) as home:
        disk = Disk(entries(home.folder))
        made = home.recorded(*FETCH_ALL, data=True)
        cuts = {
            last(made, Kind.SYNC, "/data/_landing/*/*/.[0-9]*"): Way.GONE,
            last(made, Kind.RENAME, CURSOR): Way.NO_BYTES,
            last(made, Kind.LINK, "/data/trades/_delta_log/*"): Way.TORN,
        }
        lefts = []
        for place, call in enumerate(made):
            disk.apply(call)
            if place in cuts:
                lefts.append(disk.left(cuts[place], random.Random(place)))
        assert disk.differs_from(home.folder) == [], "a call was not recorded"
        home.box.advance(3_600)
        for left in lefts:
            recover(home, left, (FETCH_ALL,))
            verdict = judged(home, has_warehouse=False)
            assert verdict.is_good, verdict


def last(made: list[Call], kind: Kind, pattern: str) -> int:
    """The place of the last such call."""
    return max(
        place
        for place, call in enumerate(made)
        if call.kind == kind and fnmatch(call.path, pattern)
    )


@pytest.mark.parametrize("name", MUTANTS)
def test_a_bug_can_still_be_put_in(name: str, tmp_path: Path):
    mutated(MUTANTS[name], tmp_path)
    assert MUTANTS[name].case in CASES


def test_every_fault_of_machine_and_files_has_its_case():
    """They take minutes: `make torture` tries them. A disk is for root to mount."""
    told = {name for name, one in CASES.items() if one.chapter in (FILES, MACHINE)}
    assert told >= {
        *("file-cut", "file-flipped", "file-missing", "log-torn", "log-broken"),
        *("cursor-damaged", "cursor-older", "cursor-newer"),
        *("warehouse-missing", "warehouse-damaged", "few-files", "two-fetches"),
        *("fetch-beside-ingest", "ingest-beside-reader", "signal", "timeout"),
    }
    assert ({"disk-full", "disk-read-only"} <= told) == may_mount()


def test_the_page_counts_what_was_tried_and_names_the_seed_of_what_failed():
    struck = {"sync /cursor.json": 4}
    good = Result("kill-fetch", 1, 4, 0, 0, End.UNSEEN, struck=struck, commit="abc1234")
    bad = Result("kill-fetch", 2, 3, 5, 0, End.UNSEEN, problems=("gold: 5 lost",))
    text = page([good, bad], CASES)
    assert "| 7 | 5 | 0 | survived unseen; **seed 2: gold: 5 lost** |" in text
    assert "| `sync /cursor.json` | 4 |" in text
    assert "The code that was tried: `abc1234` (rounds: 1)." in text
