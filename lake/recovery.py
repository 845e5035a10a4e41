"""Make sense of what dead runs left in landing: what counts, and whose it is."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lake.cursor import CursorFile, Landed, writer_named_in
from lake.dataset import Dataset
from lake.fold import Fold, Folded
from lake.landing import LandingFolder, unfinished, writers
from lake.locks import FileLock
from lake.storage import LocalStorage
from settings.errors import Locked

logger = logging.getLogger(__name__)

Folds = Callable[[str], list[Fold]]


@dataclass
class Resumed:
    """The writer of this run, held against others, and what was folded for others."""

    writer: str
    lock: FileLock
    folded: list[Folded] = field(default_factory=list)


def resume(
    storage: LocalStorage,
    datasets: Mapping[str, Dataset],
    cursor: CursorFile,
    folds: Folds,
) -> Resumed:
    """Make lake and cursor agree, and take over what no run will come back for.

    Landing files that the cursor does not speak for are deleted: their pages will be
    fetched again. If the lake and the cursor contradict each other, nothing is
    resumed: all that landed counts, and the cursor's walks are dropped, which
    `cursor.problems` reports. Walks that can not go on are ended.
    """
    resumed = _continued(storage, datasets, cursor, folds) or _begun(storage, cursor)
    try:
        for other in sorted({w for name in datasets for w in writers(storage, name)}):
            if other != resumed.writer:
                resumed.folded += _adopt(storage, datasets, other, folds)
    except BaseException:
        resumed.lock.release()
        raise
    return resumed


def _begun(
    storage: LocalStorage, cursor: CursorFile, *, keep_values: bool = True
) -> Resumed:
    """Make the cursor that of a new writer, without walks."""
    writer = secrets.token_hex(6)
    lock = _locked(storage, writer, cursor.path)
    try:
        cursor.forget(Landed(writer), keep_values=keep_values)
    except BaseException:
        lock.release()
        raise
    return Resumed(writer, lock)


def _continued(
    storage: LocalStorage,
    datasets: Mapping[str, Dataset],
    cursor: CursorFile,
    folds: Folds,
) -> Resumed | None:
    landed = cursor.landed
    if landed is None:
        return None
    lock = _locked(storage, landed.writer, cursor.path)
    try:
        folders = [LandingFolder(storage, name, landed.writer) for name in datasets]
        folded = {fold.dataset: fold.folded() for fold in folds(landed.writer)}
        problem, keep_values = _contradiction(folders, folded, landed, cursor.path)
        if problem:
            cursor.problems.append(
                f"The cursor file {cursor.path} was not resumed: {problem}. What is "
                f"stored is kept; {len(cursor.walks)} unfinished walks start again."
            )
            lock.release()
            return _begun(storage, cursor, keep_values=keep_values)
        for folder in folders:
            last = landed.files.get(folder.dataset, 0)
            storage.remove(folder.file(n) for n in folder.numbers() if n > last)
        ended = _end(folders, folded, landed.files, datasets, alive=cursor.walks)
        if ended:
            cursor.save(landed=Landed(landed.writer, {**landed.files, **ended}))
    except BaseException:
        lock.release()
        raise
    return Resumed(landed.writer, lock)


def _contradiction(
    folders: list[LandingFolder],
    folded: Mapping[str, int],
    landed: Landed,
    cursor: Path,
) -> tuple[str | None, bool]:
    """What speaks against resuming, and whether the cursor's values still hold."""
    for folder in folders:
        owner = folder.cursor()
        if owner and owner != cursor and writer_named_in(owner) == landed.writer:
            return f"it is a copy of {owner}", False
    for folder in folders:
        last, done = landed.files.get(folder.dataset, 0), folded[folder.dataset]
        missing = set(range(done + 1, last + 1)) - set(folder.numbers())
        if missing:
            return f"the lake lacks {folder.file(min(missing))}, which it names", False
    for folder in folders:
        if folded[folder.dataset] > landed.files.get(folder.dataset, 0):
            return "it is older than the lake", True
    return None, True


def _end(
    folders: list[LandingFolder],
    folded: Mapping[str, int],
    last: Mapping[str, int],
    datasets: Mapping[str, Dataset],
    *,
    alive: Mapping[str, object],
) -> dict[str, int]:
    """Land the end of each walk that is not alive; return the numbers landed."""
    ended: dict[str, int] = {}
    for folder in folders:
        dataset = datasets[folder.dataset]
        if dataset.chain is None:
            continue
        upto = last.get(folder.dataset, 0)
        over = [
            replace(record, ended=True, complete_to=None)
            for walk_id, record in unfinished(
                folder, folded[folder.dataset], upto
            ).items()
            if walk_id not in alive
        ]
        if over:
            number = max(upto, folded[folder.dataset]) + 1
            folder.write(number, [dataset.schema.empty_table()], over)
            ended[folder.dataset] = number
    return ended


def _adopt(
    storage: LocalStorage, datasets: Mapping[str, Dataset], writer: str, folds: Folds
) -> list[Folded]:
    """Fold all that a writer landed, if it is dead and no cursor comes back for it."""
    lock = FileLock.attempt(_lock_path(storage, writer))
    if lock is None:
        return []
    with lock:
        _wait_for_folding(storage, writer)
        folders = [LandingFolder(storage, name, writer) for name in datasets]
        owners = {folder.cursor() for folder in folders} - {None}
        if any(writer_named_in(owner) == writer for owner in owners if owner):
            return []
        folded = {fold.dataset: fold.folded() for fold in folds(writer)}
        last = {folder.dataset: max(folder.numbers(), default=0) for folder in folders}
        last |= _end(folders, folded, last, datasets, alive={})
        done = [fold.run(last[fold.dataset]) for fold in folds(writer)]
        for folder in folders:
            folder.discard()
        return [one for one in done if one is not None]


def _lock_path(storage: LocalStorage, writer: str) -> Path:
    return storage.path(f"_locks/writer-{writer}.lock")


def _locked(storage: LocalStorage, writer: str, cursor: Path) -> FileLock:
    lock = FileLock.attempt(_lock_path(storage, writer))
    if lock is None:
        raise Locked(
            f"Another run is writing what {cursor} names: is it a copy of the cursor "
            "file of a run that goes on? Wait until that is done."
        )
    _wait_for_folding(storage, writer)
    return lock


def folding_lock(storage: LocalStorage, writer: str) -> Path:
    """The lock of what folds for a writer, and may outlive it for a moment."""
    return storage.path(f"_locks/folding-{writer}.lock")


def _wait_for_folding(storage: LocalStorage, writer: str) -> None:
    path = folding_lock(storage, writer)
    if not path.exists():
        return
    lock = FileLock.attempt(path)
    if lock is None:
        logger.info("waiting for the fold of an earlier run to end (lock %s)", path)
        lock = FileLock.wait(path)
    lock.release()
