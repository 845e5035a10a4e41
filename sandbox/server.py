"""The network side: one port, a limit check, delays, faults in transport."""

from __future__ import annotations

import asyncio
import gzip
import time
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from email.utils import formatdate

from aiohttp import web

from sandbox.admin import ROUTES as ADMIN
from sandbox.limits import groups_of
from sandbox.live.sockets import sockets
from sandbox.service import Service, problem
from sandbox.web import Ask, Problem, Reply, Route, plain_problem

HANG_SECONDS = 300.0
LONGEST_URL = 32 << 10  # a hundred condition ids need 8 KB
HUGE_MEGABYTES = 2_000
IN_PARTS = ("huge", "slow", "trickle", "truncated")
HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1>cloudflare</body></html>"
Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(service: Service) -> web.Application:
    """The aiohttp application of a service."""
    app = web.Application(client_max_size=8 << 20)
    routes = sorted(service.routes(), key=lambda route: route.path.count("{"))
    for route in routes:
        app.router.add_route(route.method, route.path, endpoint(service, route))
    for name, handler in ADMIN.items():
        app.router.add_route("*", f"/_sandbox/{name}", admin_endpoint(service, handler))
    for path, socket in sockets(service.live).items():
        app.router.add_get(path, socket)
    app.on_shutdown.append(lambda _: service.live.stop())
    for path, body in (
        ("/data/", b'{"data":"OK"}'), ("/clob/", b'"OK"'), ("/gamma/status", b"OK"),
    ):  # fmt: skip
        app.router.add_get(path, plain(body))
    app.router.add_route("*", "/{rest:.*}", nothing_there)
    return app


