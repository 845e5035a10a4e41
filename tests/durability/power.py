"""Power cuts: recorded runs, replayed on a disk that forgets what was not synced."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass

from .cases import Bench, End, Outcome, case
from .disk_calls import Call, Kind, boundary
from .disk_model import Disk, Entry, Left, Way, digest, entries, lay_out
from .home import Home
from .kills import APART, COMPACT, FETCH, INGEST, later
from .yardstick import Verdict, judged

CHAPTER = "Power cuts"
STATES = 8  # of a round
_WAYS = list(Way)


@dataclass(frozen=True)
class Recording:
    """An undisturbed run: what was there before, its calls, and after which of them
    the power may go."""

    start: list[Entry]
    calls: list[Call]
    cuts: list[int]

    @property
    def parts(self) -> list[tuple[Way, list[int]]]:
        """The cuts of each round, and the way in which the disk forgets: first every
        cut in one way or another, in the end every cut in every way."""
        count = -(-len(self.cuts) // STATES)
        found = [
            (_WAYS[(place + shift) % len(_WAYS)], place)
            for shift in range(len(_WAYS))
            for place in range(count)
        ]
        parts = [
            (way, self._of(way, self.cuts[place * STATES : (place + 1) * STATES]))
            for way, place in found
        ]
        return [(way, cuts) for way, cuts in parts if cuts]

    def _of(self, way: Way, cuts: list[int]) -> list[int]:
        """Without those by which nothing can change: syncs alone make more safe."""
        if way != Way.GONE:
            return cuts
        return [cut for cut in cuts if self.calls[cut].kind == Kind.SYNC]


@case(
    "power-fetch",
    chapter=CHAPTER,
    about="the power goes during `fetch`: landing, cursor, fold, commit, checkpoint",
    rounds=lambda bench: _rounds(bench, FETCH),
    ends=(End.UNSEEN, End.REPORTED),
)
def power_fetch(bench: Bench, seed: int) -> Outcome:
    """Cut the power in a fetch of a lake that has a past; the next one goes on."""
    return _cut(bench, seed, FETCH, then=(FETCH,), has_warehouse=False)


@case(
    "power-ingest",
    chapter=CHAPTER,
    about="the power goes during `ingest`: its file, and publishing it",
    rounds=lambda bench: _rounds(bench, INGEST),
    ends=(End.UNSEEN, End.REPORTED),
)
def power_ingest(bench: Bench, seed: int) -> Outcome:
    """Cut the power in an ingest of much that is new; the next one goes on."""
    return _cut(bench, seed, INGEST, then=(FETCH, INGEST), has_warehouse=True)


@case(
    "power-compact",
    chapter=CHAPTER,
    about="the power goes during `fetch compact`",
    rounds=lambda bench: _rounds(bench, COMPACT),
    ends=(End.UNSEEN, End.REPORTED),
)
def power_compact(bench: Bench, seed: int) -> Outcome:
    """Cut the power in a compaction; the next one and a fetch go on."""
    return _cut(bench, seed, COMPACT, then=(COMPACT, FETCH), has_warehouse=False)


def _cut(
    bench: Bench,
    seed: int,
    command: tuple[str, ...],
    *,
    then: tuple[tuple[str, ...], ...],
    has_warehouse: bool,
) -> Outcome:
    """Try some of the cuts in one way: other seeds try the others.

    What is left after one cut is often what was left after another: once is enough.
    """
    recording = _recording(bench, command)
    parts = recording.parts
    way, cuts = parts[seed % len(parts)]
    choose = random.Random(seed)
    seen = bench.kept(f"states that {command} left", set)
    verdict, struck = Verdict(), []
    disk = Disk(recording.start)
    with bench.home(at=bench.past_runs * APART + APART + 3_600) as home:
        for place, call in enumerate(recording.calls[: cuts[-1] + 1]):
            disk.apply(call)
            left = disk.left(way, choose) if place in cuts else {}
            if not left or digest(left) in seen:
                continue
            seen.add(digest(left))
            recover(home, left, then)
            verdict += judged(home, has_warehouse=has_warehouse)
            struck.append(str(boundary(call)))
    end = End.REPORTED if home.warnings else End.UNSEEN
    said = "".join(home.warnings[:1])
    return Outcome(len(struck), verdict, end, said, tuple(struck))


def recover(home: Home, left: Left, then: tuple[tuple[str, ...], ...]) -> None:
    """Make the folder what the power cut left, and run the commands."""
    settings = home.config.read_text()
    shutil.rmtree(home.folder)
    home.folder.mkdir()
    lay_out(left, home.folder)
    home.config.write_text(settings)
    for command in then:
        home.run(*command)


def _recording(bench: Bench, command: tuple[str, ...]) -> Recording:
    def recorded() -> Recording:
        with later(bench, taken=command == INGEST) as home:
            home.box.advance(APART)
            if command == INGEST:
                home.run(*FETCH)
            start = entries(home.folder)
            calls = home.recorded(*command, data=True)
            disk = Disk(start)
            for call in calls:
                disk.apply(call)
            unseen = disk.differs_from(home.folder)
            assert not unseen, f"not all calls were recorded: {unseen}"
            return Recording(start, calls, _cuts(calls))

    return bench.kept(f"recording of {command}", recorded)


def _cuts(calls: list[Call]) -> list[int]:
    """After each call; of many writes to a file in a row, after the first and last."""
    alike = [(call.kind, call.inode) for call in calls]
    return [
        place
        for place, call in enumerate(calls)
        if call.kind != Kind.WRITE
        or alike[place - 1 : place] != [alike[place]]
        or alike[place + 1 : place + 2] != [alike[place]]
    ]


def _rounds(bench: Bench, command: tuple[str, ...]) -> int:
    """How many rounds it takes to try every cut in every way."""
    return len(_recording(bench, command).parts)
