"""Names of walks: sortable by time, and telling what the walk may speak for."""

from __future__ import annotations

import secrets
import time
from typing import Literal

Strategy = Literal[
    "feed",
    "market",
    "user",
    "activity",
    "legacy",
    "listing",
    "totals",
    "prices",
    "reading",
    "stretch",
]

_LETTERS: dict[Strategy, str] = {
    "feed": "f",
    "market": "m",
    "user": "u",
    "activity": "a",
    "legacy": "v",
    "listing": "l",
    "totals": "t",
    "prices": "p",
    "reading": "r",
    "stretch": "s",
}


def new_walk_id(strategy: Strategy, *, now: float | None = None) -> str:
    """Return an id like `m0199f3c2a41b7e05c1`: strategy, milliseconds, chance."""
    milliseconds = int((time.time() if now is None else now) * 1000)
    return f"{_LETTERS[strategy]}{milliseconds:011x}{secrets.token_hex(4)}"


# What SQLite's `glob` tells the walks of wallets by.
OF_WALLETS = f"{_LETTERS['user']}*"


def began_at(walk_id: str) -> float:
    """Return when the walk began, in unix seconds; ValueError for no id of ours."""
    return int(walk_id[1:12], 16) / 1000


def speaks_for_whole_seconds(walk_id: str) -> bool:
    """Whether the walk saw all rows of its subjects, so that a missing row says much.

    A user's walk of trades sees one side of a match, and pages of Data API v1 overlap:
    what they lack proves nothing, so they are lower bounds only.
    """
    return walk_id[:1] in {"f", "m", "a"}
