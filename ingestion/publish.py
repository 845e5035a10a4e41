"""Publish the warehouse so that a reader never waits and never sees half a state.

Two files take turns, `.warehouse/a.duckdb` and `b.duckdb` beside the published name,
which is a hard link to one of them. `ingest` only writes to the other one, which takes
in what is new since its own last turn, and then gives it the published name in one
step. Readers of the old file keep a whole old state for as long as they like.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb

from ingestion import taken
from settings.errors import Locked, PolylakeError
from warehouse.connect import NotAWarehouse, open_to_read

_SLOTS = ("a.duckdb", "b.duckdb")
_READ_ONLY = 0o444  # a notebook that forgets read_only=True then says so at once
_WRITABLE = 0o644

Look = Callable[[duckdb.DuckDBPyConnection], None]


class PublishError(PolylakeError):
    """The warehouse could not be published; the published one is as it was."""


class Turns:
    """The two files of one warehouse, and whose turn it is. Hold the lock meanwhile."""

    def __init__(self, published: Path) -> None:
        self.published = published
        self.folder = published.parent / f".{published.stem}"
        self.scratch = self.folder / "scratch"
        self.problems: list[str] = []

    @property
    def lock(self) -> Path:
        """The file on which the lock of this warehouse is held."""
        return self.folder / "lock"

    @property
    def building(self) -> Path:
        """Where a warehouse is built anew, before it takes a turn."""
        return self.folder / "building.duckdb"

    def tidy(self) -> None:
        """Remove what a run that died left behind."""
        for name in (f"{self.building.name}", "copying.duckdb"):
            _remove(self.folder / name)
        self._aside.unlink(missing_ok=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def check_published(self, look: Look = lambda _: None) -> bool:
        """Whether the published file is whole as far as opening it tells.

        Where it is, and is ours, `look` is given it open: once costs less than twice.
        Raises `NotAWarehouse` if the published name is not ours to replace. One of the
        files that take turns is ours, however damaged.
        """
        self._move_wal_aside()
        if not self.published.exists():
            return True
        try:
            with open_to_read(self.published) as db:
                ours = taken.is_ours(db)
                if ours:
                    look(db)
        except Locked:
            return True  # someone opened it to write; their copy is theirs from now on
        except (NotAWarehouse, duckdb.Error) as error:
            if not any(_same(self.folder / name, self.published) for name in _SLOTS):
                raise
            self.problems.append(
                f"{self.published} is damaged and is built anew from bronze: {error}"
            )
            return False
        if not ours:
            raise NotAWarehouse(
                f"{self.published} is a DuckDB database, but not a warehouse of ours. "
                "It was left as it is; name another file under [paths] warehouse."
            )
        return True

    def next(self) -> Path:
        """Return the file whose turn it is to be written."""
        paths = [self.folder / name for name in _SLOTS]
        for path, other in (paths, paths[::-1]):
            if _same(path, self.published):
                return other
        return paths[0] if paths[0].exists() or not paths[1].exists() else paths[1]

    def make_writable(self, path: Path) -> None:
        """Let `path` be written: where a reader still has it open, as a new file."""
        if not path.exists():
            return
        if _is_open_here(path) or _is_open_elsewhere(path):
            self.copy_published(path)
        else:
            path.chmod(_WRITABLE)

    def copy_published(self, path: Path) -> None:
        """Make `path` a copy of the published file, writable; remove it if none is."""
        if not self.published.exists():
            _remove(path)
            return
        copy = self.folder / "copying.duckdb"
        copy.unlink(missing_ok=True)
        shutil.copyfile(self.published, copy)
        copy.chmod(_WRITABLE)
        _sync(copy)
        _wal(path).unlink(missing_ok=True)
        copy.replace(path)
        _sync(self.folder)

    def adopt(self, built: Path, path: Path) -> None:
        """Let a warehouse built anew take the place of `path`."""
        _remove(path)
        built.replace(path)

    def publish(self, path: Path) -> bool:
        """Give `path`, which is closed, the published name; false if it has it."""
        if _same(path, self.published):
            return False
        wal = _wal(path)
        if wal.exists():
            raise PublishError(f"{wal} was left by DuckDB, so {path} is not whole.")
        path.chmod(_READ_ONLY)
        self._aside.unlink(missing_ok=True)
        try:
            os.link(path, self._aside)
        except OSError:  # a disk without hard links: costs a copy each time
            shutil.copyfile(path, self._aside)
            self._aside.chmod(_READ_ONLY)
            _sync(self._aside)
        self._move_wal_aside()
        self._aside.replace(self.published)
        _sync(self.published.parent)
        return True

    def forget(self, path: Path) -> None:
        """Remove a file so that its next turn begins with a copy."""
        _remove(path)

    def other(self, path: Path) -> Path:
        """Return the file that is not `path`."""
        return self.folder / _SLOTS[1 - _SLOTS.index(path.name)]

    @property
    def _aside(self) -> Path:
        return self.folder / "publishing"

    def _move_wal_aside(self) -> None:
        """A log beside the published name would break every reader of the next file."""
        wal = _wal(self.published)
        if not wal.exists():
            return
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        kept = wal.with_name(f"{wal.name}.stale-{stamp}")
        wal.replace(kept)
        self.problems.append(
            f"Someone opened {self.published} to write and left {wal.name}; it is "
            f"{kept.name} now. Open the warehouse with read_only=True."
        )


def _same(one: Path, other: Path) -> bool:
    with suppress(FileNotFoundError):
        return one.samefile(other)
    return False


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _remove(path: Path) -> None:
    _wal(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _is_open_elsewhere(path: Path) -> bool:
    """Whether another process has the file open: DuckDB locks what it opens."""
    with path.open("rb") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    try:
        path.chmod(_WRITABLE)
        with path.open("rb+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _is_open_here(path: Path) -> bool:
    """Whether this process has the file open: locks do not tell, where /proc does."""
    status = path.stat()
    with suppress(OSError):
        for handle in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                found = os.fstat(int(handle.name))
                if (found.st_dev, found.st_ino) == (status.st_dev, status.st_ino):
                    return True
    return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
