"""The tables of the walk state, and how rows of `walks` are taken into them.

Every column is a maximum or a minimum over the rows taken in, ties included. So the
order of the rows and how often each is taken in make no difference, and a state that
was built up over years equals one that is built anew.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from lake.unreadable import reading

FORMAT = 2

# `key` is text, or 32 bytes for an id of 0x and 64 hex digits, or 33 for a decimal
# number: half of the file's size. Its type is that of a column that converts nothing:
# in another one the digits of a token would become a rounded number.
# -1 and '' say none. A due key is one that no complete walk has been started for since.
SCHEMA = f"""
create table if not exists taken (
    only integer primary key check (only = 1), log_id text, version integer
);
create table if not exists datasets (id integer primary key, name text unique);
create table if not exists subjects (
    dataset integer not null,
    key blob not null,
    end_started integer not null default -1,
    end_walk text not null default '',
    end_detail text not null default '',
    last_started integer not null default -1,
    last_walk text not null default '',
    last_outcome text not null default '',
    oldest integer,
    newest integer,
    due_at integer not null default -1,
    due_reason text not null default '',
    primary key (dataset, key)
) without rowid;
create index if not exists due on subjects (dataset, key) where due_at > end_started;
create table if not exists coverage (
    dataset integer primary key,
    known_at integer not null,
    newest integer not null,
    oldest integer not null,
    walk text not null
);
pragma user_version = {FORMAT};
"""
TABLES = ("taken", "datasets", "subjects", "coverage")

_KINDS = ("subject", "folded", "due", "coverage")
_COLUMNS = (
    *("kind", "dataset", "key", "walk_id", "outcome", "detail"),
    *("started_at", "fetched_at", "ts_oldest", "ts_newest"),
)
_HEX_ID = re.compile(r"0x[0-9a-f]{64}")
_DECIMAL = re.compile(r"[1-9][0-9]{15,77}")
_DECIMAL_BYTES = 33

_ENDED = """
insert into subjects (dataset, key, end_started, end_walk, end_detail)
values (?, ?, ?, ?, ?)
on conflict do update set
    end_started = excluded.end_started,
    end_walk = excluded.end_walk,
    end_detail = excluded.end_detail
where (excluded.end_started, excluded.end_walk, excluded.end_detail)
    > (end_started, end_walk, end_detail)
"""
_LAST = """
insert into subjects (dataset, key, last_started, last_walk, last_outcome)
values (?, ?, ?, ?, ?)
on conflict do update set
    last_started = excluded.last_started,
    last_walk = excluded.last_walk,
    last_outcome = excluded.last_outcome
where (excluded.last_started, excluded.last_walk, excluded.last_outcome)
    > (last_started, last_walk, last_outcome)
"""
_HULL = """
insert into subjects (dataset, key, oldest, newest) values (?, ?, ?, ?)
on conflict do update set
    oldest = min(coalesce(oldest, excluded.oldest), excluded.oldest),
    newest = max(coalesce(newest, excluded.newest), excluded.newest)
"""
_DUE = """
insert into subjects (dataset, key, due_at, due_reason) values (?, ?, ?, ?)
on conflict do update set due_at = excluded.due_at, due_reason = excluded.due_reason
where (excluded.due_at, excluded.due_reason) > (due_at, due_reason)
"""
_COVERAGE = """
insert into coverage (dataset, known_at, newest, oldest, walk) values (?, ?, ?, ?, ?)
on conflict do update set
    known_at = excluded.known_at, newest = excluded.newest,
    oldest = excluded.oldest, walk = excluded.walk
where (excluded.known_at, excluded.newest, excluded.oldest, excluded.walk)
    > (known_at, newest, oldest, walk)
"""


def packed(key: str) -> str | bytes:
    """Return a key as it is stored."""
    if _HEX_ID.fullmatch(key):
        return bytes.fromhex(key[2:])
    if _DECIMAL.fullmatch(key):
        return int(key).to_bytes(_DECIMAL_BYTES, "big")
    return key


def unpacked(key: str | bytes) -> str:
    """Return a stored key as it is spoken of."""
    if isinstance(key, bytes):
        is_decimal = len(key) == _DECIMAL_BYTES
        return str(int.from_bytes(key, "big")) if is_decimal else f"0x{key.hex()}"
    return key


def take_in(connection: sqlite3.Connection, path: Path) -> None:
    """Take the rows of one file of `walks` into the tables; commits nothing."""
    with reading(path, may_be_gone=True):
        found = (
            pl.scan_parquet(path, hive_partitioning=False)
            .filter(pl.col("kind").is_in(_KINDS))
            .select(_COLUMNS)
            .collect()
        )
    rows = found.with_columns(
        pl.col("started_at").fill_null(pl.col("fetched_at")).dt.epoch("us"),
        pl.col("fetched_at").dt.epoch("us"),
        *(pl.col(name).fill_null("") for name in ("walk_id", "outcome", "detail")),
    )
    for (dataset,), part in rows.partition_by("dataset", as_dict=True).items():
        number = _dataset_number(connection, str(dataset))
        for statement, values in _statements(part):
            connection.executemany(
                statement, ((number, *row) for row in _stored(values))
            )


def _statements(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    of = {
        str(kind): part
        for (kind,), part in rows.partition_by("kind", as_dict=True).items()
    }
    keyed = {
        kind: part.filter(pl.col("key").is_not_null()) for kind, part in of.items()
    }
    if (subjects := keyed.get("subject")) is not None:
        ended = subjects.filter(pl.col("outcome") == "end")
        yield _ENDED, _latest(ended, "started_at", "walk_id", "detail")
        yield _LAST, _latest(subjects, "started_at", "walk_id", "outcome")
    if (folded := keyed.get("folded")) is not None:
        spanned = folded.drop_nulls(["ts_oldest", "ts_newest"])
        yield (
            _HULL,
            spanned.group_by("key")
            .agg(pl.col("ts_oldest").min(), pl.col("ts_newest").max())
            .sort("key"),
        )
    if (due := keyed.get("due")) is not None:
        yield _DUE, _latest(due, "fetched_at", "detail")
    if (coverage := of.get("coverage")) is not None:
        order = ["fetched_at", "ts_newest", "ts_oldest", "walk_id"]
        yield _COVERAGE, coverage.drop_nulls(order).sort(order).tail(1).select(order)


def _latest(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Return of each key the greatest `columns`, ordered by key."""
    latest = rows.select("key", *columns).sort("key", *columns)
    return latest.group_by("key", maintain_order=True).last()


def _stored(values: pl.DataFrame) -> Iterator[tuple[object, ...]]:
    if "key" not in values.columns:
        return iter(values.rows())
    return ((packed(row[0]), *row[1:]) for row in values.iter_rows())


def _dataset_number(connection: sqlite3.Connection, name: str) -> int:
    connection.execute("insert or ignore into datasets (name) values (?)", (name,))
    found = connection.execute("select id from datasets where name = ?", (name,))
    return int(found.fetchone()[0])
