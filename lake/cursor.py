"""The cursor file: what is durable, and from where each unfinished walk goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from lake.batch import CursorChange, Json
from lake.locks import FileLock
from lake.storage import LocalStorage, Observe
from settings.errors import Locked, PolylakeError, UsageError

VERSION = 1


@dataclass(frozen=True)
class Landed:
    """The writer of a cursor, and the last landing file of each dataset that counts."""

    writer: str
    files: Mapping[str, int] = field(default_factory=dict)


class CursorFile:
    """The state that a run resumes from, locked against other runs while it is open.

    `walks` has the walks that are not over, by walk_id; `values` what else a run must
    remember. Both are whole dicts that `save` replaces, so that a thread may read them
    while another saves. They change only once the file holds the change. The file is
    as large as the work in flight: a walk that is over leaves nothing.

    `problems` says, for a person, what was found wrong and what came of it.
    """

    def __init__(self, path: Path, storage: LocalStorage, lock: FileLock) -> None:
        self.path = path
        self.walks: dict[str, Json] = {}
        self.values: dict[str, Json] = {}
        self.landed: Landed | None = None
        self.problems: list[str] = []
        self._storage = storage
        self._lock = lock

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        observe: Observe | None = None,
    ) -> CursorFile:
        """Lock and read the file; one that is not there yet is an empty cursor.

        A damaged file is moved aside and reported in `problems`: then nothing is
        resumed, and nothing that is stored is lost. A file of a newer version of this
        program is left untouched (`UsageError`).
        """
        path = path.absolute()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock.attempt(path.with_name(path.name + ".lock"))
        except OSError as error:
            raise PolylakeError(
                f"Cannot use the cursor file {path}: {error.strerror or error}."
            ) from error
        if lock is None:
            raise Locked(
                f"{path} is in use by another run. Wait until it is done, or name "
                "another cursor file in [paths] cursors."
            )
        cursor = cls(path, LocalStorage(path.parent, observe=observe), lock)
        try:
            cursor._read(clock)
        except BaseException:
            lock.release()
            raise
        return cursor

    def save(
        self, changes: Iterable[CursorChange] = (), landed: Landed | None = None
    ) -> None:
        """Apply the changes in order and make the result durable, all or nothing."""
        walks, values = dict(self.walks), dict(self.values)
        for change in changes:
            _apply(change.walks, walks)
            _apply(change.values, values)
        self._replace(walks, values, landed or self.landed)

    def forget(self, landed: Landed, *, keep_values: bool) -> None:
        """Drop the walks, and unless told otherwise the values; durably."""
        self._replace({}, dict(self.values) if keep_values else {}, landed)

    def close(self) -> None:
        """Let other runs have the file."""
        self._lock.release()

    def __enter__(self) -> CursorFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _replace(
        self, walks: dict[str, Json], values: dict[str, Json], landed: Landed | None
    ) -> None:
        state: dict[str, Json] = {"version": VERSION}
        if landed is not None:
            state["landing"] = {"writer": landed.writer, "files": dict(landed.files)}
        state |= {"walks": walks, "values": values}
        text = json.dumps(state, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        self._storage.write(self.path.name, text.encode())
        self.walks, self.values, self.landed = walks, values, landed

    def _read(self, clock: Callable[[], float]) -> None:
        try:
            content = self._storage.read(self.path.name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise PolylakeError(
                f"Cannot read the cursor file {self.path}: {error.strerror}."
            ) from error
        try:
            state = json.loads(content.decode())
            version = _typed(state["version"], int)
            if version > VERSION:
                raise UsageError(
                    f"{self.path} has format {version}, written by a newer version of "
                    f"this program, which knows formats up to {VERSION}. Update the "
                    "program, or name another cursor file in [paths] cursors."
                )
            if version < VERSION:  # there was none before the first
                raise ValueError(f"format {version} is none of ours")
            landed = _landed(state.get("landing"))
            walks, values = _typed(state["walks"], dict), _typed(state["values"], dict)
        except (ValueError, KeyError, TypeError) as error:
            self._move_aside(clock, why="empty" if not content else str(error))
            return
        self.walks, self.values, self.landed = walks, values, landed

    def _move_aside(self, clock: Callable[[], float], *, why: str) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock()))
        aside = f"{self.path.name}.damaged-{stamp}"
        self._storage.move([(self.path.name, aside)])
        self.problems.append(
            f"The cursor file {self.path} was damaged ({why}) and is now "
            f"{aside}. What it had landed is kept; unfinished walks start again."
        )


def writer_named_in(path: Path) -> str | None:
    """Return the writer that the cursor file at `path` names, without locking it.

    Null if there is no such file, or none that a run would resume from.
    """
    try:
        state = json.loads(path.read_bytes().decode())
        landed = _landed(state.get("landing"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return landed.writer if landed else None


def _apply(change: Mapping[str, Json | None], state: dict[str, Json]) -> None:
    for key, value in change.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


def _landed(state: Any) -> Landed | None:
    if state is None:
        return None
    files = _typed(state["files"], dict)
    return Landed(
        _typed(state["writer"], str), {k: _typed(n, int) for k, n in files.items()}
    )


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r:.40} is not of type {kind.__name__}")
    return value
