"""What the harness tries: one case a fault, each with an end that is expected of it.

A case is a function of a bench and a seed. It makes a folder beside a sandbox, lets the
fault strike, runs the commands to their end and has what is held judged. Equal seeds
choose equally, so that a failure can be tried again:

    python -m tests.durability --case kill-fetch --seed 12
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from sandbox.testing import sandbox_server

from .disk_calls import library
from .home import TREE, Home
from .warm import Warm
from .yardstick import Verdict

T = TypeVar("T")

WORLD: dict[str, Any] = {
    "size": "tiny",
    "markets": 12,
    "fills": 240,
    "seed": 7,
    "pace": 50.0,
}


class End(StrEnum):
    """The three ways in which a fault may end."""

    UNSEEN = "survived unseen"
    REPORTED = "survived and reported"
    STOPPED = "stopped with a sentence, data intact"


@dataclass(frozen=True)
class Outcome:
    """What came of one round: how often the fault struck, and how it ended.

    `sentence` is what was said to a person, where that is how it ends. `struck` names
    the places that were hit, one for each time, where places are told apart.
    """

    times: int
    verdict: Verdict
    end: End = End.UNSEEN
    sentence: str = ""
    struck: tuple[str, ...] = ()


class Bench:
    """Where rounds are tried: a folder, the code on trial, and what rounds share.

    `past_runs` is how often a lake with a past was fetched before: after ten, the next
    run finds a checkpoint due; after four, there are days to compact.
    """

    def __init__(self, place: Path, tree: Path = TREE, *, past_runs: int = 10) -> None:
        self.place = place
        self.tree = tree
        self.past_runs = past_runs
        self._warm = Warm(tree, library())
        self._kept: dict[str, Any] = {}

    @contextmanager
    def home(self, *, more: str = "", at: float = 0, **options: Any) -> Iterator[Home]:
        """An empty folder beside a sandbox of its own, `at` seconds after its start."""
        with sandbox_server(**{**WORLD, **options}) as box:
            if at:
                box.advance(at)
            yield Home(self.place, box, self._warm, tree=self.tree, more=more)

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """What the first round to ask for `name` made."""
        if name not in self._kept:
            self._kept[name] = make()
        made: T = self._kept[name]
        return made

    def close(self) -> None:
        """End what was started."""
        self._warm.close()


Round = Callable[[Bench, int], Outcome]


@dataclass(frozen=True)
class Case:
    """One fault: `about` in words, and how it must end.

    The long form tries it until it has struck `times` times, and every one of its
    `places`, in `rounds` at least.
    """

    name: str
    chapter: str
    about: str
    round: Round = field(repr=False)
    times: int = 1
    places: Callable[[Bench], set[str]] = field(default=lambda _: set(), repr=False)
    rounds: Callable[[Bench], int] = field(default=lambda _: 1, repr=False)
    end: End = End.UNSEEN
    ends: tuple[End, ...] = ()  # where it may end in several ways, these


CASES: dict[str, Case] = {}


def case(name: str, **said: Any) -> Callable[[Round], Round]:
    """Enter a round into the table of cases; `said` is what `Case` wants to know."""

    def entered(round_: Round) -> Round:
        CASES[name] = Case(name, round=round_, **said)
        return round_

    return entered
