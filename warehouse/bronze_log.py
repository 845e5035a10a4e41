"""Which bronze files are live, as a dataset's Delta log says: read, never mended.

A power cut can leave the last entry of a log torn; `fetch` removes it when it next
opens the lake, and does again what it spoke of. Until then it is passed over here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from settings.errors import PolylakeError

LOG = "_delta_log"


class UnreadableLog(PolylakeError):
    """The lake has no such dataset, or its log cannot be read."""


@dataclass(frozen=True)
class LiveDataset:
    """One dataset: its columns, and its log."""

    name: str
    columns: frozenset[str]
    _table: DeltaTable

    def files(self, days: Sequence[date] | None = None) -> list[str]:
        """The live files, of these days or of all."""
        if days is None:
            return sorted(self._table.file_uris())
        wanted = [day.isoformat() for day in days]
        if not wanted:
            return []
        chosen = self._table.file_uris(file_pruning_predicate=[("dt", "in", wanted)])
        return sorted(chosen)


def datasets(lake: Path) -> set[str]:
    """The names of the datasets that the lake has."""
    if not lake.is_dir():
        return set()
    return {path.name for path in lake.iterdir() if (path / LOG).is_dir()}


def open_bronze(lake: Path, name: str) -> LiveDataset:
    """Open a dataset at its last whole version; raise `UnreadableLog` without one."""
    folder = lake / name
    try:
        table = DeltaTable(folder)
    except TableNotFoundError:
        raise UnreadableLog(
            f"There is no dataset {name} in {lake}: is [paths] lake the lake that this "
            "warehouse was built from?"
        ) from None
    except DeltaError as error:
        table = _before_the_torn_entry(folder, error)
    columns = frozenset(field.name for field in table.schema().fields)
    return LiveDataset(name, columns, table)


def _before_the_torn_entry(folder: Path, error: DeltaError) -> DeltaTable:
    entries = sorted((folder / LOG).glob("*.json"))
    why = " ".join(str(error).split())
    if len(entries) < 2 or _is_whole(entries[-1]):
        raise UnreadableLog(
            f"The log {folder / LOG} cannot be read: {why} The next `fetch` mends what "
            "a power cut left."
        ) from error
    try:
        return DeltaTable(folder, version=int(entries[-1].stem) - 1)
    except DeltaError:
        raise UnreadableLog(
            f"The log {folder / LOG} is torn at {entries[-1].name}: {why} The next "
            "`fetch` mends it."
        ) from error


def _is_whole(entry: Path) -> bool:
    try:
        lines = entry.read_text(encoding="utf-8").splitlines()
        return bool([json.loads(line) for line in lines])
    except ValueError:
        return False
