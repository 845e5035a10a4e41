"""What a run's rows say of a service that has changed: told once, at its end.

A key that we do not know is kept in `extra`, and so is a descriptive value of another
type; a row that fits no schema is set aside; a field that does not come any more is
null. None of it stops a run, so all of it must be said.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bronze.field import snake_case
from lake import quarantine
from lake.dataset import LINEAGE, Dataset
from lake.lake import Lake
from lake.live_files import LiveFile
from lake.walks import WALKS

# A field that nearly all rows have had, and none of so many now, has gone.
NEARLY_ALL = 0.98
ENOUGH_ROWS = 20
_SAMPLE_FILES = 2
_SAMPLE_ROWS = 200_000
_EXTRA = "extra"
_OURS = frozenset(column.name for column in LINEAGE)


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was: `new`, `retyped`, `gone` or `set_aside`."""

    dataset: str
    change: str
    field: str
    rows: int

    def as_text(self) -> str:
        """The change for people."""
        rows = f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
        return {
            "new": f"{self.dataset}: {rows} came with the new field {self.field}, "
            "which is kept in extra.",
            "retyped": f"{self.dataset}: {self.field} has another type in {rows}; it "
            "is kept in extra as it came.",
            "gone": f"{self.dataset}: {self.field} came in none of {rows}; until now "
            "nearly all had it.",
            "set_aside": f"{self.dataset}: {rows} set aside: {self.field}. `fetch "
            "quarantine` shows them.",
        }[self.change]


@dataclass
class _Seen:
    rows: int = 0
    filled: Counter[str] = field(default_factory=Counter)
    extra: Counter[str] = field(default_factory=Counter)


class Drift:
    """Looks at the rows of a run as they are handed over; thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def see(self, dataset: str, rows: pa.Table) -> None:
        """Take note of rows; costs next to nothing where they are as expected."""
        if dataset == WALKS.name or not rows.num_rows:
            return
        filled = {
            name: rows.num_rows - rows[name].null_count for name in rows.column_names
        }
        extra = Counter(_keys(rows[_EXTRA])) if filled.get(_EXTRA) else Counter[str]()
        with self._lock:
            seen = self._seen.setdefault(dataset, _Seen())
            seen.rows += rows.num_rows
            seen.filled.update(filled)
            seen.extra.update(extra)

    def changes(
        self, lake: Lake, *, since: datetime, set_aside: Iterable[str]
    ) -> list[Change]:
        """Return what has changed, as the rows of the run since then tell it.

        `set_aside` names the datasets of which rows were set aside.
        """
        with self._lock:
            seen = dict(self._seen)
        found: list[Change] = []
        for name, one in seen.items():
            known = {column.name for column in lake.datasets[name].columns} - _OURS
            for key, rows in sorted(one.extra.items()):
                is_known = key in known or snake_case(key) in known
                found.append(Change(name, "retyped" if is_known else "new", key, rows))
            retyped = {c.field for c in found if c.dataset == name}
            found += [
                Change(name, "gone", column, one.rows)
                for column in _gone(lake, lake.datasets[name], one, since)
                if column not in retyped
            ]
        for name in set_aside:
            for reason, rows in _reasons(lake, name, since).most_common():
                found.append(Change(name, "set_aside", reason, rows))
        return found


def _keys(extra: pa.ChunkedArray) -> Iterator[str]:
    for text in extra.drop_null().to_pylist():
        yield from json.loads(text)


def _gone(lake: Lake, dataset: Dataset, seen: _Seen, since: datetime) -> list[str]:
    """The columns that no row had, though nearly all stored before did."""
    if seen.rows < ENOUGH_ROWS:
        return []
    empty = [
        column.name
        for column in dataset.columns
        if column.name not in _OURS and not seen.filled[column.name]
    ]
    before = [f for f in lake.snapshot(dataset.name).files if _is_older(f, since)]
    before = sorted(before, key=lambda f: f.rows)[-_SAMPLE_FILES:] if empty else []
    rows = 0
    filled: Counter[str] = Counter()
    for file in before:
        with pq.ParquetFile(lake.path_of(dataset.name, file.name)) as parquet:
            there = [name for name in empty if name in parquet.schema_arrow.names]
            for batch in parquet.iter_batches(_SAMPLE_ROWS, columns=there):
                rows += batch.num_rows
                for name in there:
                    filled[name] += batch.num_rows - batch[name].null_count
                break
    if rows < ENOUGH_ROWS:
        return []
    return [name for name in empty if filled[name] >= NEARLY_ALL * rows]


def _is_older(file: LiveFile, since: datetime) -> bool:
    latest: Any = file.greatest.get("fetched_at")
    return isinstance(latest, datetime) and latest < since


def _reasons(lake: Lake, dataset: str, since: datetime) -> Counter[str]:
    """Why rows were set aside since then, and how many for each reason."""
    reasons: Counter[str] = Counter()
    for row in quarantine.rows(lake.storage, dataset, since=since.timestamp()):
        reasons[kind_of(row)] += 1
    return reasons


def kind_of(row: Mapping[str, Any]) -> str:
    """The reason without the value, so that many rows have one."""
    reason = str(row.get("reason", ""))
    name, says, _ = reason.partition(" is ")
    if says and " no " in reason:
        return f"{name} is no {reason.rpartition(' no ')[2]}"
    name, says, rest = reason.partition(": ")
    return f"{name}: {rest.partition(',')[0]}" if says else reason
