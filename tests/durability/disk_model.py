"""A disk that loses its power: what recorded calls leave behind if it does.

What counts is POSIX, not what one file system happens to do: bytes are safe after a
sync of their file, names after a sync of their folder (a new name by a rename: of the
folder that it moves to), and of all else any part may be there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

from .disk_calls import Call, Kind


class Way(StrEnum):
    """What becomes of all that was not synced."""

    GONE = "is gone"
    NO_BYTES = "has its names, but not its bytes"
    NO_NAMES = "has its bytes, but not its names"
    TORN = "is there in parts"


@dataclass(eq=False)
class Folder:
    """A folder; its names are the disk's matter."""


@dataclass(eq=False)
class File:
    """A file's bytes: those that are safe, and what was done to them since."""

    safe: bytes = b""
    since: list[Call] = field(default_factory=list)

    def sync(self) -> None:
        """Make all bytes safe."""
        self.safe, self.since = self.now(), []

    def now(self) -> bytes:
        """The bytes that a process sees."""
        return _written(self.safe, self.since)

    def torn(self, choose: random.Random) -> bytes:
        """The safe bytes, and some of what was done since, in part."""
        done = []
        for call in self.since:
            lot = choose.random()
            if lot < 0.4:
                done.append(call)
            elif lot < 0.6 and call.kind == Kind.WRITE:
                done.append(_half(call))
        return _written(self.safe, done)


Node = File | Folder
Left = dict[str, tuple[Node, bytes]]  # by path; of folders no bytes


@dataclass(eq=False)
class Renaming:
    """A change of names: safe once `folder` is synced."""

    folder: str
    put: tuple[str, Node] | None
    remove: str | None = None
    is_safe: bool = False


@dataclass(frozen=True)
class Entry:
    """A file or folder that is there at the start."""

    path: str
    is_file: bool
    inode: int
    content: bytes = b""


def entries(folder: Path) -> list[Entry]:
    """All that is below `folder`, safely."""
    found = []
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        name = str(path).removeprefix(str(folder))
        found.append(Entry(name, path.is_file(), path.stat().st_ino, content))
    return found


class Disk:
    """The files below one folder, as a process changes them call by call."""

    def __init__(self, start: list[Entry]) -> None:
        self._files = {one.inode: File(one.content) for one in start if one.is_file}
        self._start: dict[str, Node] = {
            one.path: self._files[one.inode] if one.is_file else Folder()
            for one in start
        }
        self._renamings: list[Renaming] = []
        self._now = dict(self._start)

    def apply(self, call: Call) -> None:
        """Do what the process did."""
        path, node = call.path, self._now.get(call.path)
        match call.kind:
            case Kind.CREATE:
                self._files[call.inode] = File()
                self._rename(path, self._files[call.inode])
            case Kind.WRITE | Kind.TRUNCATE:
                self._files[call.inode].since.append(call)
            case Kind.SYNC if isinstance(node, Folder) or not path:
                for renaming in self._renamings:
                    renaming.is_safe |= renaming.folder == path
            case Kind.SYNC:
                self._files[call.inode].sync()
            case Kind.MKDIR:
                self._rename(path, Folder())
            case Kind.UNLINK | Kind.RMDIR:
                self._rename(None, None, remove=path)
            case Kind.RENAME:
                assert isinstance(node, File), f"{path} is no file: not modelled"
                self._rename(call.to, node, remove=path)
            case Kind.LINK:
                assert isinstance(node, File), f"{path} is no file: not modelled"
                self._rename(call.to, node)

    def left(self, way: Way, choose: random.Random) -> Left:
        """What is there when the power comes back."""
        waiting = [one for one in self._renamings if not one.is_safe]
        kept = choose.randint(0, len(waiting)) if way == Way.TORN else 0
        kept = len(waiting) if way == Way.NO_BYTES else kept
        lost = {id(one) for one in waiting[kept:]}
        names = dict(self._start)
        for renaming in self._renamings:
            if id(renaming) not in lost:
                _apply(renaming, names)
        contents: dict[int, bytes] = {}
        for node in names.values():
            if isinstance(node, File) and id(node) not in contents:
                contents[id(node)] = (
                    node.torn(choose)
                    if way == Way.TORN
                    else (node.now() if way == Way.NO_NAMES else node.safe)
                )
        return {
            path: (node, contents.get(id(node), b""))
            for path, node in sorted(names.items())
            if all(isinstance(names.get(above), Folder) for above in _above(path))
        }

    def differs_from(self, folder: Path) -> list[str]:
        """The paths where a folder is not what the calls that were seen have made it.

        Memory that SQLite shares between processes (`-shm`) is no matter of a disk.
        """
        files = {p: n for p, n in self._now.items() if isinstance(n, File)}
        there = {one.path: one.content for one in entries(folder) if one.is_file}
        return [
            path
            for path in sorted(files.keys() | there.keys())
            if not path.endswith("-shm")
            if path not in files or there.get(path) != files[path].now()
        ]

    def _rename(
        self, path: str | None, node: Node | None, *, remove: str | None = None
    ) -> None:
        put = (path, node) if path is not None and node is not None else None
        folder = (path or remove or "").rpartition("/")[0]
        self._renamings.append(Renaming(folder, put, remove))
        _apply(self._renamings[-1], self._now)


def lay_out(left: Left, folder: Path) -> None:
    """Make the folder, which is empty, what is left; links are links again."""
    made: dict[int, Path] = {}
    for path, (node, content) in left.items():
        at = folder / path[1:]
        if isinstance(node, Folder):
            at.mkdir()
        elif id(node) in made:
            at.hardlink_to(made[id(node)])
        else:
            at.write_bytes(content)
            made[id(node)] = at


def digest(left: Left) -> bytes:
    """What tells one state from another."""
    found = blake2b()
    for path, (node, content) in left.items():
        found.update(f"{path} {type(node).__name__} {len(content)} ".encode())
        found.update(content)
    return found.digest()


def _apply(renaming: Renaming, names: dict[str, Node]) -> None:
    if renaming.remove is not None:
        names.pop(renaming.remove, None)
    if renaming.put is not None:
        path, node = renaming.put
        names[path] = node


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _written(content: bytes, done: list[Call]) -> bytes:
    if not done:
        return content
    held = bytearray(content)
    for call in done:
        if call.kind == Kind.TRUNCATE:
            held[call.length :] = bytes(max(0, call.length - len(held)))
        else:
            held += bytes(max(0, call.offset - len(held)))
            held[call.offset : call.offset + len(call.data)] = call.data
    return bytes(held)


def _half(call: Call) -> Call:
    half = call.data[: len(call.data) // 2]
    return Call(call.kind, call.path, call.to, call.inode, call.offset, len(half), half)
