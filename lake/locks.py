"""Locks between processes: held on an open file, free again when the holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from settings.errors import Locked, PolylakeError


class FileLock:
    """An exclusive lock on a file of its own, held until `release` or the end.

    Use it as a context manager, or keep it and call `release`. The file stays: whoever
    removed it could let two processes hold "the" lock, each on a file of its own.
    """

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    @classmethod
    def attempt(cls, path: Path) -> FileLock | None:
        """Return the held lock, or null if another process or thread holds it."""
        return cls._take(path, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @classmethod
    def wait(cls, path: Path) -> FileLock:
        """Return the held lock, waiting for it if need be."""
        lock = cls._take(path, fcntl.LOCK_EX)
        assert lock is not None
        return lock

    @classmethod
    def _take(cls, path: Path, how: int) -> FileLock | None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, how)
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        return cls(handle)

    def release(self) -> None:
        """Let others have it; a second call does nothing."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


@contextmanager
def held(path: Path, *, what: str) -> Iterator[None]:
    """Hold the lock for the block, or raise `Locked` saying that `what` is in use.

    PolylakeError where there can be no lock: its folder cannot be written.
    """
    try:
        lock = FileLock.attempt(path)
    except OSError as error:
        raise PolylakeError(
            f"Cannot use the lock {path}: {error.strerror or error}. Free the disk or "
            "fix the permissions, then run the same command again."
        ) from error
    if lock is None:
        raise Locked(f"{what} is in use by another run (lock {path}). Try again later.")
    with lock:
        yield
