"""Work off jobs with a pool of threads; one that fails does not stop the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass

from fetcher.errors import FetchError, HostUnreachable
from settings.errors import PolylakeError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A unit of work: `what` names it for people, `work` does it.

    `work` checks the run's stop between pages and just returns, or raises Stopped. It
    counts for `dataset`, where that is not the one whose threads do it.
    """

    what: str
    work: Callable[[], None]
    dataset: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How a job ended: well (no error), or with the error that it raised."""

    job: Job
    error: BaseException | None


def work_off(
    jobs: Iterable[Job],
    *,
    workers: int,
    stop: threading.Event,
    context: Callable[[], AbstractContextManager[None]],
) -> Iterator[Outcome]:
    """Work on `jobs` with `workers` threads and yield how each one ended.

    `jobs` is read only as fast as they are worked off. When `stop` is set no further
    one is begun; those under way come to their end. The threads are gone when this
    is.
    """

    def work(job: Job) -> None:
        with context():
            job.work()

    waiting = iter(jobs)
    futures: dict[Future[None], Job] = {}
    with ThreadPoolExecutor(workers, thread_name_prefix="fetch") as pool:
        try:
            while True:
                while len(futures) < workers and not stop.is_set():
                    job = next(waiting, None)
                    if job is None:
                        break
                    futures[pool.submit(work, job)] = job
                if not futures:
                    return
                done, _ = wait(futures, return_when=FIRST_COMPLETED)
                for future in done:
                    yield Outcome(futures.pop(future), future.exception())
        except BaseException:
            stop.set()  # a bug, or the reader went away: no thread goes on alone
            raise


def is_fatal(error: BaseException) -> bool:
    """Whether the run must stop: no host, no disk, no memory, or a wrong setting."""
    if isinstance(error, FetchError):
        return isinstance(error, HostUnreachable)
    ours = isinstance(error, PolylakeError | OSError | MemoryError)
    return ours or not isinstance(error, Exception)
