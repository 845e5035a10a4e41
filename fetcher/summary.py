"""What a run came to: one JSON object for programs, a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from fetcher.drift import Change
from fetcher.limits import Use
from fetcher.tally import Counts, Failure

SHOWN_FAILURES = 10


class Stored(Protocol):
    """What the writer did to one dataset, see lake.writer.DatasetStats."""

    @property
    def rows_new(self) -> int: ...

    @property
    def files(self) -> int: ...


@dataclass(frozen=True)
class Completeness:
    """How many markets lack nothing as far as their walks tell, are known to lack
    fills, or neither; and how many were walked to the end of what is served."""

    complete: int = 0
    partial: int = 0
    unknown: int = 0
    walked_to_end: int = 0


@dataclass(frozen=True)
class Summary:
    """A finished run; `stopped` is null, `timeout` or `signal`.

    It `gave_up` when the last failure made it pointless to try the other jobs.
    """

    mode: str
    run_id: str
    started_at: datetime
    finished_at: datetime
    stopped: str | None
    exit_code: int
    counts: Mapping[str, Counts]
    stored: Mapping[str, Stored]
    limits: Mapping[str, Use]
    completeness: Completeness = Completeness()
    failures: list[Failure] = field(default_factory=list)
    gave_up: bool = False
    drift: list[Change] = field(default_factory=list)


def as_json(summary: Summary) -> dict[str, Any]:
    """Return the object of `--json`; outside programs rely on its keys."""
    return {
        "run_id": summary.run_id,
        "started_at": _time(summary.started_at),
        "finished_at": _time(summary.finished_at),
        "stopped": summary.stopped,
        "exit_code": summary.exit_code,
        "datasets": {name: _dataset(summary, name) for name in _names(summary)},
        "limits": {
            group: {
                "requests": use.requests,
                "retries": use.retries,
                "throttled": use.throttled,
                "waited_seconds": round(use.waited_seconds, 3),
            }
            for group, use in summary.limits.items()
        },
        "completeness": {
            "complete": summary.completeness.complete,
            "partial": summary.completeness.partial,
            "unknown": summary.completeness.unknown,
        },
        "drift": [asdict(change) for change in summary.drift],
        "failures": [asdict(failure) for failure in summary.failures],
    }


def as_text(summary: Summary) -> str:
    """Return what a person is shown at the end of a run."""
    lines = [_headline(summary), ""]
    rows: list[tuple[str, ...]] = [
        ("dataset", "requests", "retries", "rows seen", "rows new", "files", "jobs")
    ]
    for name in _names(summary):
        one = _dataset(summary, name)
        keys = ("requests", "retries", "rows_seen", "rows_new", "files", "jobs_done")
        rows.append((name, *(f"{one[key]:,}" for key in keys)))
    if len(rows) == 1:
        lines = lines[:1]
    else:
        lines += _table(rows)
    if summary.limits:
        lines += ["", *_table(_limits(summary.limits))]
    quarantined = sum(count.quarantined for count in summary.counts.values())
    if quarantined:
        lines.append(f"{quarantined:,} rows fit no schema and were set aside.")
    lines += [change.as_text() for change in summary.drift]
    known = summary.completeness
    if known.walked_to_end:
        lines.append(
            f"{known.walked_to_end:,} markets are walked to their end; "
            "`warehouse completeness` judges what is held of them."
        )
    lines += _failures(summary.failures)
    return "\n".join(lines)


def _limits(limits: Mapping[str, Use]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("limit", "requests", "retries", "throttled", "seconds waited")
    ]
    for group, use in limits.items():
        counts = (use.requests, use.retries, use.throttled)
        waited = f"{use.waited_seconds:,.1f}"
        rows.append((group, *(f"{count:,}" for count in counts), waited))
    return rows


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [
            cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        lines.append("  " + "  ".join(cells))
    return lines


def _headline(summary: Summary) -> str:
    seconds = (summary.finished_at - summary.started_at).total_seconds()
    how = {
        None: "done",
        "timeout": "stopped by --timeout, progress saved,",
        "signal": "stopped by a signal, progress saved,",
    }[summary.stopped]
    if summary.gave_up:
        counted = summary.counts.values()
        fetched = any(one.rows_seen for one in counted)
        how = f"gave up, {'progress saved' if fetched else 'nothing was fetched'},"
    elif summary.failures and summary.stopped is None:
        failed = len(summary.failures)
        how = f"done but for {failed:,} failed job{'s' if failed > 1 else ''},"
    return f"fetch --mode {summary.mode}: {how} in {_duration(seconds)}"


def _failures(failures: list[Failure]) -> list[str]:
    lines = [f"Failed: {one.dataset}: {one.what}: {one.why}" for one in failures]
    if len(lines) > SHOWN_FAILURES:
        more = len(lines) - SHOWN_FAILURES
        lines = [*lines[:SHOWN_FAILURES], f"... and {more:,} more, see --json"]
    return lines


def _names(summary: Summary) -> list[str]:
    stored = [name for name, one in summary.stored.items() if one.files]
    return list(dict.fromkeys([*summary.counts, *stored]))


def _dataset(summary: Summary, name: str) -> dict[str, Any]:
    counts = summary.counts.get(name, Counts())
    stored = summary.stored.get(name)
    return {
        "requests": counts.requests,
        "retries": counts.retries,
        "rows_seen": counts.rows_seen,
        "rows_new": stored.rows_new if stored else 0,
        "files": stored.files if stored else 0,
        "quarantined": counts.quarantined,
        "jobs_done": counts.jobs_done,
        "jobs_failed": counts.jobs_failed,
        "seconds": round(counts.seconds, 3),
    }


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
