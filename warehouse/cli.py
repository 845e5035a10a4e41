"""The command `warehouse`: ask the warehouse, and ask whether it can be trusted."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import duckdb

import settings
from settings.entry import CONFIG, JSON, Entries
from settings.errors import PolylakeError
from settings.wording import meant
from warehouse import check as checking
from warehouse import completeness as proof
from warehouse import lineage as origins
from warehouse import query as queries
from warehouse.connect import open_to_read
from warehouse.replay.cli import replay
from warehouse.stopping import StopAtSignal, Stopped
from warehouse.views import gold_views


class Asking(Entries):
    """A command that a signal stops, and whose errors are sentences, DuckDB's too."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        try:
            with StopAtSignal() as ctx.obj, ctx.obj.stoppable():
                return super().invoke(ctx)
        except Stopped as stopped:
            return stopped.exit_code
        except duckdb.Error as error:  # a file cut short opens well, and fails later
            reason = str(error).strip().splitlines()[0]
            raise PolylakeError(
                f"The warehouse could not answer: {reason} If it is damaged, "
                "`ingest --rebuild` makes it anew."
            ) from error


@click.group(cls=Asking)
def main() -> None:
    """Ask the warehouse that `ingest` builds; it is only ever read.

    Exit codes: 0 done, 1 a check or --strict found something, 2 wrong usage or
    configuration.
    """


@main.command()
@click.argument("sql")
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    metavar="N",
    help="Rows of the table, 0 for all; --json and --csv always print all.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead of a table.")
@JSON
@CONFIG
def query(
    sql: str, rows: int, as_csv: bool, as_json: bool, config: Path | None
) -> None:
    """Print what SQL selects: warehouse query "select * from gold.top_markets"."""
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    with closing(_open(config)) as db:
        columns, found = queries.run(db, sql)
        if as_json:
            queries.write_json(sys.stdout, columns, found)
        elif as_csv:
            queries.write_csv(sys.stdout, columns, found)
        else:
            _print_table(columns, found, limit=rows)


@main.command()
@JSON
@CONFIG
def views(as_json: bool, config: Path | None) -> None:
    """List the gold views, with a sentence on each."""
    settings.load(config)  # what is wrong with it is said here too
    listed = gold_views()
    if as_json:
        _print_json([vars(view) for view in listed])
        return
    wide = max(len(view.name) for view in listed)
    for view in listed:
        click.echo(f"gold.{view.name:<{wide}}  {view.sentence}")


@main.command()
@click.argument("names", nargs=-1)
@JSON
@CONFIG
def check(names: tuple[str, ...], as_json: bool, config: Path | None) -> None:
    """Check the promises of the warehouse (all of them, or NAMES); exit 1 if broken."""
    known = {one.name: one for one in checking.checks()}
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(
            f"There is no check {unknown[0]}.{meant(unknown[0], known)} `warehouse "
            "check` makes all of them, and names each."
        )
    wanted = [known[name] for name in names] if names else list(known.values())
    broken = []
    stale_hours = settings.load(config).checks.stale_hours
    with closing(_open(config)) as db:
        checking.expect(db, stale_hours=stale_hours)
        for one in wanted:
            offence = checking.run_check(db, one)
            if offence is not None:
                broken.append(offence)
            if as_json:
                continue
            if offence is None:
                click.echo(f"ok      {one.name}: {one.promise}")
            else:
                click.echo(f"BROKEN  {one.name}: {one.promise}")
                click.echo(f"        {offence.rows:,} rows, such as:")
                _print_table(offence.columns, offence.examples, limit=0)
    if as_json:
        _print_json(
            {
                "checks": len(wanted),
                "broken": [_offence_json(offence) for offence in broken],
            }
        )
    else:
        click.echo(f"{len(wanted)} checks, {len(broken)} broken")
    if broken:
        raise SystemExit(1)


@main.command()
@click.option("--strict", is_flag=True, help="Exit 1 unless every market is complete.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="How many of the worst markets to name.",
)
@JSON
@CONFIG
def completeness(strict: bool, limit: int, as_json: bool, config: Path | None) -> None:
    """Say of how many markets all fills are held, why not of others, what to do."""
    with closing(_open(config)) as db:
        found = proof.summary(db, limit)
    if as_json:
        _print_json(found)
    else:
        _print_completeness(found)
    if strict and found["partial"] + found["unknown"]:
        raise SystemExit(1)


