"""The one seam to the lake's files: what is durable, and in which order it became so.

Names are relative to the lake's root, with forward slashes, like keys of an object
store: `trades/dt=2024-01-01/x.parquet`. Every step that outlives the process goes
through `LocalStorage.announce`, so that a test can stop before any of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from settings.errors import PolylakeError

StepKind = Literal[
    "write", "sync", "rename", "sync_folder", "make_folder", "remove", "commit"
]


@dataclass(frozen=True)
class Step:
    """One thing about to be done to the lake's files; `to` is a rename's new name."""

    kind: StepKind
    name: str
    to: str | None = None


Observe = Callable[[Step], None]
FileStamp = tuple[int, int, int]


class StorageError(PolylakeError):
    """The disk refused: the message names the path and says why."""


class LocalStorage:
    """Files below `root` on a local disk.

    Writing is all or nothing and durable when the method returns: a name appears only
    with its whole content, and survives a power cut from then on. Unfinished files
    begin with a dot, end in `.unfinished`, and are never listed.
    """

    def __init__(self, root: Path, *, observe: Observe | None = None) -> None:
        self.root = root
        self._observe = observe

    def announce(self, kind: StepKind, name: str, to: str | None = None) -> None:
        """Tell the observer what comes next; it may raise to stop right before it."""
        if self._observe is not None:
            self._observe(Step(kind, name, to))

    def path(self, name: str) -> Path:
        """Return where `name` lies, for readers that open files themselves."""
        return self.root / name

    # Reading

    def exists(self, name: str) -> bool:
        """Whether there is a file or folder of that name."""
        return self.path(name).exists()

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading; FileNotFoundError when there is none."""
        return self.path(name).open("rb")

    def read(self, name: str) -> bytes:
        """Return the whole content; FileNotFoundError when there is none."""
        return self.path(name).read_bytes()

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        return self.path(name).stat().st_size

    def modified_at(self, name: str) -> float:
        """Return when the file was last written, in unix seconds."""
        return self.path(name).stat().st_mtime

    def stamp(self, name: str) -> FileStamp | None:
        """Return what tells the file from any other under its name; null: no file."""
        try:
            found = self.path(name).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def files(self, folder: str) -> list[str]:
        """Return the names of the files right below `folder`, sorted; none is fine."""
        return self._below(
            folder, lambda entry: entry.is_file() and not _is_unfinished(entry.name)
        )

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders right below `folder`, sorted."""
        return self._below(folder, lambda entry: entry.is_dir())

    def unfinished(self, folder: str) -> list[str]:
        """Return the names of what a dead writer left half written in `folder`."""
        return self._below(folder, lambda entry: _is_unfinished(entry.name))

    def _below(
        self, folder: str, wanted: Callable[[os.DirEntry[str]], bool]
    ) -> list[str]:
        prefix = f"{folder}/" if folder else ""
        with suppress(FileNotFoundError), os.scandir(self.path(folder)) as entries:
            return sorted(prefix + entry.name for entry in entries if wanted(entry))
        return []

    # Writing

    def write(self, name: str, content: bytes) -> None:
        """Make `content` durable under `name`, replacing what was there."""
        with self.create(name) as file:
            file.write(content)

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """Give a file to write to; when the block ends it is durable under `name`.

        A block that raises leaves nothing behind.
        """
        aside = _aside(name)
        self.make_folder(_folder(name))
        with self.explained(name):
            self.announce("write", aside)
            try:
                with self.path(aside).open("wb") as file:
                    yield file
                    file.flush()
                    self.announce("sync", aside)
                    os.fsync(file.fileno())
                self.announce("rename", aside, name)
                self.path(aside).replace(self.path(name))
            except Exception:
                with suppress(OSError):
                    self.path(aside).unlink(missing_ok=True)
                raise
        self.sync_folder(_folder(name))

    def move(self, moves: Iterable[tuple[str, str]]) -> None:
        """Rename finished, synced files, and make the new names durable.

        Folders are made as needed and synced once each, after the last rename.
        """
        touched: dict[str, None] = {}
        for name, to in moves:
            self.make_folder(_folder(to))
            with self.explained(to):
                self.announce("rename", name, to)
                self.path(name).replace(self.path(to))
            touched[_folder(to)] = None
        for folder in touched:
            self.sync_folder(folder)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; one that is gone already is fine.

        Not synced: whoever removes can always tell that a file is to be removed.
        """
        for name in names:
            with self.explained(name):
                self.announce("remove", name)
                self.path(name).unlink(missing_ok=True)

    def remove_folder(self, name: str) -> None:
        """Remove a folder if it is empty; else, or if it is gone, do nothing."""
        with suppress(OSError):
            self.path(name).rmdir()

    def make_folder(self, name: str) -> None:
        """Make a folder and those above it, durably; one that exists is fine."""
        path = self.path(name)
        missing: list[Path] = []
        while not path.is_dir():
            missing.append(path)
            path = path.parent
        for new in reversed(missing):
            with self.explained(str(new.relative_to(self.root))):
                self.announce("make_folder", str(new.relative_to(self.root)))
                new.mkdir(exist_ok=True)
                _sync(new.parent)

    def sync(self, name: str) -> None:
        """Make a file durable that another library wrote (not its name)."""
        with self.explained(name):
            self.announce("sync", name)
            _sync(self.path(name))

    def sync_folder(self, name: str) -> None:
        """Make the names in a folder durable: what was created, renamed, removed."""
        with self.explained(name):
            self.announce("sync_folder", name)
            _sync(self.path(name))

    @contextmanager
    def explained(self, name: str) -> Iterator[None]:
        """Turn an OSError of the block into an error that names the path."""
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"Cannot write {self.path(name)}: {error.strerror or error}. "
                "What was stored before is unharmed; free the disk or fix the "
                "permissions, then run the same command again."
            ) from error


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _aside(name: str) -> str:
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}.{file}.unfinished"


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") and name.endswith(".unfinished")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
