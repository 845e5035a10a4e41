"""Batches that wait to be landed together, and what each of them must be."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from lake.batch import Batch, CursorChange, Progress
from lake.dataset import Dataset

LAST_SECOND = 253_402_300_799  # of the year 9999


@dataclass
class Buffer:
    """Batches that wait to be landed together, in the order they were put."""

    rows: dict[str, list[pa.Table]] = field(default_factory=dict)
    progress: dict[str, list[Progress]] = field(default_factory=dict)
    changes: list[CursorChange] = field(default_factory=list)
    bytes: int = 0
    batches: int = 0
    since: float = 0.0

    def add(self, batch: Batch) -> None:
        for name, rows in batch.rows.items():
            self.rows.setdefault(name, []).append(rows)
            self.bytes += rows.nbytes
        for record in batch.progress:
            self.progress.setdefault(record.dataset, []).append(record)
        self.changes.append(batch.cursor)
        self.batches += 1


def check(dataset: Dataset, rows: pa.Table, batch: Batch) -> None:
    """Raise ValueError where rows would make a later fold fail."""
    if not rows.schema.equals(dataset.schema):
        raise ValueError(
            f"rows for {dataset.name} have another schema:\n{rows.schema}\n"
            f"instead of\n{dataset.schema}"
        )
    chain = dataset.chain
    required = [dataset.day_of, *((chain.group, "walk_id") if chain else ())]
    for name in required:
        if rows[name].null_count:
            raise ValueError(f"rows for {dataset.name} without {name}")
    if chain and rows.num_rows:
        walks = {p.walk_id for p in batch.progress if p.dataset == dataset.name}
        spoken = set(pc.unique(rows["walk_id"]).to_pylist())
        if not spoken <= walks:
            raise ValueError(
                f"rows for {dataset.name} of {sorted(spoken - walks)} without progress"
            )
    if rows.num_rows and pa.types.is_integer(rows.schema.field(dataset.day_of).type):
        bounds = pc.min_max(rows[dataset.day_of]).as_py()
        if bounds["min"] < 0 or bounds["max"] > LAST_SECOND:
            raise ValueError(f"rows for {dataset.name} with {dataset.day_of} {bounds}")
