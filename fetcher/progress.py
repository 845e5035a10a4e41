"""Show how a run goes on: bars on a terminal, else a line in the log now and then."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from tqdm import tqdm

from fetcher.tally import Counts, Tally

log = logging.getLogger(__name__)

BAR_SECONDS = 0.5
LINE_SECONDS = 10.0
RATE_SECONDS = 5.0
SHAPE = "{desc} {bar} {n_fmt}/{total_fmt} jobs{postfix}"
OPEN_SHAPE = "{desc} {n_fmt} jobs{postfix}"


@dataclass(frozen=True)
class Allowance:
    """The limit group that bounds a dataset: its rate, and its requests so far.

    Other datasets may send requests of the same group.
    """

    per_second: float
    requests: Callable[[], int]


@dataclass(frozen=True)
class Moment:
    """Counts of a dataset and of its limit group at one time."""

    at: float
    counts: Counts
    in_group: int


class Progress:
    """What to say of each dataset; rates are those of the last seconds."""

    def __init__(
        self,
        tally: Tally,
        allowances: Mapping[str, Allowance],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tally = tally
        self._allowances = allowances
        self._clock = clock
        self._began = clock()
        self._moments: dict[str, deque[Moment]] = {}

    def lines(self) -> dict[str, str]:
        """Return what to say of each dataset that moved since the last call."""
        said = {}
        for dataset, counts in self._tally.counts().items():
            start = Moment(self._began, Counts(), 0)
            moments = self._moments.setdefault(dataset, deque([start]))
            if counts == moments[-1].counts:
                continue
            allowance = self._allowances.get(dataset)
            in_group = allowance.requests() if allowance else 0
            now = Moment(self._clock(), counts, in_group)
            moments.append(now)
            while len(moments) > 2 and moments[1].at <= now.at - RATE_SECONDS:
                moments.popleft()
            said[dataset] = _line(moments[0], now, allowance)
        return said


def _line(before: Moment, now: Moment, allowance: Allowance | None) -> str:
    counts, seconds = now.counts, now.at - before.at
    parts = [f"{counts.rows_seen:,} rows", f"{counts.requests:,} requests"]
    if seconds > 0:
        rate = (counts.requests - before.counts.requests) / seconds
        parts.append(f"{rate:.1f} requests/s")
        if allowance is not None:
            in_group = (now.in_group - before.in_group) / seconds
            share = 100 * in_group / allowance.per_second
            parts.append(f"{share:.0f} % of the allowed rate")
    if counts.retries:
        parts.append(f"{counts.retries:,} repeated")
    if counts.jobs_failed:
        parts.append(f"{counts.jobs_failed:,} jobs failed")
    return ", ".join(parts)


@contextmanager
def shown(
    tally: Tally, allowances: Mapping[str, Allowance], *, is_terminal: bool
) -> Iterator[None]:
    """Show the progress on stderr while the block runs."""
    done = threading.Event()
    show = _bars if is_terminal else _log_lines
    thread = threading.Thread(
        target=show, args=(tally, allowances, done), name="progress", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _log_lines(
    tally: Tally, allowances: Mapping[str, Allowance], done: threading.Event
) -> None:
    progress = Progress(tally, allowances)
    while not done.wait(LINE_SECONDS):
        for dataset, line in progress.lines().items():
            jobs = tally.counts()[dataset].jobs_done
            log.info("%s: %s, %s jobs done", dataset, line, f"{jobs:,}")


def _bars(
    tally: Tally, allowances: Mapping[str, Allowance], done: threading.Event
) -> None:
    progress = Progress(tally, allowances)
    bars: dict[str, tqdm[NoReturn]] = {}
    is_last = False
    while not is_last:
        is_last = done.wait(BAR_SECONDS)
        for dataset, line in progress.lines().items():
            if dataset not in bars:
                bars[dataset] = tqdm(
                    desc=f"{dataset:<12}",
                    position=len(bars),
                    file=sys.stderr,
                    dynamic_ncols=True,
                    bar_format=OPEN_SHAPE,
                )
            bar = bars[dataset]
            bar.total = tally.total(dataset)
            bar.bar_format = SHAPE if bar.total else OPEN_SHAPE
            bar.n = tally.counts()[dataset].jobs_done
            bar.set_postfix_str(line, refresh=False)
            bar.refresh()
    for bar in bars.values():
        bar.close()


class LogAboveBars(logging.Handler):
    """Writes log lines to stderr without tearing the bars that are shown there."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)
