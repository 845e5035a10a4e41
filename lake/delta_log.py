"""Which files of a dataset are live: its Delta Lake log, and commits to it.

The `deltalake` package checks neither that a removed file is still live nor that an
application transaction is new, retries a lost race by itself, and syncs nothing. So a
commit here uses one handle: what it takes for granted is checked on that handle, the
entry is written only if it is the very next one, and on a lost race all starts again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import (
    AddAction,
    CommitProperties,
    RemoveAction,
    Transaction,
)

from lake.checkpoint import last_checkpoint, remove_expired, write_checkpoint
from lake.dataset import Dataset
from lake.live_files import (
    PARTITION,
    Changes,
    LiveFile,
    NewFile,
    Value,
    add_action,
    live_files,
    new_file,
    remove_action,
)
from lake.log_table import (
    NO_HOOKS,
    LogError,
    explained,
    log_folder,
    open_table,
    table_to_write,
)
from lake.repair import ACTIONS, entry_name
from lake.storage import FileStamp, LocalStorage, StorageError

__all__ = [
    "Changes",
    "DeltaLog",
    "LiveFile",
    "NewFile",
    "Snapshot",
    "Value",
    "new_file",
]


class Snapshot:
    """One version of a dataset's log; no version and no files before the first."""

    def __init__(self, table: DeltaTable | None) -> None:
        self._table = table

    @property
    def version(self) -> int | None:
        """The number of the newest commit, from 0."""
        return None if self._table is None else int(self._table.version())

    @property
    def log_id(self) -> str | None:
        """What tells this log from one that was made anew in its place."""
        return None if self._table is None else str(self._table.metadata().id)

    def transaction_version(self, app_id: str) -> int | None:
        """The last version committed under `app_id`, or null if there is none."""
        if self._table is None:
            return None
        version: int | None = self._table.transaction_version(app_id)
        return version

    @cached_property
    def files(self) -> tuple[LiveFile, ...]:
        """The live files, ordered by name (and so by day)."""
        if self._table is None:
            return ()
        return live_files(pa.table(self._table.get_add_actions(flatten=True)))


