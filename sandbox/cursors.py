"""Opaque signed cursors: nothing but the server can make or read one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any


class BadCursor(Exception):
    """A cursor that this server did not sign, or not for this route."""


class Signer:
    """Signs small JSON values for a route; `rotate` makes all earlier ones invalid."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._turn = 0
        self._key = self._make()

    def _make(self) -> bytes:
        return hashlib.sha256(f"cursor {self._seed} {self._turn}".encode()).digest()

    def rotate(self) -> None:
        """Refuse every cursor handed out so far."""
        self._turn += 1
        self._key = self._make()

    def sign(self, route: str, params: dict[str, Any]) -> str:
        """The cursor of `route` that holds `params`."""
        data = json.dumps({"e": route, "p": params}, separators=(",", ":"))
        mark = hmac.new(self._key, data.encode(), "sha256").hexdigest()[:32]
        token = json.dumps({"data": data, "sig": mark}, separators=(",", ":"))
        return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")

    def read(self, route: str, cursor: str) -> dict[str, Any]:
        """What `sign` put in; BadCursor when it is foreign or altered."""
        try:
            token = json.loads(
                base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            )
            data, mark = token["data"], token["sig"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadCursor(cursor) from error
        good = hmac.new(self._key, str(data).encode(), "sha256").hexdigest()[:32]
        if not hmac.compare_digest(good, str(mark)):
            raise BadCursor(cursor)
        value = json.loads(data)
        if value["e"] != route:
            raise BadCursor(cursor)
        params: dict[str, Any] = value["p"]
        return params
