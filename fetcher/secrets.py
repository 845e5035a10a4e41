"""Keep keys and passwords out of messages, logs and the lake."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"(?i)([?&](?:api_?key|key|secret|password|signature|access_token)=)[^&]*"
)


def without_secrets(target: str) -> str:
    """Return a path and query with the values of secret parameters left out."""
    return _SECRET.sub(r"\1...", target)
