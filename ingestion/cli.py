"""`ingest`: build silver and gold from bronze, and publish them."""

from __future__ import annotations

import dataclasses
import json
import logging
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import duckdb

import settings
from ingestion.run import Summary, ingest
from ingestion.stopping import StopAtSignal, Stopped
from settings.errors import PolylakeError
from warehouse.connect import open_to_read

log = logging.getLogger("ingest")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--rebuild", is_flag=True, help="Build everything anew from bronze, then publish."
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings that differ from the shipped config.toml.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def main(rebuild: bool, config: Path | None, as_json: bool) -> None:
    """Take what is new in bronze into the warehouse, and publish it."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s"
    )
    started_at = datetime.now(UTC)
    summary, exit_code, failure, stopped = Summary(), 0, None, None
    warehouse: Path | None = None
    try:
        with StopAtSignal() as stop:
            paths = settings.load(config).paths
            warehouse = paths.warehouse
            summary = ingest(
                paths.lake,
                warehouse,
                rebuild=rebuild,
                report=log.info,
                opened=stop.watch,
            )
    except PolylakeError as error:
        failure, exit_code = str(error), error.exit_code
    except Stopped as stopping:
        stopped, exit_code = "signal", stopping.exit_code
    for problem in summary.problems:
        log.warning(problem)
    if failure is not None:
        click.echo(f"Error: {failure}", err=True)
    if as_json:
        report = {
            "run_id": f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            "started_at": started_at.isoformat(timespec="milliseconds"),
            "finished_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "stopped": stopped,
            "exit_code": exit_code,
            **_as_json(summary),
            "completeness": _completeness(warehouse if exit_code == 0 else None),
            "failures": []
            if failure is None
            else [{"dataset": None, "what": "ingest", "why": failure}],
        }
        click.echo(json.dumps(report))
    elif exit_code == 0:
        click.echo(_in_words(summary, warehouse))
    sys.exit(exit_code)


def _as_json(summary: Summary) -> dict[str, Any]:
    unused = dict.fromkeys(
        ("requests", "retries", "quarantined", "jobs_done", "jobs_failed"), 0
    )
    return {
        "datasets": {
            name: {
                **unused,
                **dataclasses.asdict(dataset),
                "seconds": round(dataset.seconds, 3),
            }
            for name, dataset in summary.datasets.items()
        },
        "limits": {},
        "rebuilt": summary.rebuilt,
        "published": summary.published,
        "problems": summary.problems,
    }


def _completeness(warehouse: Path | None) -> dict[str, int]:
    counts = {"complete": 0, "partial": 0, "unknown": 0}
    if warehouse is not None:
        with open_to_read(warehouse) as db:
            try:
                counts |= db.execute(
                    "select status, count(*) from gold.market_completeness group by all"
                ).fetchall()
            except duckdb.CatalogException:
                return counts
    return counts


def _in_words(summary: Summary, warehouse: Path | None) -> str:
    if not summary.published:
        return f"{warehouse} is up to date."
    parts = [
        f"{dataset.rows_seen:,} rows of {name}"
        for name, dataset in summary.datasets.items()
        if dataset.files
    ]
    how = "built anew from" if summary.rebuilt else "took in"
    return f"{warehouse} {how} {', '.join(parts) or 'nothing new'}."


if __name__ == "__main__":
    main()
