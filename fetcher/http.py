"""Ask a service by HTTP: pooled connections, limits, bounded retries, clear errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from fetcher.answer import (
    Answer,
    error_of,
    excerpt,
    looks_like_json,
    parse_json,
    says_too_many,
)
from fetcher.connection import (
    MOST_REDIRECTS,
    Connections,
    Raw,
    Unconnected,
    Unread,
    Unusable,
    redirected,
)
from fetcher.errors import (
    FetchError,
    Gone,
    HostUnreachable,
    Refused,
    Retryable,
    UnexpectedPayload,
)
from fetcher.limits import Limiter
from fetcher.retry import Backoff, retry_after_seconds
from fetcher.secrets import shortened, without_secrets

log = logging.getLogger(__name__)

T = TypeVar("T")
Params = Sequence[tuple[str, str]]

# A host that never gave a usable answer is given up after this long, so that a wrong
# address or a missing network is known soon and once; each attempt then gets a part.
FIRST_ANSWER_SECONDS = 18.0
FIRST_ATTEMPT_SECONDS = 8.0


class Again(Exception):
    """This attempt failed, and another may not."""

    def __init__(
        self,
        error: FetchError,
        *,
        slow_down: float | None = None,
        retry_after: float | None = None,
        wrong_host: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.slow_down = slow_down
        self.retry_after = retry_after
        self.wrong_host = wrong_host


class Api:
    """One service at one base URL; thread safe.

    A request that fails in a way that may pass (429, 5xx, timeouts, broken
    connections and bodies, an error in a 200) is asked again, `max_attempts` times in
    all; any other 4xx is Refused at once. A host that cannot be reached is
    HostUnreachable, from then on at once.
    """

    def __init__(
        self,
        base_url: str,
        connections: Connections,
        limiter: Limiter,
        *,
        max_attempts: int,
        setting: str = "base_url",
        backoff: Backoff | None = None,
        on_request: Callable[[bool], None] = lambda again: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._base = base_url.rstrip("/")
        self._host = host_of(base_url)
        self._shown = self._host + urlsplit(self._base).path
        self._advice = f"Check the network, and {setting} in the configuration."
        self._connections = connections
        self._limiter = limiter
        self._max_attempts = max_attempts
        self._backoff = backoff or Backoff()
        self._on_request = on_request
        self._clock = clock
        self._sleep = sleep
        self._now = now
        self._has_answered = False
        self._unreachable: HostUnreachable | None = None
        self._unreachable_at = 0.0
        # How long a host that could not be reached is not asked again. A run ends and
        # the next one tries; what never ends sets it to less than for ever.
        self.unreachable_seconds = float("inf")

    def get(self, path: str, params: Params = (), *, groups: tuple[str, ...]) -> Answer:
        """Return the answer to a GET, its body checked to be JSON."""
        answer, value = self.load(path, params, parse_json, groups=groups)
        return replace(answer, parsed=value)

    def load(
        self,
        path: str,
        params: Params,
        parse: Callable[[bytes], T],
        *,
        groups: tuple[str, ...],
        body: bytes | None = None,
    ) -> tuple[Answer, T]:
        """Return the answer to a GET and what `parse` makes of its body.

        With a JSON `body` it is a POST: a question that is too long for a URL, to be
        repeated like a GET.

        A body that `parse` cannot read (ValueError or UnexpectedPayload) is asked for
        again: it may have been cut or mixed up on the way.
        """
        target = path + ("?" + urlencode(params) if params else "")
        began = self._clock()
        attempt = 0
        while True:
            if self._unreachable is not None:
                if self._clock() - self._unreachable_at < self.unreachable_seconds:
                    raise self._unreachable
                self._unreachable = None
            attempt += 1
            self._limiter.acquire(groups, again=attempt > 1)
            self._on_request(attempt > 1)
            try:
                answer, value = self._ask(target, body, parse, attempt, groups)
            except Again as again:
                self._wait(again, attempt, self._clock() - began, groups)
            else:
                self._has_answered = True
                return answer, value

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _ask(
        self,
        target: str,
        body: bytes | None,
        parse: Callable[[bytes], T],
        attempt: int,
        groups: tuple[str, ...],
    ) -> tuple[Answer, T]:
        method = "GET" if body is None else "POST"
        shown = f"{method} {self._shown}{shortened(without_secrets(target))}"
        began = self._clock()
        try:
            patience = float("inf") if self._has_answered else FIRST_ATTEMPT_SECONDS
            raw = self._followed(self._base + target, body, patience, groups)
        except Unconnected as error:
            unreachable = HostUnreachable(
                f"{self._host} cannot be reached: {error}. {self._advice}",
                host=self._host,
            )
            if error.is_final:
                raise self._give_up(unreachable) from error
            raise Again(unreachable, wrong_host=True) from error
        except Unread as error:
            slow = 0.8 if error.is_timeout else None
            raise Again(
                Retryable(f"{shown}: {error}"), slow_down=slow, wrong_host=True
            ) from error
        except Unusable as error:
            raise UnexpectedPayload(f"{shown}: {error}.") from error
        self._check_status(raw, shown)
        value = self._parsed(raw, parse, shown)
        self._limiter.recovered(groups, self._clock() - began)
        answer = Answer(
            body=raw.body,
            status=raw.status,
            age_seconds=_whole_seconds(raw.headers.get("Age")),
            trace_id=raw.headers.get("x-trace-id"),
            request=without_secrets(target) + (f" {body.decode()}" if body else ""),
            fetched_at=self._now(),
            attempts=attempt,
            served_at=_time(raw.headers.get("Date")),
        )
        return answer, value

    def _followed(
        self,
        url: str,
        body: bytes | None,
        patience: float,
        groups: tuple[str, ...],
    ) -> Raw:
        """Ask, and go where the service sends us; each step is a request."""
        for _ in range(MOST_REDIRECTS + 1):
            raw = self._connections.ask(url, body=body, at_most_seconds=patience)
            target = redirected(url, raw)
            if target is None:
                return raw
            url = target
            self._limiter.acquire(groups)
        raise Unusable(f"it redirects more than {MOST_REDIRECTS} times")

    def _check_status(self, raw: Raw, shown: str) -> None:
        if 200 <= raw.status < 300:
            return
        text = f"{shown} answered {raw.status}: {excerpt(raw.body)}"
        if raw.status == 429 or raw.status >= 500:
            after = retry_after_seconds(raw.headers.get("Retry-After"), now=self._now())
            raise Again(
                Retryable(text),
                slow_down={429: 0.5, 503: 0.8}.get(raw.status),
                retry_after=after,
                wrong_host=raw.status >= 500 and not looks_like_json(raw.body),
            )
        found = error_of(raw.body)
        self._has_answered |= looks_like_json(raw.body)
        kind = Gone if raw.status in (404, 410) else Refused
        raise kind(
            text, status=raw.status, code=found[1] if found else None, body=raw.body
        )

    def _parsed(self, raw: Raw, parse: Callable[[bytes], T], shown: str) -> T:
        reported = error_of(raw.body)
        if reported is not None:
            text = f"{shown} answered {raw.status} with the error {reported[0]!r}"
            slow = 0.5 if says_too_many(f"{reported[0]} {reported[1]}") else None
            raise Again(Retryable(text), slow_down=slow)
        try:
            return parse(raw.body)
        except (ValueError, UnexpectedPayload) as error:
            text = f"{shown} answered {raw.status}, but {error}: {excerpt(raw.body)}"
            raise Again(
                UnexpectedPayload(text), wrong_host=not looks_like_json(raw.body)
            ) from error

    def _wait(
        self, again: Again, attempt: int, spent: float, groups: tuple[str, ...]
    ) -> None:
        """Wait before the next attempt, or raise when there is none."""
        if again.slow_down is not None or again.retry_after is not None:
            self._limiter.throttled(
                groups, retry_after=again.retry_after, by=again.slow_down or 1.0
            )
        lost = again.wrong_host and not self._has_answered
        seconds = max(self._backoff.seconds(attempt), again.retry_after or 0.0)
        out_of_time = lost and spent + seconds >= FIRST_ANSWER_SECONDS
        if attempt >= self._max_attempts or out_of_time:
            if isinstance(again.error, HostUnreachable):
                raise self._give_up(again.error)
            if lost:
                raise self._give_up(
                    HostUnreachable(
                        f"{self._host} is not the service: {again}. {self._advice}",
                        host=self._host,
                    )
                )
            raise type(again.error)(
                f"{again.error} (the last of {attempt} attempts)"
            ) from again
        log.debug("attempt %d failed, waiting %.1f s: %s", attempt, seconds, again)
        self._sleep(seconds)

    def _give_up(self, error: HostUnreachable) -> HostUnreachable:
        self._unreachable, self._unreachable_at = error, self._clock()
        return error


def host_of(base_url: str) -> str:
    """Return host and port of a URL, without a user or password in it."""
    parts = urlsplit(base_url)
    port = parts.port or (443 if parts.scheme in ("https", "wss") else 80)
    return f"{parts.hostname}:{port}"


def _time(header: Any) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except (TypeError, ValueError):
        return None


def _whole_seconds(header: Any) -> int | None:
    return int(header) if isinstance(header, str) and header.isdigit() else None
