"""What a service answered, and whether its body is what was asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fetcher.errors import UnexpectedPayload

SMALL_BODY = 4096  # a body that says only that something went wrong is shorter
EXCERPT = 200
THROTTLED = ("too many", "rate limit", "rate_limit")


@dataclass(frozen=True)
class Answer:
    """One good answer: a 2xx whose body is JSON.

    `request` is path and query as sent, without the host and without secrets; of a
    POST its body follows. `age`
    says how long the answer lay in a cache. `fetched_at` is UTC by our clock,
    `served_at` by the service's (its Date).
    """

    body: bytes
    status: int
    age_seconds: int | None
    trace_id: str | None
    request: str
    fetched_at: datetime
    attempts: int
    served_at: datetime | None = None
    parsed: Any = field(default=None, repr=False, compare=False)

    def json(self) -> Any:
        """Return the body as JSON."""
        return parse_json(self.body) if self.parsed is None else self.parsed


def unexpected(answer: Answer, problem: str) -> UnexpectedPayload:
    """Return the error of an answer that is not what we understand.

    It says what was asked, what came, and what to do now.
    """
    return UnexpectedPayload(
        f"GET {answer.request} {problem}. It answered: {excerpt(answer.body)}. The "
        "next run asks again; if it stays so, the service has changed and polylake "
        "needs an update."
    )


def excerpt(body: bytes) -> str:
    """Return the beginning of a body on one line."""
    text = " ".join(body[: 4 * EXCERPT].decode("utf-8", "replace").split())
    return text if len(text) <= EXCERPT else text[:EXCERPT] + "..."


def parse_json(body: bytes) -> Any:
    """Return the JSON value in `body`."""
    try:
        return json.loads(body)
    except ValueError as error:  # also text that is not UTF-8
        raise UnexpectedPayload(f"the body is no JSON ({error})") from error
    except RecursionError as error:
        raise UnexpectedPayload("the body is JSON nested too deeply") from error


def looks_like_json(body: bytes) -> bool:
    """Whether `body` begins and ends as a JSON value; cheap for large ones."""
    text = body.strip() if len(body) <= SMALL_BODY else body[:64].lstrip()
    end = body[-64:].rstrip()
    if text[:1] in (b"{", b"["):
        return end[-1:] == (b"}" if text[:1] == b"{" else b"]")
    return len(body) <= SMALL_BODY and text[:1] not in (b"", b"<")


def error_of(body: bytes) -> tuple[str, str | None] | None:
    """Return text and code of a body that reports an error, else null."""
    if len(body) > SMALL_BODY or b'"error"' not in body:
        return None
    try:
        value = json.loads(body)
    except ValueError:
        return None
    if not isinstance(value, dict) or not value.get("error") or "data" in value:
        return None
    code = value.get("code")
    return str(value["error"]), code if isinstance(code, str) else None


def says_too_many(text: str) -> bool:
    """Whether the text of an error says that we ask too often."""
    return any(word in text.lower() for word in THROTTLED)
