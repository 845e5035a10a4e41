"""Numbers in what services answer: JSON as Python reads it has NaN and infinity."""

from __future__ import annotations

import sys
from typing import Any


def finite(value: Any) -> float | None:
    """Return the number that `value` is; null where it is none, or no finite one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= sys.float_info.max else None
