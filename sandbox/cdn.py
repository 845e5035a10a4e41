"""The cache in front of the services: the same URL, the same answer, for a while."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from sandbox.web import Reply

MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Cached:
    """An answer, when it was made, and its trace id."""

    reply: Reply
    at: int
    trace: str


class Cdn:
    """Answers by URL, kept for their route's time to live on the simulated clock."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Cached] = OrderedDict()
        self._bytes = 0

    def get(self, url: str, now: int, ttl: int) -> Cached | None:
        """The answer if it is still fresh enough."""
        cached = self._kept.get(url)
        if cached is None or now - cached.at >= ttl:
            return None
        return cached

    def stale(self, url: str) -> Cached | None:
        """The answer however old it is."""
        return self._kept.get(url)

    def put(self, url: str, cached: Cached) -> None:
        """Keep an answer; the oldest ones go when there are too many bytes."""
        before = self._kept.pop(url, None)
        self._bytes += len(cached.reply.body) - (
            len(before.reply.body) if before else 0
        )
        self._kept[url] = cached
        while self._bytes > MOST_BYTES:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.reply.body)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._bytes = 0
