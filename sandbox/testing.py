"""A sandbox inside a test: a server in a thread, and a handle to move it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import polars as pl
from aiohttp import web

from sandbox.options import Options
from sandbox.server import start
from sandbox.service import Service
from sandbox.settings_toml import toml_for
from sandbox.truth import truth_frames
from sandbox.universe import build_universe
from sandbox.web import Ask, Json
from sandbox.world import World

T = TypeVar("T")


class Box:
    """A running sandbox. Its methods are safe to call from the test's thread."""

    def __init__(
        self, service: Service, port: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.service = service
        self.port = port
        self._loop = loop

    def url(self, path: str = "") -> str:
        """The URL of a path such as `/data/v2/trades`."""
        return f"http://127.0.0.1:{self.port}{path}"

    def toml(self) -> str:
        """The settings with which a client talks to this sandbox."""
        return toml_for(self.service.options, self.port)

    def call(self, work: Callable[[Service], T]) -> T:
        """Run `work` between two requests, never during one."""

        async def run() -> T:
            return work(self.service)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def now(self) -> int:
        """The simulated time."""
        return self.call(lambda service: service.world.now)

    def advance(self, seconds: float) -> int:
        """Move the clock; the new time."""

        def move(service: Service) -> int:
            service.live.pump()
            now = service.world.clock.advance(seconds)
            service.live.pump()
            return now

        return self.call(move)

    def truth(self) -> dict[str, pl.DataFrame]:
        """What the sandbox holds now: fills, markets, events, ledger."""
        return self.call(lambda service: truth_frames(service.world))

    def live(self, do: str | None = None, **params: object) -> Json:
        """Who is connected by WebSocket; with `do`, something is done to them first:
        freeze, thaw, cut, refuse, drop, ... as in sandbox/live/switches.py."""
        return self.admin("live", **({"do": do} if do else {}), **params)

    def sent(self) -> pl.DataFrame:
        """What connections were sent, or not sent (`withheld`), a row a level."""

        def read(service: Service) -> pl.DataFrame:
            service.live.pump()
            return service.live.ledger.frame()

        return self.call(read)

    def sent_messages(self) -> pl.DataFrame:
        """The same, a row a message: `rows` says how many levels or changes."""

        def read(service: Service) -> pl.DataFrame:
            service.live.pump()
            return service.live.ledger.messages()

        return self.call(read)

    def forget_sent(self) -> None:
        """Start the ledger of what was sent anew."""
        self.call(lambda service: service.live.ledger.clear())

    def requests(self) -> Json:
        """What was asked: `routes` with their counts, `groups` with their maxima."""
        return self.call(lambda service: service.limits.report())

    def forget_requests(self) -> None:
        """Count from zero."""
        self.call(lambda service: service.limits.reset())

    def fault(self, name: str, **rule: Any) -> None:
        """From here on: `p`, `path` (a regular expression), `times`, `skip`."""
        self.call(lambda service: service.faults.add({"fault": name, **rule}))

    def drift(self, change: str, field: str, **rule: Any) -> None:
        """From here on rows are otherwise: `new`, `retype` or `gone`; `path`, `value`,
        `p` as in sandbox/drift.py."""
        made = {"path": "", "field": field, "change": change, **rule}
        self.call(lambda service: service.drift.add(made))

    def heal(self) -> None:
        """End all faults, and changes of rows."""
        self.call(Service.heal)

    def admin(self, name: str, **params: object) -> Json:
        """Call a route of `/_sandbox` by name: drop-row, inject, rotate-keys, ..."""
        import json

        from sandbox.admin import ROUTES

        pairs = tuple((key, str(value)) for key, value in params.items())
        ask = Ask("POST", f"/_sandbox/{name}", pairs)
        return json.loads(self.call(lambda service: ROUTES[name](service, ask)).body)


@contextmanager
def sandbox_server(**options: Any) -> Iterator[Box]:
    """A sandbox on a free port of 127.0.0.1 for as long as the block lasts."""
    chosen = Options.of(**{"size": "tiny", **options})
    service = Service(World(build_universe(chosen)))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()
    runner, port = asyncio.run_coroutine_threadsafe(start(service, 0), loop).result()
    try:
        yield Box(service, port, loop)
    finally:
        asyncio.run_coroutine_threadsafe(ended(runner), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def ended(runner: web.AppRunner) -> None:
    """Stop listening, and leave those waiting who were never to be answered."""
    await runner.cleanup()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
