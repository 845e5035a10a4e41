"""Sum up a log in a checkpoint, so that opening it need not read every entry.

deltalake writes a checkpoint in place and does not sync it. One with a hole, as a
power cut leaves it, may open without a word and name other files. So it is made in a
folder of its own, from links to what it sums up, and moved into the log when synced.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from deltalake import DeltaTable

from lake.repair import LAST_CHECKPOINT
from lake.storage import LocalStorage

_OF_VERSION = re.compile(r"(\d{20})\..*")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")
_SCRATCH = "_state"


def last_checkpoint(storage: LocalStorage, folder: str) -> int:
    """Return the version of the newest checkpoint of the log in `folder`; -1: none."""
    return max(_checkpoints(storage, storage.files(folder)), default=-1)


def remove_expired(storage: LocalStorage, folder: str, *, before: float) -> int:
    """Remove entries and checkpoints written before `before` (unix seconds).

    All since the last checkpoint but one stays, so that a torn checkpoint still has
    what takes its place. Returns how many were removed. A reader that knows an older
    version takes whole days again.
    """
    names = storage.files(folder)
    checkpoints = sorted(_checkpoints(storage, names))
    if len(checkpoints) < 2:
        return 0
    expired = []
    for name in names:
        match = _OF_VERSION.fullmatch(_file(name))
        if match is None or int(match[1]) >= checkpoints[-2]:
            continue
        if storage.modified_at(name) >= before:
            break  # names are sorted by version: what follows is younger
        expired.append(name)
    storage.remove(expired)
    return len(expired)


def _checkpoints(storage: LocalStorage, names: Iterable[str]) -> list[int]:
    return [
        int(match[1])
        for name in names
        if (match := _CHECKPOINT.fullmatch(_file(name))) and storage.size(name)
    ]


def write_checkpoint(storage: LocalStorage, folder: str, version: int) -> None:
    """Make a checkpoint of `version`, which must be the newest and synced, durable."""
    storage.make_folder(_SCRATCH)
    scratch = Path(
        tempfile.mkdtemp(prefix=".checkpoint-", dir=storage.path(_SCRATCH))
    ).relative_to(storage.root)
    try:
        copy = f"{scratch.as_posix()}/_delta_log"
        since = last_checkpoint(storage, folder)
        _link(storage, folder, copy, since, version)
        DeltaTable(str(storage.path(scratch.as_posix()))).create_checkpoint()
        name = f"{version:020d}.checkpoint.parquet"
        storage.sync(f"{copy}/{name}")
        storage.move([(f"{copy}/{name}", f"{folder}/{name}")])
        storage.write(
            f"{folder}/{LAST_CHECKPOINT}", storage.read(f"{copy}/{LAST_CHECKPOINT}")
        )
    finally:
        shutil.rmtree(storage.path(scratch.as_posix()), ignore_errors=True)


def _link(storage: LocalStorage, folder: str, copy: str, first: int, last: int) -> None:
    """Link all that the checkpoint is made from: the last one, and what came since."""
    storage.path(copy).mkdir()
    for name in storage.files(folder):
        match = _OF_VERSION.fullmatch(_file(name))
        if match is not None and first <= int(match[1]) <= last:
            os.link(storage.path(name), storage.path(f"{copy}/{_file(name)}"))


def _file(name: str) -> str:
    return name.rpartition("/")[2]
