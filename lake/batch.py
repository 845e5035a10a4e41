"""What a fetcher hands to the lake: rows, what they cover, and the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

Json = Any

EVERYTHING = ("*",)


@dataclass(frozen=True)
class Progress:
    """How far a chain has come once the batch that carries this is durable.

    `scope` names the groups (condition ids) the chain speaks for, `EVERYTHING` for the
    feed, and is empty for a chain that is only a lower bound (one user's rows, v1
    pages). The chain runs from the newest event to the oldest: `top` is the newest
    second it can speak for (rows above it may still be missing), `reached` the second
    of its oldest row so far, of which more rows may follow; both are null while
    unknown. `ended` is set with the last batch of a chain, however it ended;
    `complete_to` is then the oldest second that the chain covers as a whole (0: it
    came to the end of the market's history; null: nothing below `reached` + 1).
    """

    dataset: str
    walk_id: str
    scope: tuple[str, ...]
    top: int | None
    reached: int | None
    ended: bool = False
    complete_to: int | None = None


@dataclass(frozen=True)
class CursorChange:
    """What the cursor file says once the batch is durable.

    `walks` maps a walk_id to the state from which it resumes, or to null when the walk
    is over. `values` replaces whole values of other keys (null removes one).
    """

    walks: Mapping[str, Json | None] = field(default_factory=dict)
    values: Mapping[str, Json | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Rows that become durable together, and the cursor that may move after them.

    `rows` maps a dataset's name to an Arrow table of exactly that dataset's schema.
    """

    rows: Mapping[str, pa.Table]
    progress: tuple[Progress, ...] = ()
    cursor: CursorChange = CursorChange()
