"""A capture beside a sandbox, in a thread or as a process, and what it must have."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import requests

from benchmarks.live_rig import free_port, named
from bronze import DATASETS
from fetcher.ending import Ending
from fetcher.live.capture import Result, capture
from fetcher.live.recorders import Wanted
from lake.lake import Lake
from sandbox.testing import Box
from settings import load

PATIENCE_SECONDS = 30.0
# Nothing waits for a minute in a test; what is to be rare is set by the test itself.
QUICK = {
    "reconnect_min_seconds": 0.05,
    "reconnect_max_seconds": 0.2,
    "silent_seconds": 600.0,
    "stale_seconds": 600.0,
    "resync_seconds": 600.0,
    "poll_seconds": 0.1,
}


def soon(condition: Callable[[], Any], *, what: str = "") -> Any:
    """Wait until a condition holds, and return what it gave; fail if it never does."""
    nothing = threading.Event()
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        nothing.wait(0.02)
    raise AssertionError(f"it never came about{': ' + what if what else ''}")


@dataclass
class Home:
    """A folder with settings for a sandbox, and the lake of its captures."""

    folder: Path
    box: Box
    settings: Mapping[str, Any] = field(default_factory=dict)
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        chosen = {**QUICK, **self.settings, "port": self.port}
        lines = [
            f"{key} = {value!r}".replace("'", '"') for key, value in chosen.items()
        ]
        runtime = self.folder / "runtime"
        text = (
            f'{self.box.toml()}\n[paths]\nlake = "data"\nruntime = "{runtime}"\n'
            "[capture]\n" + "\n".join(lines) + "\n"
        )
        self.toml.write_text(text)

    @property
    def toml(self) -> Path:
        return self.folder / "settings.toml"

    def rows(self, dataset: str) -> pl.DataFrame:
        """A dataset's rows as bronze holds them."""
        lake = Lake.open_to_read(self.folder / "data", DATASETS)
        return lake.scan(dataset).collect()

    def ask(self, path: str) -> Any:
        """What the hot path says; null while it does not answer."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.port}/{path}", timeout=5)
        except requests.ConnectionError:
            return None
        return answer.json()

    def heard(self) -> int:
        """How many messages of the market channel were read so far."""
        health = self.ask("health")
        return 0 if health is None else int(health["messages"])

    @contextmanager
    def capturing(self, **wanted: Any) -> Iterator[Running]:
        """A capture in a thread, stopped as planned at the end of the block."""
        running = Running()
        ending = Ending()

        def work() -> None:
            try:
                running.result = capture(load(self.toml), Wanted(**wanted), ending)
            except BaseException as error:  # noqa: BLE001 - raised below
                running.error = error

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield running
        finally:
            ending.time_is_up()
            thread.join()
        if running.error is not None:
            raise running.error

    def process(self, *arguments: str) -> subprocess.Popen[str]:
        """A capture as a process of its own."""
        command = [sys.executable, "-m", "fetcher.live", "--config", str(self.toml)]
        with (self.folder / "log.txt").open("a") as log:
            return subprocess.Popen(
                [*command, *arguments], stdout=subprocess.PIPE, stderr=log, text=True
            )


@dataclass
class Running:
    """A capture that runs; how it went, once it is over."""

    result: Result | None = None
    error: BaseException | None = None


def sent(box: Box, *, before_ns: int | None = None) -> pl.DataFrame:
    """What the market channel really sent, a row a level or change, as identities."""
    rows = box.sent().filter(
        (pl.col("channel") == "market") & pl.col("withheld").is_null()
    )
    if before_ns is not None:
        rows = rows.filter(pl.col("sent_at_ns") < before_ns)
    return named(rows)


def held(home: Home) -> pl.DataFrame:
    """What bronze has of the market channel, as identities."""
    return identities(home.rows("book_events"))


def identities(events: pl.DataFrame) -> pl.DataFrame:
    """Rows of book_events as the sandbox names them."""
    return named(events.rename({"exchange_at_ms": "at_ms"}))


def some_tokens(box: Box, count: int) -> tuple[str, ...]:
    """Tokens of open markets with a book."""

    def find(service):
        world = service.world
        return [
            token
            for market in world.listed
            if world.has_book(market)
            for token in market.tokens
        ]

    return tuple(box.call(find)[:count])


def connections(box: Box) -> list[dict]:
    return [one for one in box.live()["connections"] if not one["gone"]]


def listening(box: Box, tokens: int) -> bool:
    return sum(one["listens_to"] for one in connections(box)) == tokens


def all_read(box: Box, home: Home) -> bool:
    """Whether every message that was sent has been read."""
    return home.heard() == box.live()["sent"]
