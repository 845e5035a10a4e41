"""A data file's name tells the checksum of its content, so that damage shows.

`<writer>-000012-5f1d2c3b4a59-x0123456789abcdef.parquet`: what follows `-x` is a digest
of the whole file. The checksums inside Parquet leave out headers and footer, and
without any of them a flipped bit mostly reads as another value.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_NAMED = re.compile(r"-x([0-9a-f]{16})(?=\.parquet$)")
_END = ".parquet"


def checksum(path: Path) -> str:
    """Return the digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, _digest).hexdigest()


def named(name: str, path: Path) -> str:
    """Return the name that a file has once it tells the checksum of `path`."""
    return f"{name.removesuffix(_END)}-x{checksum(path)}{_END}"


def unnamed(name: str) -> str:
    """Return the name as it was before it told the checksum."""
    return _NAMED.sub("", name)


def told(name: str) -> str | None:
    """Return the checksum that a name tells; null for files of before."""
    found = _NAMED.search(name)
    return None if found is None else found[1]


def _digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=8)
