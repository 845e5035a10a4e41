"""Show bronze files to SQL: the one place where the warehouse opens them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from lake.dataset import Dataset


def show_bronze(
    db: duckdb.DuckDBPyConnection, dataset: Dataset, files: Iterable[Path]
) -> None:
    """Make `bronze_<dataset>` a view of the files' rows, none for no files.

    It has every column of the dataset: one that a file was written without is null.
    """
    empty = f"no_{dataset.name}"
    db.register(empty, dataset.schema.empty_table())
    query = f"select * from {empty}"
    paths = ", ".join(_quoted(str(path)) for path in files)
    if paths:
        stored = (
            f"select * from read_parquet([{paths}], "
            "union_by_name = true, hive_partitioning = false)"
        )
        # A union, even with nothing, makes reading twice as dear: only where a column
        # is lacking or of another type.
        whole = _columns(db, query) <= _columns(db, stored)
        query = stored if whole else f"{query} union all by name {stored}"
    # A view takes no parameters, so the paths are written into it.
    db.execute(f"create or replace temp view bronze_{dataset.name} as {query}")


def _columns(db: duckdb.DuckDBPyConnection, query: str) -> set[tuple[str, str]]:
    """The columns of a query, each with its type."""
    return {row[:2] for row in db.execute(f"describe {query}").fetchall()}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
