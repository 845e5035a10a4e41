"""Failures of services as a dataset: what went wrong, since when, for how long."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

from fetcher.live.clock import SECOND_NS
from fetcher.live.store import Row

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """One error of a service; times in unix nanoseconds."""

    error_id: str
    service: str
    error_type: str
    started_at_ns: int
    details: str
    ended_at_ns: int | None = None
    estimated_missed: int | None = None

    @property
    def seconds(self) -> float:
        """How long it lasted, once it is over."""
        return ((self.ended_at_ns or self.started_at_ns) - self.started_at_ns) / 1e9


class Failures:
    """The failures of one capture; thread safe. Each has a row at both of its ends."""

    def __init__(
        self,
        run_id: str,
        add: Callable[[str, list[Row]], None],
        now: Callable[[], int],
    ) -> None:
        self._run_id = run_id
        self._add = add
        self._now = now
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._open: dict[str, Failure] = {}
        self._rows: dict[str, int] = {}
        self._left: list[Failure] = []
        self.counts: dict[str, int] = {}

    def begin(
        self,
        service: str,
        error_type: str,
        details: str,
        *,
        since_ns: int | None = None,
        missed: int | None = None,
    ) -> str:
        """Note that something is wrong, and since when; return the error's id."""
        with self._lock:
            failure = Failure(
                f"{self._run_id}-{next(self._numbers)}",
                service,
                error_type,
                self._now() if since_ns is None else since_ns,
                details,
                estimated_missed=missed,
            )
            self._open[failure.error_id] = failure
            self.counts[service] = self.counts.get(service, 0) + 1
        log.warning("%s: %s: %s", service, error_type, details)
        self._tell(failure)
        return failure.error_id

    def end(
        self,
        error_id: str,
        *,
        missed: int | None = None,
        rate: float = 0.0,
        at_once: bool = False,
    ) -> None:
        """Note that it is over. `rate`: messages a second that are missing since."""
        with self._lock:
            failure = self._open.pop(error_id, None)
        if failure is None:
            return
        now = max(self._now(), failure.started_at_ns)  # a clock may have been set back
        if missed is None:
            missed = failure.estimated_missed
        if missed is None:
            missed = round(rate * (now - failure.started_at_ns) / SECOND_NS)
        done = replace(failure, ended_at_ns=now, estimated_missed=missed)
        if not at_once:
            log.info(
                "%s: %s is over after %.1f s, about %d messages missed",
                done.service,
                done.error_type,
                done.seconds,
                missed,
            )
        self._tell(done)
        with self._lock:
            self._rows.pop(error_id, None)

    def once(
        self, service: str, error_type: str, details: str, *, missed: int | None = None
    ) -> None:
        """Note something that was over as soon as it was seen."""
        error = self.begin(service, error_type, details, missed=missed)
        self.end(error, at_once=True)

    def end_all(self, why: str) -> None:
        """Say of what is still wrong that nobody will see its end."""
        for error_id, failure in list(self._open.items()):
            log.info(
                "%s: %s is not over yet: %s", failure.service, failure.error_type, why
            )
            self._open.pop(error_id, None)
            self._left.append(failure)

    def wrong(self) -> list[tuple[str, str]]:
        """What is wrong now, or was when it all ended: service and type, details."""
        with self._lock:
            failures = [*self._open.values(), *self._left]
        return [(f"{one.service}: {one.error_type}", one.details) for one in failures]

    def _tell(self, failure: Failure) -> None:
        with self._lock:
            number = self._rows.get(failure.error_id, 0)
            self._rows[failure.error_id] = number + 1
        self._add(
            "service_errors",
            [
                (
                    failure.error_id,
                    failure.service,
                    failure.error_type,
                    failure.started_at_ns,
                    failure.ended_at_ns,
                    failure.estimated_missed,
                    failure.details,
                    self._now() // 1_000,
                    self._run_id,
                    0,
                    number,
                    None,
                )
            ],
        )
