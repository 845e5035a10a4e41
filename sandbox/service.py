"""From question to answer, without the network: routes, cache, faults in content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from sandbox import (
    clob_books,
    clob_markets,
    gamma_events,
    gamma_markets,
    history,
    v1_people,
    v1_trades,
    v2_activity,
    v2_boards,
    v2_people,
    v2_resolutions,
    v2_totals,
    v2_trades,
)
from sandbox.cdn import Cached, Cdn
from sandbox.drift import Drift
from sandbox.faults import Faults
from sandbox.limits import Limits
from sandbox.live import coinbase_rest
from sandbox.live.hub import Hub
from sandbox.payloads import Payloads
from sandbox.web import (
    TRACE,
    Ask,
    Problem,
    Reply,
    Route,
    gamma_problem,
    plain_problem,
    v2_problem,
)
from sandbox.world import World

CURSORS = ("cursor", "after_cursor", "next_cursor")
PAGING = (*CURSORS, "limit", "offset", "order", "ascending")
SERVICES = (
    gamma_markets,
    gamma_events,
    clob_markets,
    clob_books,
    history,
    v2_trades,
    v2_totals,
    v2_people,
    v2_boards,
    v2_activity,
    v2_resolutions,
    v1_trades,
    v1_people,
    coinbase_rest,
)


class Service:
    """Everything behind the port: the world, and what stands between it and clients."""

    def __init__(self, world: World) -> None:
        options = world.options
        self.world = world
        self.options = options
        self.cdn = Cdn()
        self.faults = Faults(options.fault_seed, options.faults)
        self.drift = Drift()
        self.limits = Limits(options.limits, options.pace)
        self.live = Hub(world)
        folder = options.payloads
        self.payloads = Payloads(folder, world.signer) if folder else None
        self._asked = 0
        self._last: dict[str, Reply] = {}

    def heal(self) -> None:
        """End all faults and changes of rows, and forget the pages that they kept."""
        self.faults.clear()
        self.drift.clear()
        self._last.clear()

    def routes(self) -> Iterable[Route]:
        """All routes of all services."""
        for module in SERVICES:
            yield from module.ROUTES

    def answer(self, route: Route, ask: Ask, url: str, fault: str | None) -> Reply:
        """The answer with its headers; `fault` is one that shows in the content."""
        self._asked += 1
        digest = hashlib.sha1(f"{self.options.seed} {self._asked}".encode())
        trace = digest.hexdigest()[:32]
        now = self.world.now
        family = f"{route.path}?{ask.one('condition')}&{ask.one('taker_only')}"
        if route.ttl and self.options.cdn:
            old = self.cdn.get(url, now, route.ttl)
            if fault == "stale-page" and not any(ask.one(name) for name in CURSORS):
                old = self.cdn.stale(url)
            if old is not None:
                self._last[family] = old.reply
                return with_headers(old.reply, route, old.trace, now - old.at)
        if fault == "repeated-page" and family in self._last:
            return with_headers(self._last[family], route, trace, None)
        foreign = [one for one in self._last if one.startswith(f"{route.path}?")]
        if fault == "swapped-page" and set(foreign) - {family}:
            of = next(one for one in reversed(foreign) if one != family)
            return with_headers(self._last[of], route, trace, None)
        made = self._handle(route, broken(ask, fault), fault)
        made = replace(made, body=made.body.replace(TRACE.encode(), trace.encode()))
        if made.status == 200:
            if route.ttl and self.options.cdn:
                self.cdn.put(url, Cached(made, now, trace))
            self._last[family] = made
        return with_headers(made, route, trace, None)

    def _handle(self, route: Route, ask: Ask, fault: str | None) -> Reply:
        if fault == "invalid-cursor" and any(ask.one(name) for name in CURSORS):
            return problem(route.path, "invalid cursor", 400).reply
        try:
            captured = self.payloads.answer(ask) if self.payloads else None
            if captured is not None:
                return captured
            return route.handler(self.world, ask)
        except Problem as found:
            return found.reply


def broken(ask: Ask, fault: str | None) -> Ask:
    """The question without its filters, when that is the fault."""
    beside_cursor = any(ask.one(name) for name in CURSORS)
    if fault != "filters-ignored" and not (
        fault == "filters-dropped" and beside_cursor
    ):
        return ask
    kept = tuple(pair for pair in ask.params if pair[0] in PAGING)
    return replace(ask, params=kept)


def problem(path: str, text: str, status: int) -> Problem:
    """An error in the form of the service that the path belongs to."""
    if path.startswith("/data/v2/"):
        return v2_problem(text, None, status)
    if path.startswith("/gamma/"):
        kinds = {500: "internal error", 503: "service unavailable"}
        return gamma_problem(text, status, kinds.get(status, "validation error"))
    return plain_problem(text, status)


def with_headers(made: Reply, route: Route, trace: str, age: int | None) -> Reply:
    """The answer with the headers of service and CDN; `age` when it was cached."""
    headers = list(made.headers)
    if route.path.startswith("/data/v2/"):
        headers.append(("x-trace-id", trace))
    if route.ttl and made.status == 200:
        headers.append(("cache-control", f"public, max-age={route.ttl}"))
        headers.append(("cf-cache-status", "MISS" if age is None else "HIT"))
        if age is not None:
            headers.append(("age", str(age)))
    return replace(made, headers=tuple(headers))
