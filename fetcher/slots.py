"""The next free slot of each limit group, in files that all runs of a host share."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from settings.errors import UsageError

RECORD = struct.Struct("<d36s")
# The clock counts from the host's start: what an earlier start wrote means nothing.
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Held:
    """The slots of some groups while no other process can touch them."""

    def __init__(self, files: Sequence[int], boot: bytes) -> None:
        self._files = files
        self._boot = boot

    def read(self) -> list[float | None]:
        """Return each group's next slot; null where none was taken since the boot."""
        return [self._read(file) for file in self._files]

    def write(self, values: Sequence[float]) -> None:
        """Store each group's next slot."""
        for file, value in zip(self._files, values, strict=True):
            os.pwrite(file, RECORD.pack(value, self._boot), 0)

    def _read(self, file: int) -> float | None:
        found = os.pread(file, RECORD.size, 0)
        if len(found) < RECORD.size:
            return None
        value, boot = RECORD.unpack(found)
        return float(value) if boot == self._boot else None


class Slots:
    """The files of one host's groups, opened when they are first needed.

    Not thread safe: a lock on a file does not keep threads of one process apart.
    """

    def __init__(self, folder: Path, host: str) -> None:
        self._folder = folder
        self._host = re.sub(r"[^A-Za-z0-9.-]", "_", host)
        self._files: dict[str, int] = {}
        self._boot = b""

    @contextmanager
    def held(self, groups: Sequence[str]) -> Iterator[Held]:
        """Lock the files of `groups`, always in the same order, and give them."""
        files = {group: self._file(group) for group in groups}
        with ExitStack() as stack:
            for group in sorted(files):
                fcntl.flock(files[group], fcntl.LOCK_EX)
                stack.callback(fcntl.flock, files[group], fcntl.LOCK_UN)
            yield Held([files[group] for group in groups], self._boot)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def _file(self, group: str) -> int:
        if group not in self._files:
            if not self._files:
                self._boot = _boot_id()
                own_folder(self._folder)
            path = self._folder / f"{self._host}.{group}"
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            try:
                self._files[group] = os.open(path, flags, 0o600)
            except OSError as error:
                raise UsageError(
                    f"The rate limits need to write {path}: {error.strerror}. "
                    "Set paths.runtime to a folder of yours."
                ) from error
        return self._files[group]


def own_folder(folder: Path) -> None:
    """Make `folder`, and refuse one that somebody else could have put there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise UsageError(
            f"The rate limits need the folder {folder}: {error.strerror}. "
            "Set paths.runtime to a folder of yours."
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UsageError(
            f"The folder {folder} belongs to someone else. "
            "Set paths.runtime to a folder of yours."
        )


def _boot_id() -> bytes:
    try:
        return BOOT_ID.read_bytes().strip()[:36].ljust(36)
    except OSError:
        return b" " * 36
