"""What a warehouse file has taken in so far: kept in the file, beside the rows."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import duckdb

from warehouse.glossary import GLOSSARY
from warehouse.models import Model, models

_TABLES = """
create schema if not exists ingest;
create table if not exists ingest.Layout (tables varchar not null, views varchar);
create table if not exists ingest.Taken (
    dataset varchar not null, log_id varchar, version bigint not null
);
create table if not exists ingest.TakenFile (
    dataset varchar not null, log_id varchar, name varchar not null
);
"""


_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


@dataclass(frozen=True)
class Version:
    """A dataset's Delta version, and which log it is a version of."""

    log_id: str | None
    version: int


def fingerprint(of: Iterable[Model]) -> str:
    """Return what changes with any statement of the models, but with no comment.

    What stands in silver's files is left out: `_views` speaks of it, and where it
    differs it is put in anew.
    """
    told = hashlib.sha256()
    for model in of:
        for step, text in sorted(model.steps.items()):
            if step == "content":
                continue
            words = _COMMENT.sub("", text).split()
            told.update("\0".join((model.name, step, " ".join(words), "")).encode())
    return told.hexdigest()[:16]


@cache
def _tables() -> str:
    return fingerprint(models("silver").values())


def _made(dust_usd: float) -> str:
    return f"{_tables()} without what is below {dust_usd:g} dollars"


@cache
def _views() -> str:
    words = [GLOSSARY, *(model.columns for model in _models())]
    said = hashlib.sha256(repr(words).encode()).hexdigest()[:16]
    return fingerprint(models("gold").values()) + said + _contents()


def _contents() -> str:
    """A digest of what the files of silver put in of themselves."""
    said = [model.steps.get("content", "") for model in models("silver").values()]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _models() -> Iterable[Model]:
    return (*models("silver").values(), *models("gold").values())


def is_ours(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether the open database is a warehouse, and not someone's own database."""
    return bool(
        db.execute(
            "select 1 from duckdb_tables() "
            "where schema_name = 'ingest' and table_name = 'Taken'"
        ).fetchall()
    )


def has_this_layout(db: duckdb.DuckDBPyConnection, dust_usd: float) -> bool:
    """Whether its silver tables are made as this release and the setting make them."""
    made = db.execute("select tables from ingest.Layout").fetchall()
    return made == [(_made(dust_usd),)]


def has_these_views(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether its views, its words on columns and what stands in silver's files are
    those of this release."""
    return db.execute("select views from ingest.Layout").fetchall() == [(_views(),)]


def lay_out(db: duckdb.DuckDBPyConnection, dust_usd: float) -> None:
    """Make the tables of this module in a new file; in an old one do nothing."""
    db.execute(_TABLES)
    db.execute(
        "insert into ingest.Layout select ?, null "
        "where not exists (from ingest.Layout)",
        [_made(dust_usd)],
    )


def note_views(db: duckdb.DuckDBPyConnection) -> None:
    """Note that the views, and the words on columns, are those of this release."""
    db.execute("update ingest.Layout set views = ?", [_views()])


def versions(db: duckdb.DuckDBPyConnection) -> dict[str, Version]:
    """Return the version of each dataset that is taken in as a whole."""
    rows = db.execute("select dataset, log_id, version from ingest.Taken").fetchall()
    return {dataset: Version(log_id, version) for dataset, log_id, version in rows}


def files(db: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Return of each dataset the files after that version that are taken in already."""
    found: dict[str, set[str]] = defaultdict(set)
    for dataset, name in db.execute(
        "select dataset, name from ingest.TakenFile"
    ).fetchall():
        found[dataset].add(name)
    return found


def logs(db: duckdb.DuckDBPyConnection) -> set[tuple[str, str | None]]:
    """Return the datasets and the logs of which anything at all was taken in."""
    return set(
        db.execute(
            "select dataset, log_id from ingest.Taken "
            "union select dataset, log_id from ingest.TakenFile"
        ).fetchall()
    )


def expiries(db: duckdb.DuckDBPyConnection) -> set[tuple[str, int]]:
    """Return the acts of retention that it has taken in, by dataset and number."""
    rows = db.execute("select dataset, expiry_no from silver.Expiry").fetchall()
    return {(dataset, number) for dataset, number in rows}


def note_files(
    db: duckdb.DuckDBPyConnection,
    dataset: str,
    log_id: str | None,
    names: Iterable[str],
) -> None:
    """Note files as taken in, in the transaction that takes them in."""
    rows = [[dataset, log_id, name] for name in names]
    if rows:
        db.executemany("insert into ingest.TakenFile values (?, ?, ?)", rows)


def note_version(db: duckdb.DuckDBPyConnection, dataset: str, at: Version) -> None:
    """Note that a dataset is taken in up to a version; the files are settled then."""
    db.execute("delete from ingest.TakenFile where dataset = ?", [dataset])
    db.execute("delete from ingest.Taken where dataset = ?", [dataset])
    db.execute(
        "insert into ingest.Taken values (?, ?, ?)", [dataset, at.log_id, at.version]
    )
