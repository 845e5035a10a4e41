"""Run a query and write its rows: as a table for people, as JSON or CSV for programs.

Rows are read in parts, so that a result need not fit in memory as JSON or CSV.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import duckdb

from settings.errors import PolylakeError, UsageError

Row = Sequence[Any]

FORMATS = {
    ".parquet": "format parquet, compression zstd",
    ".csv": "format csv, header true",
    ".gz": "format csv, header true, compression gzip",
}

_PART = 10_000
_LONGEST = 78  # a token is shown whole, to be copied
_SMALLEST = 0.0000005


# Wrong as it is written: nothing was read.
_WRONG = (
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.BinderException,
    duckdb.CatalogException,
)
_EXPLAIN = re.compile(r"explain(\s+analyze)?(\s*\([^)]*\))?\s+", re.IGNORECASE)


class QueryFailed(PolylakeError):
    """The warehouse could not answer; the message is the first line of why."""


class WrongQuery(UsageError):
    """What was asked is no query, or none that only reads."""


def run(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], Iterator[Row]]:
    """Return column names and rows; raises `WrongQuery` or `QueryFailed`."""
    query = reading(db, sql)
    try:
        db.execute("set autoinstall_known_extensions = false")
        db.execute(query)
    except duckdb.Error as error:
        raise _explained(error) from error
    columns = [column[0] for column in db.description or []]
    return columns, _rows(db)


def reading(db: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return the one query of `sql`; raise `WrongQuery` where it does not just read.

    A file opened read-only is safe from every statement; other files are not.
    """
    try:
        statements = db.extract_statements(sql)
    except duckdb.Error as error:
        raise _explained(error) from error
    if len(statements) != 1:
        raise WrongQuery(
            f"A query is one statement, and there are {len(statements)} of them."
        )
    (statement,) = statements
    text = str(statement.query).strip()
    kind = statement.type
    pivots = kind == duckdb.StatementType.MULTI and text.lower().startswith("pivot")
    if kind == duckdb.StatementType.SELECT or pivots:
        return text.rstrip(";")
    explained = _EXPLAIN.match(text)
    if kind == duckdb.StatementType.EXPLAIN and explained:
        reading(db, text[explained.end() :])
        return text
    raise WrongQuery(
        f"A query reads, and this one does not only do so ({kind.name}). `warehouse "
        "export` writes results to a file; open a copy of the warehouse with DuckDB "
        "for everything else."
    )


def export(db: duckdb.DuckDBPyConnection, what: str, path: Path) -> int:
    """Write a view, a table or a query to a Parquet or CSV file; return its rows.

    The name says the format: .parquet, .csv or .csv.gz. The file appears whole or not
    at all, and replaces one of that name.
    """
    options = FORMATS.get(path.suffix)
    if options is None or (path.suffix == ".gz" and not path.name.endswith(".csv.gz")):
        raise UsageError(
            f"{path} says no known format: name a .parquet, .csv or .csv.gz file."
        )
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {path.absolute().parent}.")
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        db.execute(
            f"copy ({_query_of(db, what)}\n) to ? ({options})", [str(unfinished)]
        )
        ((rows,),) = db.fetchall()
        unfinished.replace(path)
    except duckdb.Error as error:
        raise _explained(error) from error
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()
    return int(rows)


def _query_of(db: duckdb.DuckDBPyConnection, what: str) -> str:
    """A query stands for itself; a word is a view or a table."""
    if len(what.split()) > 1:
        return reading(db, what)
    schema, _, name = what.rpartition(".")
    found = db.execute(
        "select table_schema, table_name from information_schema.tables "
        "where lower(table_name) = lower(?) and table_schema in ('gold', 'silver') "
        "and (? = '' or lower(table_schema) = lower(?)) order by table_schema",
        [name, schema, schema],
    ).fetchall()
    if not found:
        raise UsageError(
            f"There is no view or table {what} in the warehouse; "
            "`warehouse views` lists the views."
        )
    return 'select * from "{}"."{}"'.format(*found[0])


def write_table(
    out: TextIO, columns: Sequence[str], rows: Iterable[Row], *, limit: int, width: int
) -> None:
    """Write at most `limit` rows in columns no wider than they need (0: all rows)."""
    shown: list[list[str]] = []
    numeric = [True] * len(columns)
    more = False
    for row in rows:
        if limit and len(shown) == limit:
            more = True
            break
        shown.append([_cell(value) for value in row])
        for at, value in enumerate(row):
            numeric[at] &= value is None or isinstance(value, int | float | Decimal)
    widths = [
        max([len(name), *(len(line[at]) for line in shown)])
        for at, name in enumerate(columns)
    ]
    _write_line(out, columns, widths, numeric, width)
    _write_line(out, ["─" * wide for wide in widths], widths, numeric, width)
    for line in shown:
        _write_line(out, line, widths, numeric, width)
    if more:
        out.write(
            f"… more than {limit:,} rows: add a limit, --rows 0, --json or --csv\n"
        )


def write_json(out: TextIO, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write one JSON array with an object a row."""
    out.write("[")
    for number, row in enumerate(rows):
        named = {name: plain(value) for name, value in zip(columns, row, strict=True)}
        out.write(",\n " if number else "\n ")
        out.write(json.dumps(named, ensure_ascii=False))
    out.write("\n]\n")


def write_csv(out: TextIO, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write a header line and a line a row; null is empty, lists are JSON."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = [plain(value) for value in row]
        writer.writerow(
            json.dumps(value, ensure_ascii=False)
            if isinstance(value, list | dict)
            else value
            for value in values
        )


def plain(value: Any) -> Any:
    """The value as JSON has it: times as ISO text, bytes as hex, no NaN."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if value is None or isinstance(value, str | bool | int):
        return value
    return str(value)


def _rows(db: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    if db.description is None:
        return
    try:
        while part := db.fetchmany(_PART):
            yield from part
    except duckdb.Error as error:
        raise _explained(error) from error


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float | Decimal):
        text = _number(value)
    elif isinstance(value, datetime):
        text = value.isoformat(sep=" ")
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(_cell(one) or 'null' for one in value)}]"
    else:
        known = plain(value)
        text = (
            known if isinstance(known, str) else json.dumps(known, ensure_ascii=False)
        )
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _number(value: float | Decimal) -> str:
    """Six decimals, which is what the exchange counts in; less in three digits."""
    if value and abs(float(value)) < _SMALLEST:
        return f"{value:.3g}"
    text = f"{value:z,.6f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _write_line(
    out: TextIO,
    cells: Sequence[str],
    widths: Sequence[int],
    numeric: Sequence[bool],
    width: int,
) -> None:
    padded = [
        cell.rjust(wide) if right else cell.ljust(wide)
        for cell, wide, right in zip(cells, widths, numeric, strict=True)
    ]
    line = "  ".join(padded).rstrip()
    out.write(
        (line if not width or len(line) <= width else line[: width - 1] + "…") + "\n"
    )


def _explained(error: duckdb.Error) -> PolylakeError:
    kind = WrongQuery if isinstance(error, _WRONG) else QueryFailed
    return kind(" ".join(str(error).strip().split("\n\n")[0].split()))
