"""Counts of a run, a dataset each, from all threads; and its progress as it goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Counts:
    """What one dataset of a run has come to."""

    requests: int = 0
    retries: int = 0
    rows_seen: int = 0
    quarantined: int = 0
    jobs_done: int = 0
    jobs_failed: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Failure:
    """One job that did not work out."""

    dataset: str
    what: str
    why: str


class Tally:
    """Counts of all datasets of one run; thread safe.

    A request is counted for the dataset that its thread is working on.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, Counts] = {}
        self._totals: dict[str, int | None] = {}
        self._failures: list[Failure] = []
        self._thread = threading.local()

    @contextmanager
    def working_on(self, dataset: str) -> Iterator[None]:
        """Count this thread's requests for `dataset`."""
        before = getattr(self._thread, "dataset", None)
        self._thread.dataset = dataset
        try:
            yield
        finally:
            self._thread.dataset = before

    @contextmanager
    def timed(self, dataset: str) -> Iterator[None]:
        """Work on `dataset` and add the time it takes to its seconds, once."""
        if getattr(self._thread, "dataset", None) == dataset:
            yield  # it is being timed already
            return
        began = self._clock()
        self.add(dataset)
        try:
            with self.working_on(dataset):
                yield
        finally:
            self.add(dataset, seconds=self._clock() - began)

    def add(
        self,
        dataset: str,
        *,
        requests: int = 0,
        retries: int = 0,
        rows_seen: int = 0,
        quarantined: int = 0,
        jobs_done: int = 0,
        jobs_failed: int = 0,
        seconds: float = 0.0,
    ) -> None:
        """Add to the counts of `dataset`."""
        with self._lock:
            now = self._counts.get(dataset, Counts())
            self._counts[dataset] = replace(
                now,
                requests=now.requests + requests,
                retries=now.retries + retries,
                rows_seen=now.rows_seen + rows_seen,
                quarantined=now.quarantined + quarantined,
                jobs_done=now.jobs_done + jobs_done,
                jobs_failed=now.jobs_failed + jobs_failed,
                seconds=now.seconds + seconds,
            )

    def request_sent(self, *, again: bool) -> None:
        """Count a request of this thread; `again` when it was asked before."""
        dataset = getattr(self._thread, "dataset", None)
        if dataset is not None:
            self.add(dataset, requests=1, retries=int(again))

    def expect(self, dataset: str, total: int | None) -> None:
        """Say how many more jobs `dataset` has; null when nobody knows."""
        with self._lock:
            known = self._totals.get(dataset, 0)
            unknown = known is None or total is None
            self._totals[dataset] = None if unknown else known + total  # type: ignore[operator]

    def failed(self, failure: Failure) -> None:
        """Record a job that failed."""
        self.add(failure.dataset, jobs_failed=1)
        with self._lock:
            self._failures.append(failure)

    def counts(self) -> dict[str, Counts]:
        """Return the counts so far, by dataset, in the order they began."""
        with self._lock:
            return dict(self._counts)

    def total(self, dataset: str) -> int | None:
        """Return how many jobs `dataset` has in all, if known."""
        with self._lock:
            return self._totals.get(dataset)

    def failures(self) -> list[Failure]:
        """Return the failures so far."""
        with self._lock:
            return list(self._failures)
