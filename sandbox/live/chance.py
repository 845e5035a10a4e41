"""Chance without memory: numbers that depend on their arguments alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MASK = (1 << 64) - 1
ONE, TWO = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
STEP = 0x9E3779B97F4A7C15
U8 = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]


def mixed(*parts: int) -> int:
    """64 bits that depend on every part and their order."""
    x = 0
    for part in parts:
        x = (x ^ (part & MASK)) + STEP & MASK
        x = (x ^ x >> 30) * ONE & MASK
        x = (x ^ x >> 27) * TWO & MASK
        x ^= x >> 31
    return x


def roll(*parts: int) -> float:
    """At least 0 and less than 1."""
    return (mixed(*parts) >> 11) / (1 << 53)


def rolls(*parts: int | U8) -> Floats:
    """`roll` for every element; at least one part is an array."""
    x: U8 = np.zeros(1, dtype=np.uint64)
    for part in parts:
        other = np.uint64(part & MASK) if isinstance(part, int) else part
        x = (x ^ other) + np.uint64(STEP)
        x = (x ^ x >> np.uint64(30)) * np.uint64(ONE)
        x = (x ^ x >> np.uint64(27)) * np.uint64(TWO)
        x = x ^ x >> np.uint64(31)
    result: Floats = (x >> np.uint64(11)) / float(1 << 53)
    return result
