"""See, and stop, a process at each call that changes its files: `disk_calls.c`."""

from __future__ import annotations

import atexit
import ctypes
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("disk_calls.c")
NO_COMPILER = (
    "No C compiler (cc) is installed, so calls that change files cannot be counted."
)
_HEADER = struct.Struct("<IIIIQQQ")


class Kind(IntEnum):
    """What a call does; the numbers are those of disk_calls.c."""

    CREATE = 0
    WRITE = 1
    TRUNCATE = 2
    SYNC = 3
    RENAME = 4
    LINK = 5
    UNLINK = 6
    MKDIR = 7
    RMDIR = 8


@dataclass(frozen=True)
class Call:
    """One call that was done; paths are relative to the folder that is watched."""

    kind: Kind
    path: str
    to: str
    inode: int
    offset: int
    length: int
    data: bytes = b""


@dataclass(frozen=True, order=True)
class Boundary:
    """Calls that do the same to files of one sort; `pattern` is one of fnmatch."""

    kind: Kind
    pattern: str

    def __str__(self) -> str:
        return f"{self.kind.name.lower()} {self.pattern.replace('[0-9a-f]*', 'N')}"


@dataclass(frozen=True)
class Fatal:
    """Die after call `number`, of all or of a boundary's; in its midst if torn."""

    number: int
    at: Boundary | None = None
    is_torn: bool = False


@cache
def library() -> Path | None:
    """Compile `disk_calls.c`; null where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    folder = tempfile.mkdtemp(prefix="polylake-calls-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Path(folder) / "disk_calls.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", made, SOURCE, "-ldl", "-lpthread"],
        check=True,
    )
    return made


def watch_own_calls(
    folder: str,
    log: str,
    *,
    number: int = 0,
    kind: int = -1,
    pattern: str | None = None,
    is_torn: bool = False,
    data: bool = False,
) -> None:
    """From here on, record the calls of this process, which has the library loaded."""
    watch = ctypes.CDLL(None).watch_calls
    path = None if pattern is None else pattern.encode()
    number, kind = ctypes.c_long(number), ctypes.c_long(kind)
    if watch(folder.encode(), log.encode(), number, kind, path, is_torn, data):
        raise OSError(f"{log} cannot be written")


def calls(log: Path, root: Path) -> Iterator[Call]:
    """Read a log, in the order of the calls."""
    content = log.read_bytes() if log.exists() else b""
    above, at = len(str(root)), 0

    def taken(length: int) -> bytes:
        nonlocal at
        at += length
        return content[at - length : at]

    while at < len(content):
        kind, path, to, data, inode, offset, length = _HEADER.unpack(
            taken(_HEADER.size)
        )
        yield Call(
            Kind(kind),
            taken(path).decode()[above:].removesuffix(" (deleted)"),
            taken(to).decode()[above:],
            inode,
            offset,
            length,
            taken(data),
        )


_SORTS = (
    (r"^(/data/(?:_landing/|_folding/)?)[a-z][a-z_]*(?=/|$)", r"\1*"),  # a dataset
    (r"(/fold-|/\.fold-)[a-z_]+(?=-|\.lock)", r"\1*"),
    (r"(/\.checkpoint-)[^/]+", r"\1*"),
    (r"[0-9a-f]{12,}|\d+", "[0-9a-f]*"),  # writers, numbers, days
    (r"(\[0-9a-f\]\*)(?:[-.#]*\[0-9a-f\]\*)+", r"\1"),
)


def boundary(call: Call) -> Boundary:
    """Tell calls apart by what they do to which sort of file."""
    pattern = call.path
    for sort, stands_for in _SORTS:
        pattern = re.sub(sort, stands_for, pattern)
    return Boundary(call.kind, pattern)
