"""The catalogue's SQLite file: derived from bronze, brought up to it commit by commit.

It can be deleted at any time. It holds of every market, event and CLOB market what the
next run must know: under which keys it is found, and what its last stored row said.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pyarrow.compute as pc
import pyarrow.parquet as pq

from fetcher.polymarket.catalogue_tables import TABLES, Table
from lake.live_files import Changes
from lake.unreadable import reading

log = logging.getLogger(__name__)

FORMAT = 1  # a file of another format is built anew


class Bronze(Protocol):
    """What is needed of the lake."""

    root: Path

    def changes(
        self, name: str, since: int | None, *, log_id: str | None = None
    ) -> Changes: ...

    def path_of(self, name: str, file: str) -> Path: ...


def open_caught_up(path: Path, lake: Bronze) -> sqlite3.Connection:
    """Open the file with all that the lake's commits have brought.

    It is made anew if it is damaged or of another format. The schema `main` is the
    file, `run` an empty copy of its tables that is gone with the connection.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _opened(path, lake)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise  # busy, or the disk: nothing that a new file would mend
        log.warning("%s is built anew: %s", path, error)
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).unlink()
        return _opened(path, lake)


def catch_up(db: sqlite3.Connection, lake: Bronze) -> None:
    """Take in what the lake's commits have brought since the last time."""
    with transaction(db):
        for table in TABLES:
            _take_in(db, lake, table)
        _make_indices(db, "main")


def _opened(path: Path, lake: Bronze) -> sqlite3.Connection:
    db = sqlite3.connect(
        path, timeout=60, isolation_level=None, check_same_thread=False
    )
    try:
        _lay_out(db)
        catch_up(db, lake)  # reads it: damage shows now, while it can be mended
    except BaseException:
        db.close()
        raise
    return db


def _lay_out(db: sqlite3.Connection) -> None:
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = normal")
    db.execute("attach '' as run")
    with transaction(db):
        found = db.execute("pragma main.user_version").fetchone()[0]
        if found not in (0, FORMAT):
            raise sqlite3.DatabaseError("another format")
        if not found:
            db.execute(f"pragma main.user_version = {FORMAT}")
        db.execute(
            "create table if not exists main.known "
            "(name text primary key, log_id, version integer)"
        )
        for schema in ("main", "run"):
            for table in TABLES:
                db.execute(
                    f"create table if not exists {schema}.{table.name} "
                    f"({', '.join(table.columns)})"
                )
    _make_indices(db, "run")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    db.execute("begin immediate")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # some errors have ended it already
            db.execute("rollback")
        raise
    db.execute("commit")


def _make_indices(db: sqlite3.Connection, schema: str) -> None:
    for table in TABLES:
        for number, index in enumerate(table.indices):
            db.execute(
                f"create index if not exists {schema}.{table.name}_{number} "
                f"on {table.name} {index}"
            )


def _take_in(db: sqlite3.Connection, lake: Bronze, table: Table) -> None:
    known = db.execute(
        "select log_id, version from known where name = ?", (table.name,)
    ).fetchone()
    log_id, version = known or (None, None)
    changes = lake.changes(table.dataset, version, log_id=log_id)
    if changes.restarted:
        db.execute(f"delete from main.{table.name}")
    put = table.put("main")
    for file in changes.files:
        path = lake.path_of(table.dataset, file.name)
        with reading(path):
            for batch in pq.ParquetFile(path).iter_batches(65_536, columns=table.reads):
                if table.strategy is not None:
                    batch = batch.filter(pc.equal(batch["strategy"], table.strategy))
                records = (r for row in batch.to_pylist() for r in table.records(row))
                db.executemany(put, records)
    db.execute(
        "insert or replace into known values (?, ?, ?)",
        (table.name, changes.log_id, changes.version),
    )
