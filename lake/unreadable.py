"""What is said where a data file cannot be read, instead of what its reader says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa

from settings.errors import PolylakeError


class DamagedFile(PolylakeError):
    """A data file is missing or damaged."""


def is_damage(error: BaseException) -> bool:
    """Whether a reader of data files says that one is damaged.

    The system's own errors (no permission, no file descriptor left) say otherwise.
    """
    if isinstance(error, OSError):
        return error.errno is None  # what Parquet's readers raise
    return isinstance(error, pa.ArrowInvalid | pl.exceptions.ComputeError)


def damaged(what: object, error: BaseException) -> DamagedFile:
    """Say which file it is and what to do."""
    lines = str(error).strip().splitlines()
    cause = (lines[0] if lines else type(error).__name__).rstrip(".")
    if isinstance(error, FileNotFoundError):
        cause = "it is in the log, but it is not there"
    return DamagedFile(
        f"{what} cannot be read: {cause}. Run `fetch verify --deep`: it sets aside "
        "what is damaged, and `fetch repair` then brings back what was in it."
    )


@contextmanager
def reading(path: Path, *, may_be_gone: bool = False) -> Iterator[None]:
    """Turn what a reader of the file says about damage into a sentence.

    One that `may_be_gone`, since another process compacts, is the caller's matter.
    """
    try:
        yield
    except FileNotFoundError as error:
        if may_be_gone:
            raise
        raise damaged(path, error) from error
    except Exception as error:
        if is_damage(error):
            raise damaged(path, error) from error
        raise