@main.command()
@click.argument("what", metavar="MARKET|TRANSACTION_HASH|DAY|WALK_ID/PAGE_NO")
@click.option(
    "--view",
    metavar="NAME",
    help="All that this view rests on: gold.daily_volume; else the fills alone.",
)
@click.option("--since", metavar="DATE", help="Fills from this UTC day or ISO time on.")
@click.option("--until", metavar="DATE", help="Fills before this UTC day or ISO time.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    metavar="N",
    help="At most so many pages, the latest first.",
)
@JSON
@CONFIG
def lineage(
    what: str,
    view: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
    config: Path | None,
) -> None:
    """Name the bronze files and the requests that a number came from.

    A market is a condition id or a slug; a day is that of all fills. A bronze row names
    the page that it came on: WALK_ID/PAGE_NO, or WALK_ID/PAGE_NO/ROW_NO for it alone.
    """
    lake = settings.load(config).paths.lake
    span = origins.Span(
        None if since is None else origins.moment_of(since),
        None if until is None else origins.moment_of(until),
    )
    among = origins.FILLS if view is None else origins.behind(view, lake)
    with closing(_open(config)) as db:
        subject = origins.find_subject(db, what)
        found = origins.trace(db, lake, subject, limit=limit, among=among, span=span)
    if as_json:
        _print_json(
            {
                "kind": subject.kind,
                "value": subject.value,
                "origins": [vars(origin) for origin in found],
            }
        )
        return
    click.echo(f"The {subject.kind} {subject.value}, in {lake}:")
    for origin in found:
        click.echo(
            f"{origin.fetched_at:%Y-%m-%d %H:%M:%S}  {origin.rows:>6,} rows  "
            f"{origin.file}\n    walk {origin.walk_id} page {origin.page_no}"
            f"  GET {origin.request or '(its request is not in walks)'}"
        )
    if not found:
        click.echo("No row of it is in bronze.")
    elif len(found) == limit:
        click.echo(f"… the latest {limit} pages; --limit shows more")


@main.command()
@click.argument("what", metavar="VIEW|SQL")
@click.option(
    "--to",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to write: .parquet, .csv or .csv.gz.",
)
@JSON
@CONFIG
def export(what: str, path: Path, as_json: bool, config: Path | None) -> None:
    """Write a view, a table or a query to a Parquet or CSV file."""
    with closing(_open(config)) as db:
        rows = queries.export(db, what, path)
    if as_json:
        _print_json({"file": str(path), "rows": rows})
    else:
        click.echo(f"{path}: {rows:,} rows")


main.add_command(replay)


def _open(config: Path | None) -> duckdb.DuckDBPyConnection:
    db = open_to_read(settings.load(config).paths.warehouse)
    click.get_current_context().obj.watch(db)
    return db


def _print_table(columns: Sequence[str], rows: Any, *, limit: int) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    queries.write_table(sys.stdout, columns, rows, limit=limit, width=width)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(queries.plain(value), ensure_ascii=False, indent=1))


def _offence_json(offence: checking.Offence) -> dict[str, Any]:
    return {
        "name": offence.check.name,
        "promise": offence.check.promise,
        "rows": offence.rows,
        "examples": [
            dict(zip(offence.columns, row, strict=True)) for row in offence.examples
        ],
    }


def _print_completeness(found: dict[str, Any]) -> None:
    total = sum(found[status] for status in proof.STATUSES)
    click.echo(
        f"{total:,} markets: {found['complete']:,} complete, "
        f"{found['partial']:,} partial, {found['unknown']:,} unknown"
    )
    for one in found["reasons"]:
        name = f"{one['status']} {one['reason'] or '(no reason)'}"
        click.echo(f"\n{one['markets']:>7,}  {name}: {one['means']}.")
        click.echo(f"         {one['mend'][0].upper()}{one['mend'][1:]}.")
    if found["worst"]:
        click.echo("\nThe markets that lack most, possible losses of ours first:")
        columns = list(found["worst"][0])
        _print_table(columns, [list(one.values()) for one in found["worst"]], limit=0)
