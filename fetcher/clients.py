"""The clients of the services: one connection pool and one limiter each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fetcher.connection import Connections
from fetcher.http import Api, host_of
from fetcher.limits import Limiter, Use
from fetcher.progress import Allowance
from settings.model import Settings

MEGABYTE = 1_000_000
SETTINGS = {"coinbase": "apis.coinbase_rest.base_url"}


@dataclass(frozen=True)
class Clients:
    """What a run talks to."""

    gamma: Api
    data: Api
    clob: Api
    coinbase: Api
    limiters: dict[str, Limiter]

    def use(self) -> dict[str, Use]:
        """Return what each limit group has seen."""
        return {
            group: use
            for limiter in self.limiters.values()
            for group, use in limiter.use().items()
        }

    def allowance(self, group: str) -> Allowance:
        """Return how fast the limit group may go, and how far it is."""
        limiter = self.limiters[group.split("_", 1)[0]]
        return Allowance(
            limiter.allowed_per_second(group), lambda: limiter.requests(group)
        )


@contextmanager
def opened(
    settings: Settings,
    *,
    shards: int,
    on_request: Callable[[bool], None],
    sleep: Callable[[float], None],
) -> Iterator[Clients]:
    """Give the clients; nothing is asked, and no file opened, before the first call."""
    limiters: dict[str, Limiter] = {}

    def api(name: str, base_url: str) -> Api:
        limiters[name] = Limiter(
            host_of(base_url),
            {k: n for k, n in settings.limits.items() if k.startswith(f"{name}_")},
            settings.paths.runtime,
            shards=shards,
            sleep=sleep,
        )
        connections = Connections(
            base_url,
            connect_timeout=settings.http.connect_timeout_seconds,
            read_timeout=settings.http.read_timeout_seconds,
            max_bytes=settings.http.max_response_mb * MEGABYTE,
            user_agent=settings.http.user_agent,
        )
        return Api(
            base_url,
            connections,
            limiters[name],
            max_attempts=settings.http.max_attempts,
            setting=SETTINGS.get(name, f"apis.{name}.base_url"),
            on_request=on_request,
            sleep=sleep,
        )

    clients = Clients(
        gamma=api("gamma", settings.apis.gamma.base_url),
        data=api("data", settings.apis.data.base_url),
        clob=api("clob", settings.apis.clob.base_url),
        coinbase=api("coinbase", settings.apis.coinbase_rest.base_url),
        limiters=limiters,
    )
    try:
        yield clients
    finally:
        for client in (clients.gamma, clients.data, clients.clob, clients.coinbase):
            client.close()
        for limiter in limiters.values():
            limiter.close()
