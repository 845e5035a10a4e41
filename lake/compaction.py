"""Replace the many small files of a day by few sorted ones that hold the same rows."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake.checksum import named, unnamed
from lake.dataset import LINEAGE, Dataset
from lake.delta_log import DeltaLog
from lake.encoding import encoded, joined
from lake.live_files import LiveFile, NewFile, new_file
from lake.parquet import ROW_GROUP, ParquetWriter
from lake.storage import LocalStorage
from settings.errors import PolylakeError

if TYPE_CHECKING:
    import duckdb

APP_ID = "compact"
FILE_ROWS = 1_000_000
# A file is written when the rows that wait for it take as much memory as this.
FILE_BYTES_IN_MEMORY = 512 << 20
SMALL_ROWS = FILE_ROWS // 2
SMALL_BYTES = 64 << 20
# Fewer small files than this are not worth their rewriting.
SMALL_FILES = 4
_MEMORY = "1GB"


@dataclass(frozen=True)
class Compacted:
    """What was done to one day of a dataset; sizes in bytes."""

    dataset: str
    day: str
    rows: int
    files_before: int
    files_after: int
    size_before: int
    size_after: int


def days_to_compact(files: Iterable[LiveFile]) -> list[str]:
    """Return the days that have so many small files that it is worth it, ascending."""
    days: dict[str, list[LiveFile]] = {}
    for file in files:
        days.setdefault(file.day, []).append(file)
    return sorted(day for day, its in days.items() if len(_small(its)) >= SMALL_FILES)


def compact_day(
    storage: LocalStorage,
    log: DeltaLog,
    dataset: Dataset,
    day: str,
    *,
    file_rows: int = FILE_ROWS,
) -> Compacted | None:
    """Replace the day's small files by sorted ones of up to `file_rows` rows.

    Null, and nothing is changed, when there is nothing to do or another compaction
    came first. The rows are compared before the commit; the replaced files stay where
    they are until `remove_leftovers`. The caller holds the dataset's fold lock.
    """
    snapshot = log.snapshot()
    old = _small([file for file in snapshot.files if file.day == day])
    if len(old) < SMALL_FILES:
        return None
    turn = (snapshot.transaction_version(APP_ID) or 0) + 1
    scratch = f"_folding/{dataset.name}/compact"
    shutil.rmtree(storage.path(scratch), ignore_errors=True)
    storage.make_folder(scratch)
    try:
        new = _rewritten(storage, dataset, old, scratch, file_rows)
        moves = [
            (f"{scratch}/{unnamed(file.name)}", f"{dataset.name}/{file.name}")
            for file in new
        ]
        storage.move(moves)
        removes = [file.name for file in old]
        version = log.commit(
            new, removes, transactions=[(APP_ID, turn)], data_change=False
        )
        if version is None:
            storage.remove(to for _, to in moves)
            return None
    finally:
        shutil.rmtree(storage.path(scratch), ignore_errors=True)
    return Compacted(
        dataset.name,
        day,
        rows=sum(file.rows for file in new),
        files_before=len(old),
        files_after=len(new),
        size_before=sum(file.size for file in old),
        size_after=sum(file.size for file in new),
    )


def _small(files: Sequence[LiveFile]) -> list[LiveFile]:
    return [f for f in files if f.rows < SMALL_ROWS and f.size < SMALL_BYTES]


def _rewritten(
    storage: LocalStorage,
    dataset: Dataset,
    old: Sequence[LiveFile],
    scratch: str,
    file_rows: int,
) -> list[NewFile]:
    """Write the rows of `old` to new files below `scratch`, and compare."""
    day = old[0].day
    paths = [storage.path(f"{dataset.name}/{file.name}") for file in old]
    bounded = sorted(set[str]().union(*(file.least for file in old)))
    run = secrets.token_hex(6)
    new: list[NewFile] = []
    with _database(storage.path(f"{scratch}/spill")) as database:
        schema = _schema(dataset, paths)
        tables = _sorted(database, dataset, schema, paths, file_rows)
        for number, rows in enumerate(tables):
            name = f"dt={day}/{APP_ID}-{run}-{number:03d}.parquet"
            aside = f"{scratch}/{name}"
            footer = ParquetWriter(storage, dataset, rows).write(aside, rows)
            size = storage.size(aside)
            final = named(name, storage.path(aside))
            new.append(new_file(final, footer, size=size, columns=bounded))
        written = [storage.path(f"{scratch}/{unnamed(file.name)}") for file in new]
        held = _held(paths)
        before = _fingerprint(database, held, paths)
        after = _fingerprint(database, held, written)
    if before != after:
        raise PolylakeError(
            f"Compacting {dataset.name} of {day} would have changed its rows "
            f"({before[0]} before, {after[0]} after). Nothing was changed; please "
            "report this with the version of the program."
        )
    return new


def _database(spill: Path) -> duckdb.DuckDBPyConnection:
    import duckdb  # a tenth of a second, which no other part of a fetch needs

    return duckdb.connect(
        config={
            "memory_limit": _MEMORY,
            "temp_directory": str(spill),
            "threads": 2,
        }
    )


def _schema(dataset: Dataset, paths: Sequence[Path]) -> pa.Schema:
    """The dataset's columns, and those that files of another version have besides."""
    fields = {field.name: field for field in dataset.schema}
    for path in paths:
        held = pq.read_schema(path)
        for name in held.names:
            fields.setdefault(name, held.field(name))
    return pa.schema(fields.values())


