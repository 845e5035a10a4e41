"""The command `ingest`: build silver and gold from bronze, and publish them."""

from __future__ import annotations

import dataclasses
import json
import logging
import secrets
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from settings.entry import CONFIG, JSON, Entry, log_to
from settings.errors import PolylakeError
from settings.terminal import printable
from warehouse.stopping import StopAtSignal, Stopped

if TYPE_CHECKING:
    from ingestion.summary import Summary

log = logging.getLogger("ingest")

# That is safe: the next run goes on from the last intake.
STOPPING = b"Stopping: what was taken in stays. Once more ends at once.\n"


@click.command(cls=Entry)
@click.option(
    "--rebuild", is_flag=True, help="Build everything anew from bronze, then publish."
)
@CONFIG
@JSON
def main(rebuild: bool, config: Path | None, as_json: bool) -> int:
    """Take what is new in bronze into the warehouse, and publish it.

    Readers never wait: they keep the old warehouse until the new one is published.

    Exit codes: 0 done, 1 it failed and the published warehouse is as it was, 2 wrong
    usage or configuration, 75 another run is at it, 129, 130 or 143 stopped by a signal
    with progress saved.
    """
    log_to(logging.StreamHandler(sys.stderr))
    told = Account()
    # Before all that takes time: a signal that comes early is one that stops the run.
    with StopAtSignal(answer=STOPPING) as stop:
        try:
            _run(told, stop, config, rebuild=rebuild)
        except PolylakeError as error:
            told.failure, told.exit_code = str(error), error.exit_code
        except Stopped as stopping:
            told.stopped, told.exit_code = "signal", stopping.exit_code
        for problem in told.problems:
            log.warning(problem)
        if told.failure is not None:
            click.echo(printable(f"Error: {told.failure}"), err=True)
        if as_json:
            click.echo(json.dumps(_as_json(told)))
        elif told.exit_code == 0:
            click.echo(_in_words(told))
            if any((told.completeness or {}).values()):
                click.echo(_completeness(told))
    return told.exit_code


@dataclass
class Account:
    """What there is to say of a run, as far as it has come."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    warehouse: Path | None = None
    summary: Summary | None = None
    completeness: dict[str, int] | None = None
    stopped: str | None = None
    failure: str | None = None
    exit_code: int = 0

    @property
    def problems(self) -> list[str]:
        """What went on in spite of it, for people to read."""
        return self.summary.problems if self.summary else []


def _run(
    told: Account, stop: StopAtSignal, config: Path | None, *, rebuild: bool
) -> None:
    """Do the work; `told` says how far it came, also where this raises."""
    import duckdb

    import settings
    from ingestion.run import ingest
    from ingestion.summary import Summary
    from warehouse.completeness import counts_by_ingest
    from warehouse.connect import open_to_read

    told.summary = Summary()
    with stop.stoppable():
        loaded = settings.load(config)
        paths = loaded.paths
        told.warehouse = paths.warehouse
        try:
            ingest(
                paths.lake,
                paths.warehouse,
                rebuild=rebuild,
                dust_usd=loaded.silver.dust_usd,
                summary=told.summary,
                report=log.info,
                opened=stop.watch,
            )
        except OSError as error:
            path = error.filename2 or error.filename or paths.warehouse
            raise IngestFailed(
                f"Cannot use {path}: {error.strerror or error}. "
                f"{paths.warehouse} is as it was. Free the disk or fix the "
                "permissions, then run the same command again."
            ) from error
        except duckdb.Error as error:
            raise IngestFailed(
                f"{' '.join(str(error).split())} {paths.warehouse} is as it was. If a "
                "file of the lake is named, `fetch verify --deep` says what is wrong "
                "with it."
            ) from error
        try:
            with open_to_read(paths.warehouse) as db:
                stop.watch(db)
                told.completeness = counts_by_ingest(db)
        except duckdb.Error as error:  # a file cut short opens well, and fails later
            raise IngestFailed(
                f"{paths.warehouse} cannot be read: {' '.join(str(error).split())} If "
                "it is damaged, `ingest --rebuild` makes it anew from bronze."
            ) from error


class IngestFailed(PolylakeError):
    """DuckDB or the disk would not; the published warehouse is as it was."""


def _as_json(told: Account) -> dict[str, Any]:
    return {
        "run_id": f"{told.started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        "started_at": told.started_at.isoformat(timespec="milliseconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "stopped": told.stopped,
        "exit_code": told.exit_code,
        "datasets": _datasets(told.summary),
        "limits": {},
        "rebuilt": told.summary is not None and told.summary.rebuilt,
        "published": told.summary is not None and told.summary.published,
        "problems": told.problems,
        "completeness": told.completeness
        or dict.fromkeys(("complete", "partial", "unknown"), 0),
        "failures": []
        if told.failure is None
        else [{"dataset": None, "what": "ingest", "why": told.failure}],
    }


def _datasets(summary: Summary | None) -> dict[str, Any]:
    unused = dict.fromkeys(
        ("requests", "retries", "quarantined", "jobs_done", "jobs_failed"), 0
    )
    return {
        name: {
            **unused,
            **dataclasses.asdict(dataset),
            "seconds": round(dataset.seconds, 3),
        }
        for name, dataset in (summary.datasets.items() if summary else ())
    }


def _in_words(told: Account) -> str:
    summary = told.summary
    if summary is None or not summary.published:
        return f"{told.warehouse} is up to date."
    parts = [
        f"{dataset.rows_seen:,} rows of {name}"
        for name, dataset in summary.datasets.items()
        if dataset.files
    ]
    how = "built anew from" if summary.rebuilt else "took in"
    said = f"{told.warehouse} {how} {', '.join(parts) or 'nothing new'}."
    if parts or any((told.completeness or {}).values()):
        return said
    return f"{said} It knows no market: run `fetch` first."


def _completeness(told: Account) -> str:
    counts = told.completeness or {}
    how = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    return f"{sum(counts.values()):,} markets: {how}"


if __name__ == "__main__":
    main()
