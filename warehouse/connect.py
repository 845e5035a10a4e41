"""Open warehouse files: the one place that knows how DuckDB is set up here."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from settings.errors import Locked, PolylakeError

# DuckDB 1.5 reads such a file too, also after a newer DuckDB has written to it. It
# must be asked for: without it a new file can be read by the newest version only.
STORAGE_VERSION = "v1.5.0"

# What says nothing against the file itself.
_OF_THE_SYSTEM = ("No space left", "Too many open files", "Permission denied")

_MAGIC = b"DUCK"
_HEADER = struct.Struct("<8x4sQ")  # checksum, magic, version of the file format


class NotAWarehouse(PolylakeError):
    """The file is not one that this version can open; nothing was changed."""


def open_to_read(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a warehouse for reading only; raise `NotAWarehouse` where there is none."""
    if not path.exists():
        raise NotAWarehouse(f"There is no warehouse at {path}. Run `ingest` first.")
    return _connect(path, read_only=True, config={})


def open_to_write(
    path: Path,
    *,
    scratch: Path,
    memory_limit: str | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open or make a warehouse file; what does not fit in memory goes to `scratch`."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "storage_compatibility_version": STORAGE_VERSION,
        "temp_directory": str(scratch),
        "preserve_insertion_order": True,
        "autoinstall_known_extensions": False,
    }
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    return _connect(path, read_only=False, config=config)


@contextmanager
def transaction(db: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Do what the block does as a whole, or not at all where it raises."""
    db.execute("begin")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # an error may have ended it already
            db.execute("rollback")
        raise
    db.execute("commit")


def file_format(path: Path) -> int | None:
    """Return the version of a DuckDB file's format; null if it is none."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
    if len(head) < _HEADER.size:
        return None
    magic, version = _HEADER.unpack(head)
    return int(version) if magic == _MAGIC else None


def _connect(
    path: Path,
    *,
    read_only: bool,
    config: dict[str, str | bool | int | float | list[str]],
) -> duckdb.DuckDBPyConnection:
    # Looked at first: DuckDB takes a SQLite file for a reason to download something.
    if path.exists() and file_format(path) is None:
        raise NotAWarehouse(
            f"{path} is not a DuckDB database. It was left as it is; move it away or "
            "name another file under [paths] warehouse."
        )
    try:
        db = duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        if "lock on file" in reason:
            raise Locked(f"{path} is open in another process: {reason}") from error
        if any(words in reason for words in _OF_THE_SYSTEM):
            raise PolylakeError(
                f"{path} cannot be opened: {reason} Free the disk or fix the "
                "permissions, then run the same command again."
            ) from error
        raise NotAWarehouse(
            f"{path} cannot be opened by DuckDB {duckdb.__version__}: {reason} "
            "It was left as it is; was it made by a newer version, or damaged? A "
            "warehouse is derived: move it away, and `ingest` makes it from bronze."
        ) from error
    # Else texts and timestamps with an offset are read in the machine's own time.
    db.execute("set TimeZone = 'UTC'")
    return db