def _sorted(
    database: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    schema: pa.Schema,
    paths: Sequence[Path],
    file_rows: int,
) -> Iterator[pa.Table]:
    """Yield all rows in order, in tables of one file each, strings as codes."""
    lineage = [column.name for column in LINEAGE if column.name in schema.names]
    order = dict.fromkeys([*dataset.sort_by, *lineage])
    keys = ", ".join(f"{_quoted(name)} nulls first" for name in order)
    found = database.sql(
        f"select {_columns(schema.names, paths)} from"
        " read_parquet(?, hive_partitioning = false, union_by_name = true)"
        f" order by {keys}",
        params=[[str(path) for path in paths]],
    )
    waiting: list[pa.Table] = []
    count = size = 0
    batches: Any = found.to_arrow_reader(min(ROW_GROUP, file_rows))
    for batch in batches:
        # By place: a column that no file has comes without its name.
        columns = pa.Table.from_batches([batch]).rename_columns(schema.names)
        rows = encoded(columns.cast(schema))
        if waiting and (
            count + rows.num_rows > file_rows or size > FILE_BYTES_IN_MEMORY
        ):
            yield joined(waiting)
            waiting, count, size = [], 0, 0
        waiting.append(rows)
        count += rows.num_rows
        size += rows.nbytes
    if waiting:
        yield joined(waiting)


def _fingerprint(
    database: duckdb.DuckDBPyConnection, names: Sequence[str], paths: Sequence[Path]
) -> tuple[int, int]:
    """Count the rows and add up their hashes: the same for the same multiset."""
    found = database.execute(
        f"select count(*), sum(hash({_columns(names, paths)})::hugeint) from"
        " read_parquet(?, hive_partitioning = false, union_by_name = true)",
        [[str(path) for path in paths]],
    ).fetchall()
    return int(found[0][0]), int(found[0][1] or 0)


def _columns(names: Sequence[str], paths: Sequence[Path]) -> str:
    """List `names` in this order, null for those that no file has."""
    held = set(_held(paths))
    return ", ".join(_quoted(name) if name in held else "null" for name in names)


def _held(paths: Sequence[Path]) -> list[str]:
    """The columns that at least one file has."""
    return sorted({name for path in paths for name in pq.read_schema(path).names})


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
