"""How sizes are said to people, and which name they may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def size_text(megabytes: float) -> str:
    """A size in the unit that fits it."""
    if megabytes < 1:
        return f"{megabytes * 1000:,.0f} kB"
    if megabytes < 1000:
        return f"{megabytes:,.0f} MB" if megabytes >= 10 else f"{megabytes:.1f} MB"
    return f"{megabytes / 1000:,.1f} GB"


def meant(name: str, known: Iterable[str]) -> str:
    """A question that names the known one most like it; empty where none is."""
    near = get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""
