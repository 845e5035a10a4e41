"""Keep keys and passwords out of messages, logs and the lake; and messages short."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"(?i)([?&](?:api_?key|key|secret|password|signature|access_token)=)[^&]*"
)

_LONG = re.compile(r"=([^&]{80})[^&]{20,}")


def without_secrets(target: str) -> str:
    """Return a path and query with the values of secret parameters left out."""
    return _SECRET.sub(r"\1...", target)


def shortened(target: str) -> str:
    """Return a path and query for people: cursors and lists of ids are cut."""
    return _LONG.sub(r"=\1...", target)
