"""Remove data files that are not live: replaced ones, and what a dead run left."""

from __future__ import annotations

from lake.delta_log import DeltaLog
from lake.storage import LocalStorage


def remove_leftovers(
    storage: LocalStorage, log: DeltaLog, dataset: str, *, before: float
) -> int:
    """Remove files in `dt=` that the log does not hold; return how many.

    Files that were replaced at `before` (unix seconds) or later stay, since a reader
    may have been given their names. The caller holds the dataset's fold lock: between
    a rename into `dt=` and its commit, a file looks just like a leftover.
    """
    lying = [
        name
        for folder in storage.folders(dataset)
        if folder.rpartition("/")[2].startswith("dt=")
        for name in [*storage.files(folder), *storage.unfinished(folder)]
    ]
    live = {f"{dataset}/{file.name}" for file in log.snapshot().files}
    spare = [name for name in lying if name not in live]
    if not spare:
        return 0
    read_still = {f"{dataset}/{name}" for name in log.removed_since(before)}
    spare = [name for name in spare if name not in read_still]
    storage.remove(spare)
    for folder in {name.rpartition("/")[0] for name in spare}:
        storage.remove_folder(folder)
    return len(spare)
