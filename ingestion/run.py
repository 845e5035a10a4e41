"""One run of `ingest`: from what is new in bronze to a published warehouse."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bronze import DATASETS
from ingestion import taken
from ingestion.intake import INTAKE_ROWS, intakes
from ingestion.load import CUT, TOGETHER, Loader
from ingestion.pace import Pace, Report
from ingestion.publish import Turns
from ingestion.summary import NAMES, News, Summary, news_of
from lake.delta_log import Changes, DeltaLog
from lake.expiry import Expired, expired, tallies
from lake.locks import held
from lake.storage import LocalStorage
from settings.errors import Locked, PolylakeError
from warehouse.connect import (
    NotAWarehouse,
    open_to_read,
    open_to_write,
    transaction,
)
from warehouse.models import comment_on_columns, define_gold, define_silver

# Bytes of bronze take some fifty times as long to take in as bytes of the published
# file take to copy: a file that lags behind by more is replaced by a copy.
_COPY_SHARE = 50
_COPY_MINIMUM = 16 << 20

# Between two lines of the log on the same dataset.
REPORT_SECONDS = 30.0

# Captured positions worth less are left in bronze.
DUST_USD = 1.0

_MEMORY = 1_280 << 20
_MEMORY_A_CORE = 512 << 20


class LakeChanged(PolylakeError):
    """The lake is not the one that the warehouse was built from."""


Opened = Callable[[duckdb.DuckDBPyConnection], None]


def ingest(
    lake: Path,
    warehouse: Path,
    *,
    rebuild: bool = False,
    dust_usd: float = DUST_USD,
    intake_rows: int = INTAKE_ROWS,
    summary: Summary | None = None,
    report: Report = lambda _: None,
    report_seconds: float = REPORT_SECONDS,
    opened: Opened = lambda _: None,
) -> Summary:
    """Take in what is new in `lake` and publish it as `warehouse`.

    `summary` is filled in as the run goes on, and says also of one that ends early what
    was taken in. `report` is given a line for each dataset that brought something, and
    while that takes long one every `report_seconds`.

    Captured positions that are worth less than `dust_usd` dollars are left in bronze;
    where that was another when the warehouse was built, it is built anew.

    `opened` is given each connection that is written with, so that whoever wants the
    run to stop can interrupt what it is doing.

    Raises `Locked` if another run is at it. Whenever this dies, the published file is
    whole, and the next run goes on from the last intake that was taken in.
    """
    turns = Turns(warehouse)
    with held(turns.lock, what=f"The warehouse {warehouse}"):
        turns.tidy()
        summary = Summary() if summary is None else summary
        run = _Run(
            lake,
            turns,
            intake_rows,
            summary,
            Pace(report, report_seconds),
            opened,
            dust_usd,
        )
        try:
            if rebuild:
                is_whole = turns.check_published()
            else:
                is_whole = turns.check_published(run.look)
            run.rebuild() if rebuild or not is_whole else run.catch_up()
            turns.tidy()
        finally:
            summary.problems += turns.problems
        return summary


@dataclass(frozen=True)
class _Found:
    """What the published file was made by, and has taken in."""

    same_tables: bool
    same_views: bool
    versions: dict[str, taken.Version]
    expiries: set[tuple[str, int]]


class _Run:
    def __init__(
        self,
        lake: Path,
        turns: Turns,
        intake_rows: int,
        summary: Summary,
        pace: Pace,
        opened: Opened,
        dust_usd: float,
    ) -> None:
        self.summary = summary
        self._lake = lake
        self._turns = turns
        self._intake_rows = intake_rows
        self._pace = pace
        self._opened = opened
        self._dust_usd = dust_usd
        self._storage = LocalStorage(lake)
        self._logs = {name: DeltaLog(self._storage, DATASETS[name]) for name in NAMES}
        self._expired: list[Expired] = []
        self._found: _Found | None = None
        self._news: News = None

    def look(self, db: duckdb.DuckDBPyConnection) -> None:
        """Note what the published file, open here, has taken in."""
        same_tables = taken.has_this_layout(db, self._dust_usd)
        self._found = _Found(
            same_tables,
            taken.has_these_views(db),
            taken.versions(db),
            taken.expiries(db) if same_tables else set(),
        )

    def rebuild(self) -> None:
        """Build everything anew beside what there is, and publish that."""
        self._pace.say("building the warehouse anew")
        self.summary.rebuilt = True
        built = self._turns.building
        changes = self._changes({})
        with self._open(built) as db:
            self._take_in(db, changes)
        path = self._turns.next()
        self._turns.adopt(built, path)
        self.summary.published = self._turns.publish(path)
        self._turns.forget(self._turns.other(path))

    def catch_up(self) -> None:
        """Take what is new into the file whose turn it is, and publish it."""
        published = self._turns.published
        fresh: dict[str, Changes] = {}
        if published.exists():
            if self._found is None:  # someone had it open
                with open_to_read(published) as db:
                    self.look(db)
            found = self._found
            assert found is not None
            if not found.same_tables:
                self._pace.say(
                    "another release, or setting, made the warehouse's tables otherwise"
                )
                return self.rebuild()
            fresh = self._changes(found.versions)
            if found.expiries != self._expiries():
                self._pace.say("retention has let go of rows since the last run")
                return self.rebuild()
            if any(change.restarted for change in fresh.values()):
                self._pace.say("the lake was made anew since the last run")
                return self.rebuild()
            if found.same_views and not any(one.files for one in fresh.values()):
                return None
        path = self._turns.next()
        self._turns.make_writable(path)
        with ExitStack() as stack:
            db, changes = self._lacking(path, fresh, stack)
            if fresh and self._found is not None:
                # asked last: what was committed since `fresh` is news as well
                self._news = news_of(self._changes_since(self._found.versions))
            self._take_in(db, changes)
        self.summary.published = self._turns.publish(path)
        return None

    def _lacking(
        self, path: Path, fresh: dict[str, Changes], stack: ExitStack
    ) -> tuple[duckdb.DuckDBPyConnection, dict[str, Changes]]:
        """Open `path` and tell what it lacks; made a copy first where that costs less.

        `fresh` is what the published file lacks; it is empty where there is none.
        """
        mine = self._lacking_in(path, stack)
        if fresh:
            limit = self._turns.published.stat().st_size // _COPY_SHARE
            behind = 0 if mine is None else _bytes(mine[1]) - _bytes(fresh)
            if mine is None or behind > max(limit, _COPY_MINIMUM):
                stack.close()
                self._turns.copy_published(path)
                return stack.enter_context(self._open(path)), fresh
        if mine is None:
            stack.close()
            self._turns.forget(path)
            changes = self._changes({})
            return stack.enter_context(self._open(path)), changes
        return mine

    def _lacking_in(
        self, path: Path, stack: ExitStack
    ) -> tuple[duckdb.DuckDBPyConnection, dict[str, Changes]] | None:
        """Open a file of ours and tell what it lacks; null where it is of no use."""
        if not path.exists():
            return None
        try:
            db = stack.enter_context(self._open(path))
            ours = taken.is_ours(db)
            if not (ours and taken.has_this_layout(db, self._dust_usd)):
                return None
            versions, logs = taken.versions(db), taken.logs(db)
            expiries = taken.expiries(db)
        except (NotAWarehouse, Locked, duckdb.Error) as error:
            self.summary.problems.append(f"{path} was damaged and is replaced: {error}")
            return None
        changes = self._changes(versions)
        is_same = all(log_id == changes[name].log_id for name, log_id in logs)
        is_of_use = is_same and expiries == self._expiries()
        return (db, changes) if is_of_use else None

    def _changes(self, known: Mapping[str, taken.Version]) -> dict[str, Changes]:
        """Ask every log what came after the versions that are known.

        What retention has let go is told as of the same moment.
        """
        while True:
            before = self._let_go()
            changes = self._changes_since(known)
            self._expired = self._let_go()
            if self._expired == before:
                return changes

    def _let_go(self) -> list[Expired]:
        return [
            one
            for name, log in self._logs.items()
            for one in expired(self._storage, log, name)
        ]

    def _tallies(self, db: duckdb.DuckDBPyConnection) -> list[Path]:
        noted = taken.expiries(db)
        its = (one for one in self._expired if (one.dataset, one.number) in noted)
        return tallies(self._storage, its)

    def _expiries(self) -> set[tuple[str, int]]:
        return {(one.dataset, one.number) for one in self._expired}

    def _changes_since(self, known: Mapping[str, taken.Version]) -> dict[str, Changes]:
        """`walks` is asked first: trades that its rows speak of are then at hand."""
        changes = {}
        for name in sorted(self._logs, key=lambda name: name != "walks"):
            at = known.get(name)
            change = self._logs[name].changes(
                at.version if at else None, log_id=at.log_id if at else None
            )
            if at is not None and change.version is None:
                raise LakeChanged(
                    f"The warehouse has taken in {name} up to version {at.version}, "
                    f"but {self._lake / name} holds none. If [paths] lake is right, "
                    "run `ingest --rebuild`."
                )
            changes[name] = change
        return changes

    def _open(self, path: Path) -> duckdb.DuckDBPyConnection:
        self._turns.scratch.mkdir(parents=True, exist_ok=True)
        db = open_to_write(
            path, scratch=self._turns.scratch, memory_limit=_memory_limit()
        )
        self._opened(db)
        return db

    def _take_in(
        self, db: duckdb.DuckDBPyConnection, changes: Mapping[str, Changes]
    ) -> None:
        taken.lay_out(db, self._dust_usd)
        db.execute("set variable dust_usd = ?::double", [self._dust_usd])
        same_views = taken.has_these_views(db)
        if not same_views:  # noted last: who has them has every table, too
            define_silver(db)
        loader = Loader(db, self._lake, lambda name: self._logs[name].snapshot().files)
        if not taken.logs(db):
            with transaction(db):
                loader.note_expired(self._expired)
        known = taken.files(db)
        for names in TOGETHER:
            its = {name: known[name] for name in names}
            self._take_in_together(db, loader, names, changes, its)
        with transaction(db):
            loader.count_expired(self._tallies(db))
        if not same_views:
            with transaction(db):
                define_gold(db)
                comment_on_columns(db)
                taken.note_views(db)
        loader.add_up()
        with transaction(db):
            loader.judge()
        # All of it in the file itself: a reader of a file beside its log waits.
        db.execute("force checkpoint")

    def _take_in_together(
        self,
        db: duckdb.DuckDBPyConnection,
        loader: Loader,
        names: tuple[str, ...],
        changes: Mapping[str, Changes],
        known: Mapping[str, set[str]],
    ) -> None:
        started, read, gained, again = time.monotonic(), 0, 0, 0
        new = {name: changes[name] for name in names}
        rows = self._intake_rows * CUT.get(names, 1)
        for intake in intakes(new, known, intake_rows=rows, may_cut=names in CUT):
            with transaction(db):
                fresh = loader.take_in(names, intake)
                for name, files in intake.files.items():
                    log_id = changes[name].log_id
                    taken.note_files(db, name, log_id, (file.name for file in files))
            read, gained = read + intake.rows, gained + fresh
            again += intake.rows - self.summary.add(names, intake, fresh, self._news)
            self._pace.go_on(f"{_told(names, read, gained, again)} so far")
        if read:
            self._pace.say(_told(names, read, gained, again))
        for name in names:
            version = changes[name].version
            if version is not None:
                at = taken.Version(changes[name].log_id, version)
                with transaction(db):
                    taken.note_version(db, name, at)
        self.summary.datasets[names[0]].seconds += time.monotonic() - started


def _told(names: tuple[str, ...], read: int, gained: int, again: int) -> str:
    """What this file took in; what the published one had already is counted apart."""
    told = f"{' and '.join(names)}: {gained:,} new rows"
    if not again:
        return f"{told}, {read:,} read"
    return f"{told} to this file, {read:,} read, {again:,} of them published before"


def _bytes(changes: Mapping[str, Changes]) -> int:
    return sum(file.size for change in changes.values() for file in change.files)


def _memory_limit() -> str:
    """What DuckDB may hold: all of ingest then stays below two gigabytes.

    With many cores more is held at once, but never more than half of the memory.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = max(_MEMORY, _MEMORY_A_CORE * (os.cpu_count() or 1))
    return f"{min(total // 2, wanted) >> 20}MiB"
