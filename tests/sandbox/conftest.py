"""Running sandboxes, and a client that asks them as plainly as curl."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.testing import Box, sandbox_server


class Asker:
    """Asks one sandbox; every answer is checked by the test, not here."""

    def __init__(self, box: Box) -> None:
        self.box = box

    def get(self, path: str, **params: Any) -> requests.Response:
        return requests.get(self.box.url(path), params=params, timeout=10)

    def json(self, path: str, **params: Any) -> Any:
        return self.get(path, **params).json()

    def post(self, path: str, body: Any) -> requests.Response:
        return requests.post(self.box.url(path), json=body, timeout=10)

    def trades(self, **params: Any) -> list[dict[str, Any]]:
        """All rows of a v2 walk, both sides unless told otherwise."""
        params = {"taker_only": "false", "limit": 1000, **params}
        rows: list[dict[str, Any]] = []
        while True:
            page = self.json("/data/v2/trades", **params)
            rows += page["data"]
            params["cursor"] = page["pagination"]["next_cursor"]
            if params["cursor"] is None:
                return rows

    def markets(self, **params: Any) -> list[dict[str, Any]]:
        """All rows of a keyset walk of Gamma."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self.json("/gamma/markets/keyset", **params)
            rows += page["markets"]
            if "next_cursor" not in page:
                return rows
            params["after_cursor"] = page["next_cursor"]


@pytest.fixture(scope="module")
def prompt() -> Iterator[Asker]:
    """A small one whose index never lags, so that its books are those of truth."""
    with sandbox_server(size="small", seed=1, lag_seconds=0) as box:
        yield Asker(box)


@pytest.fixture(scope="module")
def tiny() -> Iterator[Asker]:
    """A sandbox at rest, shared by the tests of a module: do not move it."""
    with sandbox_server(size="tiny", seed=1) as box:
        yield Asker(box)


@pytest.fixture(scope="module")
def small() -> Iterator[Asker]:
    """A larger one, likewise."""
    with sandbox_server(size="small", seed=1) as box:
        yield Asker(box)


@pytest.fixture
def start() -> Iterator[Any]:
    """Start sandboxes of one's own, with options; they stop with the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def begin(**options: Any) -> Asker:
            return Asker(stack.enter_context(sandbox_server(**options)))

        yield begin


IDENTITY = (
    "transaction_hash", "proxy_wallet", "condition_id", "token_id", "side", "timestamp",
    "size", "price",
)  # fmt: skip


@pytest.fixture(scope="session")
def identities() -> Any:
    """Rows, of JSON or of a frame, as a multiset of what never changes."""
    from collections import Counter

    def count(rows: Any) -> Counter[Any]:
        rows = rows if isinstance(rows, list) else rows.to_dicts()
        return Counter(tuple(row[key] for key in IDENTITY) for row in rows)

    return count
