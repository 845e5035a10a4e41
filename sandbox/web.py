"""Requests and answers as values: what handlers take, give and raise."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.world import World

Json = Any


@dataclass(frozen=True)
class Ask:
    """One request: path without query, parameters in order, body."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    match: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def every(self, *names: str) -> list[str]:
        """All values of a parameter, under any of its names."""
        return [value for name, value in self.params if name in names]

    def one(self, *names: str) -> str | None:
        """The first value of a parameter, None when it is missing or empty."""
        for value in self.every(*names):
            if value != "":
                return value
        return None

    def csv(self, *names: str) -> list[str]:
        """The values of a parameter that takes a comma-separated list."""
        parts = [part for value in self.every(*names) for part in value.split(",")]
        return [part.strip() for part in parts if part.strip()]

    def flag(self, *names: str) -> bool | None:
        """A boolean parameter; None when missing or neither true nor false."""
        value = (self.one(*names) or "").lower()
        return {"true": True, "1": True, "false": False, "0": False}.get(value)

    def json(self) -> Json:
        """The body as JSON; ValueError when it is none."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """One answer, before faults and transport have their way with it."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json; charset=utf-8"


class Problem(Exception):
    """An answer that is an error, raised from wherever it is noticed."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body.decode())
        self.reply = reply


Handler = Callable[["World", Ask], Reply]


@dataclass(frozen=True)
class Route:
    """A path of a service, who answers it, and how long a CDN keeps the answer."""

    method: str
    path: str
    handler: Handler
    ttl: int = 0
    groups: tuple[str, ...] = ()


def dumps(value: Json) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def reply(value: Json, status: int = 200, *headers: tuple[str, str]) -> Reply:
    """An answer with a JSON body."""
    return Reply(dumps(value), status, headers)


def gamma_problem(
    text: str, status: int = 422, kind: str = "validation error"
) -> Problem:
    """An error in the form of Gamma."""
    return Problem(reply({"type": kind, "error": text}, status))


def plain_problem(text: str, status: int = 400) -> Problem:
    """An error in the form of the CLOB and of Data v1."""
    return Problem(reply({"error": text}, status))


CODES = {
    400: "invalid_request", 401: "unauthorized", 404: "not_found",
    405: "method_not_allowed", 410: "not_found", 429: "rate_limited", 500: "internal",
    503: "request_timeout",
}  # fmt: skip


def v2_problem(text: str, parameter: str | None = None, status: int = 400) -> Problem:
    """An error in the form of Data v2; the server adds the trace id."""
    body = {
        "error": text,
        "code": CODES[status],
        "retryable": status in (429, 500, 503),
        "trace_id": TRACE,
    }
    if parameter is not None:
        body["parameter"] = parameter
    return Problem(reply(body, status))


TRACE = "@trace@"  # replaced by the trace id of the answer
