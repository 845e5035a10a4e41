"""Gamma's several ways to write a time."""

from __future__ import annotations

from datetime import UTC, datetime


def unix_seconds(text: str | None) -> int | None:
    """Return the second that `text` names, or null when it is not a time.

    `2026-07-24T00:00:00.5Z`, `2026-07-24 00:00:16+00` and `2026-07-24` are all in use;
    what names no zone is UTC.
    """
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        return int(time.timestamp() // 1)
    except (ValueError, OverflowError):
        return None


def gamma_time(seconds: float) -> str:
    """Return the time as Gamma's date filters take it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
