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
    """Try some of the cuts in one way: other seeds try the others."""
    recording = _recording(bench, command)
    turn, number = divmod(seed, len(_WAYS))
    way, choose = _WAYS[number], random.Random(seed)
    cuts = recording.cuts
    if way == Way.GONE:  # what is safe becomes more by syncs only
        cuts = [cut for cut in cuts if recording.calls[cut].kind == Kind.SYNC]
    offset = turn * STATES % len(cuts)
    cuts = cuts[offset : offset + STATES]
    verdict, struck, seen = Verdict(), [], set()
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
    return len(_WAYS) * -(-len(_recording(bench, command).cuts) // STATES)
