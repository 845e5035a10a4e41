"""Rows that fit no schema: set aside with the reason and the raw text, never lost.

`data/_quarantine/<dataset>/<name>.jsonl`, one JSON object a line. The name is
that of the page, so a page that is fetched again after a crash replaces its own file.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lake.storage import LocalStorage

FOLDER = "_quarantine"


@dataclass(frozen=True)
class Misfit:
    """One row as it came, and why it was not taken."""

    reason: str
    raw: str
    row_no: int


def set_aside(
    storage: LocalStorage,
    dataset: str,
    misfits: Sequence[Misfit],
    *,
    walk_id: str,
    page_no: int,
    request: str,
    fetched_at: datetime,
) -> str:
    """Make the rows durable, and return the name of their file."""
    name = f"{FOLDER}/{dataset}/{walk_id}-{page_no:06d}.jsonl"
    lines = (
        json.dumps(
            {
                "reason": misfit.reason,
                "raw": misfit.raw,
                "walk_id": walk_id,
                "page_no": page_no,
                "row_no": misfit.row_no,
                "request": request,
                "fetched_at": fetched_at.isoformat(),
            }
        )
        for misfit in misfits
    )
    storage.write(name, ("\n".join(lines) + "\n").encode())
    return name


def count(storage: LocalStorage, dataset: str) -> int:
    """How many rows of the dataset are set aside."""
    return sum(
        storage.read(name).count(b"\n")
        for name in storage.files(f"{FOLDER}/{dataset}")
        if name.endswith(".jsonl")
    )


def rows(
    storage: LocalStorage, dataset: str, *, since: float = 0.0
) -> Iterator[dict[str, Any]]:
    """Yield what is set aside of the dataset, of files written at `since` or later.

    Each with the `file` that it is in.
    """
    for name in storage.files(f"{FOLDER}/{dataset}"):
        if not name.endswith(".jsonl") or storage.modified_at(name) < since:
            continue
        for line in storage.read(name).splitlines():
            yield {**json.loads(line), "file": name}


def take_out(storage: LocalStorage, name: str, row_nos: Container[int]) -> None:
    """Remove these rows of a page from its file, durably; an empty file goes."""
    if not storage.exists(name):
        return
    lines = storage.read(name).splitlines(keepends=True)
    left = [line for line in lines if json.loads(line)["row_no"] not in row_nos]
    if left:
        storage.write(name, b"".join(left))
    else:
        storage.remove([name])
        storage.sync_folder(name.rpartition("/")[0])