class DeltaLog:
    """The log of one dataset, `<root>/<dataset>/_delta_log`.

    A log that a power cut left torn is repaired when it is opened; else only `commit`
    and `checkpoint` write.
    """

    def __init__(
        self,
        storage: LocalStorage,
        dataset: Dataset,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage = storage
        self._dataset = dataset
        self._clock = clock
        self._folder = log_folder(dataset)
        self._known: tuple[str, FileStamp, Snapshot] | None = None

    # Reading

    def snapshot(self) -> Snapshot:
        """Return the newest version.

        The log is opened again only if it has an entry that it had not then, or its
        last one is not that file any more: a run asks a hundred times.
        """
        known = self._known
        if known is not None:
            last, stamp, snapshot = known
            version = snapshot.version
            assert version is not None
            if (
                not self._storage.exists(self._entry(version + 1))
                and self._storage.stamp(last) == stamp
            ):
                return snapshot
        snapshot = Snapshot(open_table(self._storage, self._dataset))
        self._known = None
        if snapshot.version is not None:
            last = self._entry(snapshot.version)
            found = self._storage.stamp(last)
            if found is not None:
                self._known = last, found, snapshot
        return snapshot

    def changes(self, since: int | None, *, log_id: str | None = None) -> Changes:
        """Return what was added after version `since` (null: from the beginning).

        What it tells survives a power cut, so a reader never gets ahead of the log.
        `log_id`, if the reader noted one, tells whether the log is still the same.
        """
        snapshot = self.snapshot()
        version = snapshot.version
        if version is not None:
            with suppress(StorageError):  # a read-only disk has nothing to sync
                self._sync_entry(version)
        known = since is None or (version is not None and since <= version)
        if not known or (log_id is not None and log_id != snapshot.log_id):
            return Changes(snapshot.log_id, version, snapshot.files, restarted=True)
        if since is None:
            return Changes(snapshot.log_id, version, snapshot.files)
        if since == version:
            return Changes(snapshot.log_id, version)
        assert version is not None
        try:
            names = self._added(since + 1, version)
        except FileNotFoundError:  # someone cleaned the log up: take all again
            days = tuple(sorted({file.day for file in snapshot.files}))
            return Changes(snapshot.log_id, version, (), days, snapshot.files)
        live = {file.name: file for file in snapshot.files}
        replaced = {name.partition("/")[0] for name in names if name not in live}
        whole = [f for f in live.values() if f.name.partition("/")[0] in replaced]
        return Changes(
            snapshot.log_id,
            version,
            tuple(
                live[name] for name in names if name.partition("/")[0] not in replaced
            ),
            tuple(sorted({file.day for file in whole})),
            tuple(whole),
        )

    def removed_since(self, moment: float) -> set[str]:
        """Return the names of files that stopped being live at `moment` or later.

        Reads only entries written since then.
        """
        removed: set[str] = set()
        version = self.snapshot().version
        while version is not None and version >= 0:
            name = self._entry(version)
            if not self._storage.exists(name):
                break
            if self._storage.modified_at(name) < moment:
                break
            removed |= {action["path"] for action in self._actions(version, "remove")}
            version -= 1
        return removed

    def _added(self, first: int, last: int) -> list[str]:
        added: dict[str, None] = {}
        for version in range(first, last + 1):
            for action in self._actions(version, "add"):
                if action["dataChange"]:
                    added[action["path"]] = None
        return list(added)

    def _actions(self, version: int, kind: str) -> list[dict[str, Any]]:
        content = self._storage.read(self._entry(version))
        start = f'{{"{kind}":'.encode()
        lines = content.splitlines()
        return [json.loads(line)[kind] for line in lines if line.startswith(start)]

    # Writing

    def commit(
        self,
        adds: Sequence[NewFile] = (),
        removes: Iterable[str] = (),
        *,
        transactions: Sequence[tuple[str, int]] = (),
        data_change: bool = True,
    ) -> int | None:
        """Make `adds` live and `removes` (names) not live, in one durable step.

        Returns the version, or null, with nothing done, if a transaction's version is
        not above its app id's last one, or a removed file is not live: then another
        did it first. The added files must be synced in place.
        """
        removes = list(removes)
        if not (adds or removes or transactions):
            raise ValueError("a commit of nothing")
        while True:
            table = table_to_write(self._storage, self._dataset)
            snapshot = Snapshot(table)
            for app_id, new in transactions:
                last = snapshot.transaction_version(app_id)
                if last is not None and last >= new:
                    return None
            live = {file.name: file for file in snapshot.files} if removes else {}
            if not live.keys() >= set(removes):
                return None
            version = int(table.version())
            # A power cut may tear the last entry only, never one below another.
            self._sync_entry(version)
            try:
                self._write_entry(
                    table,
                    self._actions_of(adds, [live[n] for n in removes], data_change),
                    transactions,
                )
            except CommitFailedError as error:
                if not self._storage.exists(self._entry(version + 1)):
                    path = self._storage.path(self._folder)
                    raise LogError(f"Cannot commit to {path}: {error}") from error
                continue  # another entry came first: look again at what is live
            self._sync_entry(version + 1)
            return version + 1

    def _actions_of(
        self, adds: Sequence[NewFile], removes: Sequence[LiveFile], data_change: bool
    ) -> list[AddAction | RemoveAction]:
        now = self._clock()
        return [
            *(add_action(file, data_change=data_change, now=now) for file in adds),
            *(remove_action(f, data_change=data_change, now=now) for f in removes),
        ]

    def _write_entry(
        self,
        table: DeltaTable,
        actions: list[AddAction | RemoveAction],
        transactions: Sequence[tuple[str, int]],
    ) -> None:
        self._storage.announce("commit", self._entry(int(table.version()) + 1))
        with explained(self._storage, self._folder):
            table.create_write_transaction(
                actions,
                "append",
                table.schema(),
                partition_by=[PARTITION],
                commit_properties=CommitProperties(
                    custom_metadata={ACTIONS: len(actions) + len(transactions)},
                    max_commit_retries=0,
                    app_transactions=[Transaction(*t) for t in transactions],
                ),
                post_commithook_properties=NO_HOOKS,
            )

    def checkpoint(self, *, after: int = 1, keep_seconds: float = float("inf")) -> bool:
        """Sum up the log in a checkpoint, if `after` entries have come since the last.

        Opening a log costs time for each entry after its checkpoint. With a new one,
        what is older than `keep_seconds` and summed up twice is removed.
        """
        version = self.snapshot().version
        if version is None:
            return False
        if version - last_checkpoint(self._storage, self._folder) < after:
            return False
        self._sync_entry(version)
        with explained(self._storage, self._folder):
            write_checkpoint(self._storage, self._folder, version)
        before = self._clock() - keep_seconds
        remove_expired(self._storage, self._folder, before=before)
        return True

    def _sync_entry(self, version: int) -> None:
        name = self._entry(version)
        if self._storage.exists(name):
            self._storage.sync(name)
        self._storage.sync_folder(self._folder)

    def _entry(self, version: int) -> str:
        return f"{self._folder}/{entry_name(version)}"