def plain(body: bytes) -> Endpoint:
    """An endpoint that always says the same."""

    async def respond(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    return respond


async def nothing_there(request: web.Request) -> web.StreamResponse:
    """Unknown routes, in the words of the service they would belong to."""
    return plain_response(problem(request.path, "not found", 404).reply)


def ask_of(request: web.Request, body: bytes) -> Ask:
    """The request as a value."""
    params = urllib.parse.parse_qsl(request.query_string, keep_blank_values=True)
    return Ask(request.method, request.path, tuple(params), request.match_info, body)


def admin_endpoint(
    service: Service, handler: Callable[[Service, Ask], Reply]
) -> Endpoint:
    """An endpoint of `/_sandbox`: neither counted nor harmed."""

    async def respond(request: web.Request) -> web.StreamResponse:
        ask = ask_of(request, await request.read())
        try:
            return plain_response(handler(service, ask))
        except Problem as found:
            return plain_response(found.reply)
        except ValueError as error:
            return plain_response(plain_problem(str(error)).reply)

    return respond


def endpoint(service: Service, route: Route) -> Endpoint:
    """A public endpoint: counted, limited, delayed, harmed, answered."""
    groups = groups_of(route.path, route.groups)
    name = f"{route.method} {route.path}"
    options = service.options

    async def respond(request: web.Request) -> web.StreamResponse:
        counts = service.limits.routes
        counts[name] = counts.get(name, 0) + 1
        wait = service.limits.check(request.remote or "", groups, time.monotonic())
        if wait is None:
            return plain_response(too_many(route, options.retry_after))
        if wait + options.latency_ms > 0:
            await asyncio.sleep(wait + options.latency_ms / 1000)
        url = request.path_qs
        rule = service.faults.strike(url)
        fault = None if rule is None else rule.fault
        if rule is not None and fault == "clock-jump":
            service.world.clock.advance(rule.seconds)
        if fault == "new-keys":
            service.world.signer.rotate()
        instead = None if fault is None else canned(route, fault)
        if fault == "reset":
            abort(request)
        if fault in ("reset", "timeout"):
            await asyncio.sleep(0 if fault == "reset" else HANG_SECONDS)
            return web.Response(status=504)
        if instead is not None:
            return plain_response(instead)
        ask = ask_of(request, await request.read())
        made = service.drift.applied(url, service.answer(route, ask, url, fault))
        date = formatdate(service.world.now, usegmt=True)
        made = replace(made, headers=(*made.headers, ("Date", date)))
        zipped = options.gzip and "gzip" in request.headers.get("Accept-Encoding", "")
        return await sent(request, made, fault, zipped=zipped)

    return respond


def too_many(route: Route, retry_after: int | None) -> Reply:
    """429 without JSON; `Retry-After` only where asked for."""
    headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
    if route.path.startswith("/data/v2/"):
        return Reply(b"Too Many Requests", 429, headers, "text/plain")
    return Reply(b"error code: 1015", 429, headers, "text/plain")


def canned(route: Route, fault: str) -> Reply | None:
    """What some faults answer instead."""
    if fault == "429":
        return too_many(route, None)
    if fault == "429-retry-after":
        limited = problem(route.path, "rate limited", 429).reply
        return replace(limited, headers=(("Retry-After", "1"),))
    if fault == "500":
        return problem(route.path, "cannot get the information", 500).reply
    if fault == "503":
        timed_out = problem(route.path, "request timeout", 503).reply
        return replace(timed_out, headers=(("Retry-After", "1"),))
    if fault in ("404", "410"):
        return problem(route.path, "not found", int(fault)).reply
    if fault == "html":
        return Reply(HTML, 200, (), "text/html")
    if fault == "error-200":
        return Reply(b'{"error":"Too Many Requests"}')
    return None


def abort(request: web.Request) -> None:
    """Cut the connection without a word."""
    if request.transport is not None:
        request.transport.abort()


def plain_response(made: Reply) -> web.Response:
    """The answer, unharmed."""
    response = web.Response(body=made.body, status=made.status)
    response.headers["Content-Type"] = made.content_type
    for key, value in made.headers:
        response.headers[key] = value
    return response


async def sent(
    request: web.Request, made: Reply, fault: str | None, *, zipped: bool
) -> web.StreamResponse:
    """Send the answer, harmed on its way where the fault says so."""
    made = harmed(made, fault, zipped=zipped)
    if fault not in IN_PARTS:
        return plain_response(made)
    response = web.StreamResponse(status=made.status)
    response.headers.update(plain_response(made).headers)
    response.headers.popall("Content-Length", None)
    if fault != "huge":
        response.content_length = len(made.body)
    await response.prepare(request)
    with suppress(ConnectionError):  # the client has had enough
        async for part, seconds in in_parts(made.body, fault):
            await response.write(part)
            await asyncio.sleep(seconds)
    if fault == "truncated":
        abort_softly(request)
    return response


async def in_parts(body: bytes, fault: str) -> AsyncIterator[tuple[bytes, float]]:
    """What is sent of a body, and the wait after each part."""
    if fault == "truncated":
        yield body[: len(body) // 2], 0
    elif fault == "huge":
        for _ in range(HUGE_MEGABYTES):
            yield b" " * 1_000_000, 0
    else:
        step = 1 if fault == "trickle" else max(1, len(body) // 20)
        for start in range(0, len(body), step):
            yield body[start : start + step], 0.1


def harmed(made: Reply, fault: str | None, *, zipped: bool) -> Reply:
    """The answer with its body spoilt, and packed where both sides want it."""
    body, headers = made.body, list(made.headers)
    if fault == "invalid-json":
        body = body[: len(body) // 2] + b'{"oops'
    if fault == "wrong-type":
        made = replace(made, content_type="application/octet-stream")
    if (zipped and fault != "huge") or fault in ("bad-gzip", "gzip-bomb"):
        body = gzip.compress(body, 1)
        headers.append(("Content-Encoding", "gzip"))
    if fault == "bad-gzip":
        middle = len(body) // 2
        spoilt = bytes(255 - b for b in body[middle : middle + 8])
        body = body[:middle] + spoilt + body[middle + 8 :]
    if fault == "gzip-bomb":  # members of a gzip file unpack one after the other
        body = gzip.compress(b" " * 10_000_000) * (HUGE_MEGABYTES // 10)
    return replace(made, body=body, headers=tuple(headers))


def abort_softly(request: web.Request) -> None:
    """Close the connection after what was written so far."""
    if request.transport is not None:
        request.transport.close()


async def start(service: Service, port: int) -> tuple[web.AppRunner, int]:
    """Listen on 127.0.0.1; the runner to clean up and the port in use."""
    runner = web.AppRunner(
        application(service),
        access_log=None,
        shutdown_timeout=0.2,
        max_line_size=LONGEST_URL,
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
    await site.start()
    return runner, int(runner.addresses[0][1])
