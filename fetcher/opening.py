"""The lake as the settings say that it is kept, opened to write."""

from __future__ import annotations

from pathlib import Path

from bronze import DATASETS
from lake.lake import Lake
from settings.model import Lake as Care


def lake_to_write(root: Path, care: Care) -> Lake:
    """Open the lake below `root`; StorageError where nothing can be written."""
    return Lake.open(
        root,
        DATASETS,
        grace_seconds=60 * care.grace_minutes,
        log_seconds=86_400 * care.log_days,
    )
