"""One run of `fetch`: what every dataset's code is given, and how its jobs are done."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fetcher.drift import Drift
from fetcher.errors import Stopped
from fetcher.http import Api
from fetcher.jobs import Job, is_fatal, work_off
from fetcher.options import Options
from fetcher.tally import Failure, Tally
from lake.batch import Batch
from lake.unreadable import damaged, is_damage
from settings.errors import PolylakeError
from settings.model import Settings

if TYPE_CHECKING:
    from lake.cursor import CursorFile
    from lake.lake import Lake

log = logging.getLogger(__name__)

T = TypeVar("T")

__all__ = ["Job", "Options", "Puts", "Run"]


class Puts(Protocol):
    """What takes the batches: see lake.writer.Writer."""

    def put(self, batch: Batch) -> None: ...

    def flush(self) -> None: ...

    def fold(self) -> None: ...


class Landing:
    """The run's writer; an error in it stops the run, since no job can go on."""

    def __init__(
        self, writer: Puts, give_up: Callable[[BaseException], None], drift: Drift
    ) -> None:
        self._writer = writer
        self._give_up = give_up
        self._drift = drift

    def put(self, batch: Batch) -> None:
        """Take a batch; returns at once.

        ValueError when its rows do not fit: then nothing of it is taken.
        """
        for name, rows in batch.rows.items():
            self._drift.see(name, rows)
        with self._giving_up(but_for=ValueError):
            self._writer.put(batch)

    def flush(self) -> None:
        """Return when all batches so far are durable."""
        with self._giving_up():
            self._writer.flush()

    def fold(self) -> None:
        """Return when all batches so far are in bronze, to be read."""
        with self._giving_up():
            self._writer.fold()

    @contextmanager
    def _giving_up(self, but_for: type[Exception] | tuple[()] = ()) -> Iterator[None]:
        try:
            yield
        except but_for:
            raise
        except BaseException as error:
            self._give_up(error)
            raise


def steady_clock(
    time_of_day: Callable[[], float] = time.time,
    counter: Callable[[], float] = time.monotonic,
) -> Callable[[], float]:
    """Give a clock that goes on evenly from now, in unix seconds.

    The host's own may be set in mid-run. What is covered is told by how much time has
    gone by since the exchange said what time it is, so it must not leap.
    """
    offset = time_of_day() - counter()
    return lambda: counter() + offset


@dataclass
class Run:
    """What one run gives every dataset.

    Work goes on until `stop` is set: code checks it between pages and returns, or
    calls `check()`. `clock` is the time of day in unix seconds, see steady_clock.
    """

    lake: Lake
    writer: Puts
    cursor: CursorFile
    gamma: Api
    data: Api
    clob: Api
    settings: Settings
    options: Options
    run_id: str
    apis: Mapping[str, Api] = field(default_factory=dict)  # of other exchanges
    stop: threading.Event = field(default_factory=threading.Event)
    tally: Tally = field(default_factory=Tally)
    drift: Drift = field(default_factory=Drift)
    clock: Callable[[], float] = field(default_factory=steady_clock)
    fatal: BaseException | None = None
    _end_is_told: bool = False
    _made: dict[str, Any] = field(default_factory=dict)
    _making: dict[str, threading.Lock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.writer, Landing):
            self.writer = Landing(self.writer, self.give_up, self.drift)

    def once(self, what: str, make: Callable[[], T]) -> T:
        """Return what the run has under this name, made when first asked for.

        It lives as long as the run does; other threads wait while it is made.
        """
        with self._making.setdefault(what, threading.Lock()):
            if what not in self._made:
                self._made[what] = make()
            made: T = self._made[what]
            return made

    def jobs(
        self, dataset: str, jobs: Iterable[Job], *, total: int | None = None
    ) -> None:
        """Do `jobs` on `settings.workers[dataset]` threads.

        A job that fails is recorded, and the others go on. When the run stops, no
        further job is begun, and those under way come to their next check. With a
        `total` the jobs are all there already.
        """
        if total is None:
            self.tally.expect(dataset, None)
        else:
            jobs = list(jobs)
            for name, count in Counter(job.dataset or dataset for job in jobs).items():
                self.tally.expect(name, count)
        outcomes = work_off(
            jobs,
            workers=self.settings.workers.get(dataset, 1),
            stop=self.stop,
            context=lambda: self.tally.working_on(dataset),
        )
        with self.tally.timed(dataset):
            for outcome in outcomes:
                name = outcome.job.dataset or dataset
                if outcome.error is not None:
                    self.failed(name, outcome.job.what, outcome.error)
                elif not self.stop.is_set():  # else it may have left early
                    self.tally.add(name, jobs_done=1)

    def failed(self, dataset: str, what: str, error: BaseException) -> None:
        """Record that `what` failed; stop the run where going on is pointless."""
        if isinstance(error, Stopped):
            return
        if is_damage(error):
            error = damaged("What is stored", error)
        ends_run = error is self.fatal or is_fatal(error)
        if ends_run:
            self.give_up(error)
            if self._end_is_told:
                return  # the other threads run into the same
            self._end_is_told = True
        why = str(error)
        if not isinstance(error, PolylakeError | OSError):
            why = f"{type(error).__name__}: {why}"
        self.tally.failed(Failure(dataset, what, why))
        if isinstance(error, PolylakeError | OSError):
            log.warning("%s: %s: %s", dataset, what, why)
        else:
            log.error("%s: %s failed unexpectedly", dataset, what, exc_info=error)

    def give_up(self, error: BaseException) -> None:
        """Stop the run because of `error`."""
        if self.fatal is None:
            self.fatal = error
        self.stop.set()

    def check(self) -> None:
        """Raise Stopped when the run is stopping."""
        if self.stop.is_set():
            raise Stopped
