"""SIGKILL of fetch, ingest and compaction: at every boundary, and at any instant.

An undisturbed run under the recorder tells which boundaries a command has. Round after
round, a run is killed at the next of them, then, before it could recover, at some call
or at some moment; and once more at a boundary after time has moved. Then everything is
run to its end and judged.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .cases import Bench, End, Outcome, case
from .disk_calls import Boundary, Fatal, Kind, boundary
from .home import Died, Home
from .yardstick import judged

CHAPTER = "SIGKILL"
FETCH_ALL = ("fetch", "--mode", "all")
FETCH = ("fetch", "--mode", "trades")
COMPACT = ("fetch", "compact")
INGEST = ("ingest",)
REBUILD = ("ingest", "--rebuild")
_INGESTS = ((INGEST, True), (INGEST, False), (REBUILD, True))

APART = 1_800  # seconds between two runs


@dataclass(frozen=True)
class Census:
    """The boundaries of an undisturbed run in the order it comes to them, and how
    many calls it makes at each."""

    at: dict[Boundary, int]

    @property
    def calls(self) -> int:
        """All calls."""
        return sum(self.at.values())

    def third(self, which: int) -> list[Boundary]:
        """Those of its beginning, its middle or its end."""
        boundaries = list(self.at)
        size = -(-len(boundaries) // 3)
        return boundaries[which * size : (which + 1) * size]


@case(
    "kill-fetch",
    chapter=CHAPTER,
    about="`fetch` killed, again before it has recovered, and once more",
    times=300,
    places=lambda bench: {str(at) for at in _fetch_census(bench)},
)
def kill_fetch(bench: Bench, seed: int) -> Outcome:
    """Kill the first runs of an empty lake, or the runs of one that has a past."""
    if seed % 3:
        kills = Kills(seed - seed // 3 - 1, _census(bench, FETCH_ALL))
        with bench.home() as home:
            kills.strike(home, *FETCH_ALL)
            home.run(*FETCH_ALL)
            return _finished(home, kills)
    kills = Kills(seed // 3, _census(bench, FETCH))
    with later(bench) as home:
        home.box.advance(APART)
        kills.strike(home, *FETCH)
        home.run(*FETCH)
        return _finished(home, kills)


@case(
    "kill-commit",
    chapter=CHAPTER,
    about="`fetch` killed right after a commit, then in a write of its cursor",
    times=60,
)
def kill_commit(bench: Bench, seed: int) -> Outcome:
    """Kill where most is decided: seed by seed at the next of each."""
    kills = Kills(seed, Census({}))
    with bench.home() as home:
        for fatal in (
            Fatal(2 + seed, Boundary(Kind.LINK, "/data/*/_delta_log/*")),
            Fatal(1 + seed % 3, Boundary(Kind.WRITE, "/*cursor.json*"), is_torn=True),
        ):
            kills.died.append(home.killed_at(fatal, *FETCH_ALL))
        home.run(*FETCH_ALL)
        return _finished(home, kills)


@case(
    "kill-ingest",
    chapter=CHAPTER,
    about="`ingest` killed, again before it has caught up, and once more",
    times=100,
    places=lambda bench: {
        str(at) for command in _INGESTS for at in _census(bench, *command).at
    },
)
def kill_ingest(bench: Bench, seed: int) -> Outcome:
    """Kill it over no warehouse, over one that has a past, and while rebuilding."""
    command, taken = _INGESTS[seed % len(_INGESTS)]
    kills = Kills(seed // len(_INGESTS), _census(bench, command, taken))
    with later(bench, taken=taken) as home:
        home.box.advance(APART)
        home.run(*FETCH)
        kills.strike(home, *command)
        home.run(*INGEST)
        return _finished(home, kills)


@case(
    "kill-compact",
    chapter=CHAPTER,
    about="`fetch compact` killed, again before it is done, and once more",
    times=100,
    places=lambda bench: {str(at) for at in _census(bench, COMPACT).at},
)
def kill_compact(bench: Bench, seed: int) -> Outcome:
    """Kill it with and without a warehouse that has taken in what is replaced."""
    kills = Kills(seed, _census(bench, COMPACT))
    with later(bench, taken=bool(seed % 2)) as home:
        kills.strike(home, *COMPACT)
        home.run(*COMPACT)
        return _finished(home, kills)


class Kills:
    """The kills of one round: where they come, and what they hit.

    Boundaries take turns. A round's three lie in the beginning, the middle and the end
    of the command, since a run that goes on after a death passes what lies behind it.
    """

    def __init__(self, turn: int, census: Census) -> None:
        self.choose = random.Random(turn)
        self.died: list[Died] = []
        self._census = census
        self._turn = turn

    def strike(self, home: Home, *command: str) -> None:
        """Start the command again and again, and kill it each time."""
        for which in range(3):
            at = self._census.third(which)
            self.died.append(home.killed_at(self._at_one_of(at), *command))
            if which == self._turn % 3:
                home.box.advance(self.choose.choice([0, 60, 1_000]))
                self.died.append(self._anywhere(home, *command))

    def _at_one_of(self, boundaries: list[Boundary]) -> Fatal:
        at = boundaries[self._turn % len(boundaries)]
        # a run that goes on after a death has less left to do: often nothing but one
        number = self.choose.choice([1, self.choose.randint(1, self._census.at[at])])
        return Fatal(number, at, at.kind == Kind.WRITE and self.choose.random() < 0.5)

    def _anywhere(self, home: Home, *command: str) -> Died:
        if self.choose.random() < 0.5:
            return home.killed_after(self.choose.uniform(0.05, 1.5), *command)
        return home.killed_at(Fatal(self.choose.randint(1, 500)), *command)


def _fetch_census(bench: Bench) -> set[Boundary]:
    return {*_census(bench, FETCH_ALL).at, *_census(bench, FETCH).at}


def _census(bench: Bench, command: tuple[str, ...], taken: bool = True) -> Census:
    def counted() -> Census:
        if command == FETCH_ALL:
            with bench.home() as home:
                made = home.recorded(*command)
        else:
            with later(bench, taken=taken) as home:
                home.box.advance(APART)
                if command[0] == "ingest":
                    home.run(*FETCH)
                made = home.recorded(*command)
        return Census(dict(Counter(boundary(call) for call in made)))

    return bench.kept(f"census of {command} {taken}", counted)


@contextmanager
def later(bench: Bench, *, taken: bool = True) -> Iterator[Home]:
    """A home whose lake has a past, taken into its warehouse half way or never."""

    def lived() -> str:
        with bench.home() as home:
            home.run(*FETCH_ALL)
            for number in range(bench.past_runs):
                if number == bench.past_runs // 2:
                    home.run(*INGEST)
                home.box.advance(APART)
                home.run(*FETCH)
            home.save("taken")
            shutil.rmtree(home.warehouse.parent)
            home.save("untaken")
        return "lived"

    bench.kept("a past", lived)
    with bench.home(at=bench.past_runs * APART) as home:
        home.restore("taken" if taken else "untaken")
        yield home


def _finished(home: Home, kills: Kills) -> Outcome:
    """Run everything to its end, look again a while later, and judge."""
    home.box.advance(3_600)
    home.run(*FETCH)
    home.run(*INGEST)
    killed = [died for died in kills.died if died.is_killed]
    struck = tuple(str(died.at or "any instant") for died in killed)
    end = End.REPORTED if home.warnings else End.UNSEEN
    return Outcome(len(killed), judged(home), end, "".join(home.warnings[:1]), struck)
