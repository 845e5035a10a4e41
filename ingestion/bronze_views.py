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
        query += (
            f" union all by name select * from read_parquet([{paths}], "
            "union_by_name = true, hive_partitioning = false)"
        )
    # A view takes no parameters, so the paths are written into it.
    db.execute(f"create or replace temp view bronze_{dataset.name} as {query}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
