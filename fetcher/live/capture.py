"""One capture, from its locks to what it came to."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fetcher.ending import Ending
from fetcher.fetching import GIGABYTE, opened_run
from fetcher.live import RECORDERS
from fetcher.live.folding import COMMAND as FOLDING
from fetcher.live.health import Health
from fetcher.live.recorders import Recorders, Wanted
from fetcher.opening import lake_to_write
from fetcher.options import Options
from lake.apart import Apart
from lake.cursor import CursorFile
from lake.locks import held
from settings.errors import PolylakeError
from settings.model import Settings

log = logging.getLogger(__name__)

READ_SECONDS = 8.0  # an answer that is later is of no use, and would hold up the end
# So that a busy capture folds every minute, and a quiet one as often as the settings
# say: what a kill leaves is folded soon after the next start, in little memory.
LANDING_BYTES = 32 << 20
LINGER_SECONDS = 0.2  # so that what was heard a second ago is durable
# Three threads that never rest share the interpreter. What becomes durable passes it on
# at every step, and waited five milliseconds each time to get it back.
SWITCH_SECONDS = 0.0005


@dataclass(frozen=True)
class Result:
    """How a capture went."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    stopped: str | None
    exit_code: int
    health: Health
    limits: Mapping[str, Any]
    problem: str | None


def capture(settings: Settings, wanted: Wanted, ending: Ending) -> Result:
    """Record until `ending` says so; what was heard is stored, however it ends.

    The lake is found writable, and no other capture of the same recorders to be at
    work with this cursor file, before anything is listened to.
    """
    started_at = datetime.now(UTC)
    seconds = min(settings.http.read_timeout_seconds, READ_SECONDS)
    settings = replace(
        settings, http=replace(settings.http, read_timeout_seconds=seconds)
    )
    sys.setswitchinterval(SWITCH_SECONDS)
    # A line for each question to the hot path would bury what matters.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    with ExitStack() as open_:
        path = cursor_path(settings.paths.cursors, wanted.only)
        for recorder in wanted.only:
            lock = settings.paths.cursors.with_name(
                f"{settings.paths.cursors.name}.capture-{recorder}.lock"
            )
            open_.enter_context(held(lock, what=f"The recorder of {recorder}"))
        cursor = open_.enter_context(CursorFile.open(path))
        lake = open_.enter_context(lake_to_write(settings.paths.lake, settings.lake))
        # Folding would take the interpreter from those who listen.
        hello = {"lake": str(lake.root), "care": asdict(settings.lake)}
        folding = open_.enter_context(Apart(FOLDING, hello, here=lake.fold))
        writer = lake.writer(
            cursor,
            landing_max_bytes=min(
                int(settings.lake.landing_max_gb * GIGABYTE), LANDING_BYTES
            ),
            linger_seconds=LINGER_SECONDS,
            folding=folding,
        )
        run, talk = opened_run(
            open_, settings, Options(mode="capture"), ending, lake, cursor, writer
        )
        with writer:
            for problem in cursor.problems:
                log.warning("%s", problem)
            work = Recorders(run, wanted)
            work.do()
        ended = None if run.fatal is None else str(run.fatal)
        if run.fatal is not None and not isinstance(run.fatal, PolylakeError | OSError):
            raise run.fatal
        return Result(
            run_id=run.run_id,
            started_at=started_at,
            finished_at=datetime.now(UTC),
            stopped=ending.reason if ended is None else None,
            exit_code=_exit_code(ending, ended),
            health=work.health(),
            limits=talk.use(),
            problem=ended,
        )


def cursor_path(cursors: Path, recorders: Sequence[str]) -> Path:
    """Where a capture keeps its cursor: beside that of `fetch`."""
    part = "" if tuple(recorders) == RECORDERS else "-" + "-".join(recorders)
    return cursors.with_name(f"{cursors.stem}-capture{part}{cursors.suffix}")


def _exit_code(ending: Ending, problem: str | None) -> int:
    if ending.signal is not None:
        return 128 + ending.signal
    return 0 if problem is None else 1
