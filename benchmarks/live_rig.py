"""A sandbox that is live and a capture beside it, as processes, for benchmarks."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import requests

from benchmarks.measure import BIN

START_SECONDS = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
# What tells rows of the market channel apart.
IDENTITY = (
    "event_type",
    "condition_id",
    "token_id",
    "at_ms",
    "side",
    "price",
    "size",
    "hash",
)
WHOLE = ("market_resolved", "new_market")  # kept whole: no token, no price


@dataclass
class Server:
    """A sandbox under load, as a process of its own."""

    process: subprocess.Popen[str]
    toml: str

    @property
    def base(self) -> str:
        """Its address."""
        url = str(tomllib.loads(self.toml)["apis"]["clob"]["base_url"])
        return url.removesuffix("/clob")

    def admin(self, name: str, **params: str) -> Any:
        """Ask a route of `/_sandbox`."""
        url = f"{self.base}/_sandbox/{name}"
        answer = requests.post(url, params=params, timeout=300)
        answer.raise_for_status()
        return answer.json()

    def sent(self, folder: Path, *, withheld: bool = False) -> pl.DataFrame:
        """What was sent on the market channel, or `withheld` also, a row a message."""
        out = folder / "sent.parquet"
        self.admin("sent-events", grain="message", out=str(out))
        rows = pl.read_parquet(out)
        of_books = rows.filter(pl.col("channel") == "market")
        return of_books if withheld else of_books.filter(pl.col("withheld").is_null())


@contextlib.contextmanager
def serving(*options: str) -> Iterator[Server]:
    """A sandbox with these options."""
    process = subprocess.Popen(
        [BIN / "sandbox", "serve", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.strip() == "ready":
                break
        else:
            raise SystemExit("the sandbox did not start")
        os.set_blocking(process.stdout.fileno(), False)
        yield Server(process, process.stdout.read())
    finally:
        process.terminate()
        process.communicate()


class Client:
    """One capture, as a process of its own."""

    def __init__(
        self,
        folder: Path,
        server: Server,
        *options: str,
        settings: Mapping[str, float] | None = None,
    ) -> None:
        paths = '[paths]\nlake = "data"\nruntime = "runtime"\n'
        self._port = free_port()
        chosen = {"port": self._port, "health_seconds": 10.0, **(settings or {})}
        lines = "".join(f"{key} = {value}\n" for key, value in chosen.items())
        (folder / "config.toml").write_text(f"{server.toml}\n{paths}[capture]\n{lines}")
        self._log = (folder / "capture.log").open("a")
        self.process = subprocess.Popen(
            [BIN / "capture", "--config", "config.toml", "--json", *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, path: str) -> Any:
        """What its hot path says; null while it does not answer."""
        try:
            return requests.get(
                f"http://127.0.0.1:{self._port}/{path}", timeout=5
            ).json()
        except requests.RequestException:
            return None

    def health(self) -> dict[str, Any]:
        """How it says it is; empty while it does not answer."""
        found: dict[str, Any] = self.ask("health") or {}
        return found

    def ready(self, subscriptions: int = 1) -> None:
        """Wait until all is subscribed to and the first books have come."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            now = self.health()
            if now.get("messages", 0) >= now.get("subscriptions", 0) >= subscriptions:
                return
            time.sleep(0.2)
        self.kill()
        raise SystemExit("the capture did not start: see its log")

    def settle(self) -> int:
        """Wait until it has read all there is; return how many messages that were."""
        last, read = -1, self.health()["messages"]
        while read != last:
            time.sleep(1.0)
            last, read = read, self.health()["messages"]
        return int(read)

    def cpu_seconds(self) -> float:
        """What it has used so far, and what folds for it."""
        return sum(map(cpu_seconds, (self.process.pid, *self._folding())))

    def peak_mb(self) -> float:
        """The most memory it has held, and what folds for it, each at its own time."""
        return sum(map(peak_mb, (self.process.pid, *self._folding())))

    def _folding(self) -> list[int]:
        """The processes that it has started."""
        every = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
        return [pid for pid in every if _stat(pid)[1:2] == [str(self.process.pid)]]

    def stop(self) -> dict[str, Any]:
        """Stop it gracefully; what it says of itself."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate()
        self._log.close()
        found: dict[str, Any] = json.loads(output)
        return found

    def kill(self) -> int:
        """Kill it; when that was, in unix nanoseconds."""
        at_ns = time.time_ns()
        self.process.kill()
        self.process.communicate()
        self._log.close()
        return at_ns


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def _stat(pid: int) -> list[str]:
    """What Linux tells of a process after its name, its state first; empty: gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return []


def peak_mb(pid: int) -> float:
    """The most memory that a process has held so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1e3


def named(rows: pl.DataFrame) -> pl.DataFrame:
    """The identity of rows: what is kept whole has no token, and trades no hash."""
    kind = pl.col("event_type")
    is_whole = kind.is_in(WHOLE)
    bare = [
        pl.when(~is_whole).then(part).alias(part)
        for part in ("token_id", "side", "price", "size")
    ]
    has_hash = ~is_whole & (kind != "last_trade_price")
    return rows.with_columns(
        *bare, pl.when(has_hash).then("hash").alias("hash")
    ).select(IDENTITY)


def missing(
    there: pl.DataFrame, here: pl.DataFrame, by: Sequence[str] = IDENTITY
) -> pl.DataFrame:
    """The rows that are oftener in the one frame than in the other: `there`, `here`."""
    counts = there.group_by(by).len("there")
    both = counts.join(
        here.group_by(by).len("here"), on=list(by), how="left", nulls_equal=True
    )
    counted = both.with_columns(
        pl.col("there").cast(pl.Int64), pl.col("here").fill_null(0).cast(pl.Int64)
    )
    return counted.filter(pl.col("there") > pl.col("here"))


def lacking(
    there: pl.DataFrame, here: pl.DataFrame, by: Sequence[str] = IDENTITY
) -> int:
    """How many rows of the one frame the other does not have."""
    rows = missing(there, here, by)
    return int((rows["there"] - rows["here"]).sum())
