"""What can go wrong with a service, by what comes next."""

from __future__ import annotations

from settings.errors import PolylakeError


class FetchError(PolylakeError):
    """One request or job failed; the run reports it and goes on with the others."""


class Retryable(FetchError):
    """It may work later: every attempt was used up, the next run tries again."""


class HostUnreachable(Retryable):
    """The host cannot be talked to at all: the run stops instead of trying each job."""

    def __init__(self, message: str, *, host: str) -> None:
        super().__init__(message)
        self.host = host


class Refused(FetchError):
    """The service says that the request is wrong (a 4xx); it is not asked again.

    `code` is the service's own word for it (`invalid_request`), if it gave one.
    """

    def __init__(
        self, message: str, *, status: int, code: str | None = None, body: bytes = b""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.body = body


class Gone(Refused):
    """404 or 410: the service does not have it, or not any more."""


class UnexpectedPayload(FetchError):
    """The answer is not what our code understands: the code needs a change."""


class Stopped(Exception):
    """The run is stopping: leave the job as it is, what is saved stays saved."""
