"""Show how a run goes on: bars on a terminal, else a line in the log now and then."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from tqdm import tqdm

from fetcher.tally import Counts, Tally

log = logging.getLogger(__name__)

BAR_SECONDS = 0.5
LINE_SECONDS = 10.0
SHAPE = "{desc} {bar} {n_fmt}/{total_fmt} jobs{postfix}"
OPEN_SHAPE = "{desc} {n_fmt} jobs{postfix}"


class Progress:
    """The progress of each dataset, from its counts at two moments.

    `allowed` is the rate, in requests a second, that each dataset may reach.
    """

    def __init__(
        self,
        tally: Tally,
        allowed: Mapping[str, float],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tally = tally
        self._allowed = allowed
        self._clock = clock
        self._began = clock()
        self._before: dict[str, tuple[float, Counts]] = {}

    def lines(self) -> dict[str, str]:
        """Return what to say of each dataset that moved since the last call."""
        said = {}
        now = self._clock()
        for dataset, counts in self._tally.counts().items():
            then, before = self._before.get(dataset, (self._began, Counts()))
            if counts == before:
                continue
            self._before[dataset] = (now, counts)
            said[dataset] = self._line(dataset, counts, before, now - then)
        return said

    def _line(
        self, dataset: str, counts: Counts, before: Counts, seconds: float
    ) -> str:
        parts = [f"{counts.rows_seen:,} rows", f"{counts.requests:,} requests"]
        if seconds > 0:
            rate = (counts.requests - before.requests) / seconds
            parts.append(f"{rate:.1f} requests/s")
            allowed = self._allowed.get(dataset)
            if allowed:
                parts.append(f"{100 * rate / allowed:.0f} % of the allowed rate")
        if counts.retries:
            parts.append(f"{counts.retries:,} repeated")
        if counts.jobs_failed:
            parts.append(f"{counts.jobs_failed:,} jobs failed")
        return ", ".join(parts)


@contextmanager
def shown(
    tally: Tally, allowed: Mapping[str, float], *, is_terminal: bool
) -> Iterator[None]:
    """Show the progress on stderr while the block runs."""
    done = threading.Event()
    show = _bars if is_terminal else _log_lines
    thread = threading.Thread(
        target=show, args=(tally, allowed, done), name="progress", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _log_lines(
    tally: Tally, allowed: Mapping[str, float], done: threading.Event
) -> None:
    progress = Progress(tally, allowed)
    while not done.wait(LINE_SECONDS):
        for dataset, line in progress.lines().items():
            jobs = tally.counts()[dataset].jobs_done
            log.info("%s: %s, %s jobs done", dataset, line, f"{jobs:,}")


def _bars(tally: Tally, allowed: Mapping[str, float], done: threading.Event) -> None:
    progress = Progress(tally, allowed)
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
