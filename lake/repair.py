"""Bring a log back to its last whole version after a power cut.

Every entry but the last is synced before the next one is written, so only the last
can be torn: its commit never returned, and what it spoke of is done again. A
checkpoint only repeats what the entries say, so a torn one is simply deleted.
"""

from __future__ import annotations

import json
import logging
import re

import pyarrow as pa
import pyarrow.parquet as pq

from lake.locks import FileLock
from lake.storage import LocalStorage

logger = logging.getLogger(__name__)

LAST_CHECKPOINT = "_last_checkpoint"
_ENTRY = re.compile(r"(\d{20})\.json")
# What `lake` notes in an entry: how many actions it has besides that note.
ACTIONS = "polylakeActions"


def entry_name(version: int) -> str:
    """Return the file name of a version's entry."""
    return f"{version:020d}.json"


def last_entry(storage: LocalStorage, folder: str) -> int | None:
    """Return the version of the newest entry in a log's folder, null for none."""
    found = (_ENTRY.fullmatch(n.rpartition("/")[2]) for n in storage.files(folder))
    return max((int(match[1]) for match in found if match), default=None)


def is_whole(content: bytes) -> bool:
    """Whether an entry holds all that was written to it.

    A torn entry can end after any byte, or be zeros; of our own we know the length.
    """
    lines = content.splitlines()
    if not lines or b"\0" in content:
        return False
    try:
        note = json.loads(lines[0]).get("commitInfo", {})
        expected = note.get(ACTIONS)
        if expected is None:  # not of ours: each line must be whole
            return [kind for line in lines for kind in json.loads(line)] != [
                "commitInfo"
            ]
        json.loads(lines[-1])
    except (ValueError, AttributeError):
        return False
    return bool(len(lines) == expected + 1)


def repair(storage: LocalStorage, folder: str) -> list[str]:
    """Delete a torn last entry and torn checkpoints of the log in `folder`.

    Returns the names of what it deleted. Safe beside other processes: they agree by a
    lock, and no entry can follow a torn one, since its name is taken.
    """
    lock = storage.path(f"_locks/repair-{folder.partition('/')[0]}.lock")
    with storage.explained(folder), FileLock.wait(lock):
        torn = _torn(storage, folder)
        storage.remove(torn)
        if torn:
            storage.sync_folder(folder)
    for name in torn:
        logger.warning(
            "Removed %s, which a power cut left unfinished; its work is done again.",
            storage.path(name),
        )
    return torn


def _torn(storage: LocalStorage, folder: str) -> list[str]:
    torn = []
    last = last_entry(storage, folder)
    if last is not None:
        name = f"{folder}/{entry_name(last)}"
        if not is_whole(storage.read(name)):
            torn.append(name)
    checkpoints = [n for n in storage.files(folder) if n.endswith(".parquet")]
    unreadable = [n for n in checkpoints if not _can_be_read(storage, n)]
    hint = f"{folder}/{LAST_CHECKPOINT}"
    if storage.exists(hint) and (
        unreadable or not _points_at_one(storage.read(hint), checkpoints)
    ):
        torn.append(hint)  # first, so that it never points at what is gone
    return torn + unreadable


def _can_be_read(storage: LocalStorage, name: str) -> bool:
    try:
        pq.read_table(storage.path(name), use_threads=False)
    except (pa.ArrowException, OSError):
        return False
    return True


def _points_at_one(hint: bytes, checkpoints: list[str]) -> bool:
    try:
        version = int(json.loads(hint)["version"])
    except (ValueError, KeyError, TypeError):
        return False
    return any(f"/{version:020d}.checkpoint" in name for name in checkpoints)
