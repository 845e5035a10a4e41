"""What the commands of `fetch` beside the run itself do, and what they tell."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from bronze import DATASETS
from fetcher.ending import Ending
from fetcher.fetching import opened_run
from fetcher.mending import forget_catalogue, forget_derived, mark
from fetcher.opening import lake_to_write
from fetcher.options import Options
from fetcher.polymarket.plan import plan as plan_of
from fetcher.polymarket.status import status as status_of
from fetcher.taking_in import set_aside_by_reason, take_in
from fetcher.verify import Report, balance, verify
from lake.batch import Batch
from lake.cursor import CursorFile
from lake.damage import FILES, Damage, SetAside, damages, notes, set_aside
from lake.lake import Lake
from settings.errors import Locked, PolylakeError, UsageError
from settings.model import Settings

log = logging.getLogger(__name__)

SHOWN_PROBLEMS = 50


@dataclass(frozen=True)
class Told:
    """What a command says: an object for programs, text for people, an exit code."""

    json: dict[str, Any]
    text: str
    exit_code: int = 0


class Untouched:
    """In the place of a writer where nothing may be written: takes and forgets."""

    def put(self, batch: Batch) -> None:
        """Forget the batch."""

    def flush(self) -> None:
        """Do nothing."""

    def fold(self) -> None:
        """Do nothing."""


def plan(settings: Settings, options: Options, ending: Ending) -> Told:
    """Say what a run with these options would cost; stores no rows.

    There need be no lake yet.
    """
    with ExitStack() as held:
        cursor = held.enter_context(CursorFile.open(settings.paths.cursors))
        lake = held.enter_context(Lake.open(settings.paths.lake, DATASETS))
        run, _ = opened_run(
            held, settings, options, ending, lake, cursor, writer=Untouched()
        )
        found = plan_of(run)
        return Told(found.as_json(), found.as_text())


def status(settings: Settings) -> Told:
    """Say what the lake and the cursor hold; also while a run goes on."""
    try:
        cursor = json.loads(settings.paths.cursors.read_bytes())
    except (OSError, ValueError):
        cursor = None
    if not isinstance(cursor, dict):
        cursor = {}  # none yet, or one that the next run reports and moves aside
    with lake_to_read(settings) as lake:
        found = status_of(lake, cursor, warehouse=settings.paths.warehouse)
        text = f"the lake in {settings.paths.lake}:\n{found.as_text()}"
        return Told(found.as_json(), text)


def verified(settings: Settings, *, deep: bool, stop: threading.Event) -> Told:
    """Check files and walks; exit code 1 when something is not as it should be.

    What is damaged is set aside, and what was in it is marked to be fetched again.
    """
    with lake_to_read(settings) as lake:
        report = verify(lake, deep=deep, stop=stop)
    aside: list[SetAside] = []
    after: list[str] = []
    if report.damaged and not stop.is_set():
        aside, after = _mended(settings, report)
    found = {
        "files": report.files,
        "rows": report.rows,
        "walks": report.walks,
        "deep": deep,
        "problems": [asdict(problem) for problem in report.problems],
        "set_aside": [asdict(one) for one in aside],
    }
    lines = [f"{one.dataset}: {one.what} {one.why}" for one in report.problems]
    if len(lines) > SHOWN_PROBLEMS:
        more = len(lines) - SHOWN_PROBLEMS
        lines = [*lines[:SHOWN_PROBLEMS], f"... and {more:,} more, see --json"]
    lines += after
    lines.append(
        f"{report.files:,} files with {report.rows:,} rows and {report.walks:,} walks "
        f"looked at, {len(report.problems):,} problems"
    )
    return Told(found, "\n".join(lines), 1 if report.problems else 0)


def _mended(settings: Settings, report: Report) -> tuple[list[SetAside], list[str]]:
    """Set aside what is damaged, and mark what it held; says what came of it."""
    try:
        aside = damaged_set_aside(settings, report.damaged)
    except PolylakeError as error:
        return [], [f"Nothing was set aside: {error}"]
    if not aside:
        return [], ["Nothing was set aside: the files are whole by now."]
    rows = sum(one.rows for one in aside)
    said = [
        f"{len(aside):,} files with {rows:,} rows were set aside in "
        f"{settings.paths.lake / FILES}."
    ]
    try:
        with (
            CursorFile.open(settings.paths.cursors) as cursor,
            Lake.open(settings.paths.lake, DATASETS) as lake,
            lake.writer(cursor) as writer,
        ):
            lacking = Report()
            balance(lake, lacking, deep=True)
            forget_derived(lake, writer.put, aside)
            marked = mark(lake, writer.put, lacking.unbalanced)
    except Locked:
        said.append("A run is under way: run `fetch repair` after it.")
    else:
        walks = f"The next `fetch` walks {marked:,} markets again. " if marked else ""
        said.append(f"{walks}`fetch repair` fetches again all that was in these files.")
    return aside, said


def damaged_set_aside(settings: Settings, found: list[Damage]) -> list[SetAside]:
    """Set aside what was found damaged."""
    if not found:
        return []
    with Lake.open(settings.paths.lake, DATASETS) as lake:
        aside = set_aside(lake, found)
        forget_catalogue(lake, aside)
    for one in aside:
        log.warning("%s: %s %s; set aside", one.dataset, one.name, one.why)
    return aside


def checked_for_repair(settings: Settings, *, stop: threading.Event) -> None:
    """Read all of the lake, and set aside what is damaged, before a repair."""
    with lake_to_read(settings) as lake:
        found = [
            damage
            for name in lake.datasets
            for _, damage in damages(lake, name, deep=True, stop=stop)
            if damage is not None
        ]
    damaged_set_aside(settings, found)  # the repair itself judges the walks


def quarantined(settings: Settings) -> Told:
    """Say which rows and files are set aside, and why."""
    with lake_to_read(settings) as lake:
        rows = list(set_aside_by_reason(lake))
        files = [one for one in notes(lake) if not one.mended]
    lines = []
    for dataset, reason, count, last in rows:
        lines.append(f"{dataset}: {count:,} rows: {reason}")
        lines.append(f"  such as {shown(last['raw'])}")
        lines.append(f"  of {shown(last['request'])}, {last['fetched_at']}")
    for one in files:
        lines.append(f"{one.dataset}: file {one.name}, {one.rows:,} rows: {one.why}")
    total = sum(count for _, _, count, _ in rows)
    lines.append(f"{total:,} rows and {len(files):,} files are set aside")
    if rows:
        lines.append("`fetch quarantine --retry` takes in the rows that fit by now")
    found = {
        "rows": [
            {"dataset": dataset, "reason": reason, "rows": count, "latest": dict(last)}
            for dataset, reason, count, last in rows
        ],
        "files": [asdict(one) for one in files],
    }
    return Told(found, "\n".join(lines))


def taken_in(settings: Settings) -> Told:
    """Take in the rows that were set aside and fit by now; exit code 1 if some stay."""
    lake_to_read(settings).close()
    with (
        CursorFile.open(settings.paths.cursors) as cursor,
        Lake.open(settings.paths.lake, DATASETS) as lake,
        lake.writer(cursor) as writer,
    ):
        done = take_in(lake, cursor, writer)
    names = dict.fromkeys([*done.stored, *done.left])
    lines = [
        f"{name}: {done.stored.get(name, 0):,} rows taken in, "
        f"{done.left.get(name, 0):,} left set aside"
        for name in names
    ] or ["No row that could be taken in is set aside"]
    if done.stored:
        lines.append("`ingest` brings them into the warehouse")
    found = {"taken_in": done.stored, "left": done.left}
    return Told(found, "\n".join(lines), 1 if done.left else 0)


def shown(text: str) -> str:
    """Text of the service, fit for a terminal: one short line without control codes."""
    return "".join(c if c.isprintable() else "?" for c in text)[:200]


def compacted(settings: Settings, *, stop: threading.Event) -> Told:
    """Replace the many small files of a day by few, in every dataset."""
    with lake_to_write(settings.paths.lake, settings.lake) as lake:
        done = []
        for one in lake.compact():
            done.append(one)
            if stop.is_set():
                break
        removed = sum(lake.remove_replaced(name) for name in lake.datasets)
    lines = [
        f"{one.dataset} {one.day}: {one.files_before:,} files became "
        f"{one.files_after:,}, {one.rows:,} rows"
        for one in done
    ]
    lines.append(f"{len(done):,} days compacted, {removed:,} replaced files removed")
    found = {"compacted": [asdict(one) for one in done], "files_removed": removed}
    return Told(found, "\n".join(lines))


def lake_to_read(settings: Settings) -> Lake:
    """Open the lake to read; UsageError when there is none."""
    if not settings.paths.lake.is_dir():
        raise UsageError(
            f"There is no lake at {settings.paths.lake} yet: run fetch --mode all."
        )
    return Lake.open_to_read(settings.paths.lake, DATASETS)
