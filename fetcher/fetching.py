"""A whole run of `fetch`, from the lock on the cursor to the summary."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from typing import Any

from fetcher import clients, progress
from fetcher.clients import Clients
from fetcher.completeness import completeness
from fetcher.drift import Change
from fetcher.ending import Ending
from fetcher.errors import Stopped
from fetcher.http import host_of
from fetcher.modes import Phase, phases
from fetcher.opening import lake_to_write
from fetcher.options import Options
from fetcher.run import Puts, Run
from fetcher.summary import Completeness, Summary
from fetcher.tally import Failure, Tally
from lake.batch import Batch, CursorChange
from lake.cursor import CursorFile
from lake.lake import Lake
from lake.unreadable import is_damage
from settings.errors import PolylakeError, UsageError
from settings.model import Settings

log = logging.getLogger(__name__)

GIGABYTE = 1_000_000_000
FINISH_SECONDS = 1.0  # for all that comes after the last fold


def fetch(
    settings: Settings,
    options: Options,
    ending: Ending,
    *,
    work: Iterable[Phase] | None = None,
    is_terminal: bool = False,
) -> Summary:
    """Fetch what `options` ask for into the lake, and say what it came to.

    The cursor is locked and the lake found writable before the network is touched. A
    job that fails is part of the summary; what makes a run pointless from the start
    (wrong usage, a held lock, a lake that cannot be written) is raised. `work` takes
    the place of the phases of the mode.
    """
    started_at = datetime.now(UTC)
    todo = phases(options.mode) if work is None else tuple(work)
    with ExitStack() as held:
        cursor = held.enter_context(CursorFile.open(settings.paths.cursors))
        lake = held.enter_context(lake_to_write(settings.paths.lake, settings.lake))
        writer = lake.writer(
            cursor, landing_max_bytes=int(settings.lake.landing_max_gb * GIGABYTE)
        )
        run, talk = opened_run(held, settings, options, ending, lake, cursor, writer)
        ending.needs = lambda: FINISH_SECONDS + writer.seconds_to_fold()
        allowances = {one.dataset: talk.allowance(one.group) for one in todo}
        with progress.shown(run.tally, allowances, is_terminal=is_terminal):
            _write(run, writer, todo)
        failures = run.tally.failures()
        return Summary(
            mode=options.mode,
            run_id=run.run_id,
            started_at=started_at,
            finished_at=datetime.now(UTC),
            stopped=ending.reason,
            exit_code=_exit_code(ending, failures),
            counts=run.tally.counts(),
            stored=writer.stats(),
            limits=talk.use(),
            completeness=_completeness(run),
            drift=_drift(run, started_at),
            failures=failures,
            gave_up=run.fatal is not None,
        )


def opened_run(
    held: ExitStack,
    settings: Settings,
    options: Options,
    ending: Ending,
    lake: Lake,
    cursor: CursorFile,
    writer: Puts,
) -> tuple[Run, Clients]:
    """Give what a run works with, for as long as `held` is open."""
    bases = (api.base_url for api in (settings.apis.gamma, settings.apis.data))
    urls = (*bases, settings.apis.clob.base_url)
    hosts = dict.fromkeys(host_of(url).removesuffix(":443") for url in urls)
    log.info("asking %s, as %s says", ", ".join(hosts), settings.file)
    tally = Tally()
    talk = held.enter_context(
        clients.opened(
            settings,
            shards=options.shard[1] if options.shard else 1,
            on_request=lambda again: tally.request_sent(again=again),
            sleep=ending.sleep,
        )
    )
    run = Run(
        lake=lake,
        writer=writer,
        cursor=cursor,
        gamma=talk.gamma,
        data=talk.data,
        clob=talk.clob,
        apis={"coinbase": talk.coinbase},
        settings=settings,
        options=options,
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        stop=ending.stop,
        tally=tally,
    )
    return run, talk


def _write(
    run: Run, writer: AbstractContextManager[Any], todo: Iterable[Phase]
) -> None:
    """Do the phases with the writer open; what fails at its end is a failure, too."""
    is_open = False
    try:
        with writer:
            is_open = True
            for problem in run.cursor.problems:
                log.warning("%s", problem)
            _drop_foreign_walks(run)
            for phase in todo:
                _do(phase, run)
    except Exception as error:
        if not is_open or not _can_be_told(error) or isinstance(error, UsageError):
            raise
        run.failed("lake", "storing what was fetched", error)


def _drop_foreign_walks(run: Run) -> None:
    """Forget saved walks that are none of ours, for nobody would go on with them."""
    for walk_id, saved in run.cursor.walks.items():
        if not isinstance(saved, dict):
            log.warning("The saved walk %s is unreadable and is dropped", walk_id)
            run.writer.put(Batch({}, cursor=CursorChange({walk_id: None})))


def _do(phase: Phase, run: Run) -> None:
    """Do one phase; one that fails as a whole does not keep the next from trying."""
    if run.stop.is_set():
        return
    with run.tally.timed(phase.dataset):
        try:
            phase(run)
        except Stopped:
            return
        except UsageError:
            raise
        except sqlite3.DatabaseError as error:
            what = f"reading what is known of {phase.dataset}"
            run.failed(phase.dataset, what, _damaged(run, error))
        except Exception as error:
            if not _can_be_told(error):
                raise
            run.failed(phase.dataset, f"fetching {phase.dataset}", error)


def _can_be_told(error: Exception) -> bool:
    """Whether it is the service, the system or a file: anything else is a bug."""
    return isinstance(error, PolylakeError | OSError) or is_damage(error)


def _damaged(run: Run, error: sqlite3.DatabaseError) -> PolylakeError:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return PolylakeError(
            f"{run.lake.root / '_state'} cannot be written: the disk is full. What was "
            "stored before is unharmed; free the disk, then run the same command again."
        )
    return PolylakeError(
        f"{run.lake.root / '_state'} cannot be read: {error}. If it is damaged, delete "
        "that folder: the next run makes it anew from bronze."
    )


def _completeness(run: Run) -> Completeness:
    """Count what is complete; all zero where the derived state cannot be read."""
    try:
        return completeness(run)
    except (PolylakeError, OSError, sqlite3.Error) as error:
        log.warning("what is complete cannot be counted: %s", error)
        return Completeness()


def _drift(run: Run, since: datetime) -> list[Change]:
    """What has changed about the service's rows; nothing where bronze is damaged."""
    counts = run.tally.counts()
    aside = [name for name, one in counts.items() if one.quarantined]
    try:
        return run.drift.changes(run.lake, since=since, set_aside=aside)
    except Exception as error:
        if not _can_be_told(error):
            raise
        log.warning("what has changed about the rows cannot be told: %s", error)
        return []


def _exit_code(ending: Ending, failures: list[Failure]) -> int:
    if ending.signal is not None:
        return 128 + ending.signal
    return 1 if failures else 0
