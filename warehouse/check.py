"""The promises of the warehouse, each as a query for the rows that break it.

A check is a file in sql/checks: a header whose first sentence is the promise, and a
select that returns the offending rows whole. Besides, every gold view's key, as its
header names it, must be unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from warehouse.models import models
from warehouse.views import View, gold_views


@dataclass(frozen=True)
class Check:
    """One promise; `query` returns the rows that break it."""

    name: str
    promise: str
    query: str


@dataclass(frozen=True)
class Offence:
    """A broken promise: how many rows break it, and the first of them."""

    check: Check
    rows: int
    columns: tuple[str, ...]
    examples: tuple[tuple[Any, ...], ...]


def checks() -> list[Check]:
    """Every check there is."""
    written = [
        Check(name, _first_sentence(model.header), model.steps["select"].strip("; \n"))
        for name, model in models("checks").items()
    ]
    return written + [_unique(view) for view in gold_views()]


def expect(db: duckdb.DuckDBPyConnection, *, stale_hours: float) -> None:
    """Say how old a dataset may be, for the checks that follow; 0: as old as it is."""
    db.execute("set variable stale_hours = ?::double", [stale_hours])


def run_check(
    db: duckdb.DuckDBPyConnection, check: Check, *, examples: int = 3
) -> Offence | None:
    """Return what breaks the promise, or null when it holds."""
    db.execute(
        f"with offending as (\n{check.query}\n) "
        "select count(*) over (), * from offending limit ?",
        [examples],
    )
    columns = tuple(column[0] for column in db.description or [])[1:]
    found = db.fetchall()
    if not found:
        return None
    first = tuple(tuple(row[1:]) for row in found)
    return Offence(check, int(found[0][0]), columns, first)


def _unique(view: View) -> Check:
    """Rows of a view that share their key; hashes first, which are small."""
    key = ", ".join(f'"{column}"' for column in view.key)
    query = f"""
        with keyed as (
            select *, hash({key}) as key_hash from gold."{view.name}"
        ),
        repeated as (
            select key_hash from keyed group by key_hash having count(*) > 1
        )
        select * exclude (key_hash) from keyed semi join repeated using (key_hash)
        qualify count(*) over (partition by {key}) > 1
    """
    return Check(
        f"unique_{view.name}", f"Rows of gold.{view.name} differ in {key}.", query
    )


def _first_sentence(header: str) -> str:
    text = " ".join(header.split())
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]
