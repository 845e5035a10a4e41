"""Runs over prices against the sandbox, and what the sandbox would serve at most."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from trades_rig import Home, Stopping, home_beside

import settings
from bronze import DATASETS
from fetcher import commands
from fetcher.ending import Ending
from fetcher.fetching import fetch
from fetcher.modes import phases
from fetcher.options import Options
from fetcher.summary import Summary
from lake.delta_log import DeltaLog, new_file
from lake.storage import LocalStorage
from sandbox.history import clob_points, has_own_second_book, oldest_kept

DAY = 86_400
FIDELITY = 30


class PricesHome:
    """A folder with a lake, its sandbox, and a catalogue that is there already."""

    def __init__(self, home: Home) -> None:
        self.home, self.box = home, home.box

    def fetch(self, *, stop_after: int | None = None, **options: Any) -> Summary:
        """Run `fetch --mode prices`, ending it after so many answers."""
        options = {"mode": "prices", **options}
        work = list(phases("prices"))
        if stop_after is not None:
            work = [Stopping(phase, stop_after) for phase in work]
        loaded = settings.load(self.home.folder / "config.toml")
        return fetch(loaded, Options(**options), Ending(), work=work)

    def store_fill(self, condition_id: str) -> None:
        """Bronze gets a fill of the market, and nobody says so in the catalogue."""
        trades = DATASETS["trades"]
        row = dict.fromkeys(trades.schema.names) | {
            "condition_id": condition_id.upper().replace("0X", "0x"),
            "timestamp": self.box.now(),
            "fetched_at": datetime.now(UTC),
        }
        storage = LocalStorage(self.home.folder / "data")
        day = datetime.fromtimestamp(self.box.now(), UTC)
        name = f"dt={day:%Y-%m-%d}/{condition_id[:12]}.parquet"
        path = storage.path(f"trades/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([row], schema=trades.schema), path)
        file = new_file(
            name, pq.read_metadata(path), size=path.stat().st_size, columns=[]
        )
        DeltaLog(storage, trades).commit([file])

    def plan(self, **options: Any) -> dict[str, Any]:
        """What `fetch plan` says of prices."""
        loaded = settings.load(self.home.folder / "config.toml")
        told = commands.plan(loaded, Options(mode="prices", **options), Ending())
        [part] = told.json["datasets"]
        return part

    def status(self) -> commands.Told:
        """What `fetch status` says."""
        return commands.status(settings.load(self.home.folder / "config.toml"))

    def points(self, *, since: int = 0) -> pl.DataFrame:
        """What is held: each point once, the latest word on it."""
        return (
            self.home.rows("prices")
            .filter(pl.col("timestamp") >= since)
            .sort("fetched_at", "page_no", "row_no")
            .unique(["token_id", "resolution_seconds", "timestamp"], keep="last")
        )

    def windows(self) -> pl.DataFrame:
        return self.home.rows("price_windows")

    def asked_since(self, second: float) -> list[str]:
        """The markets of the questions that were put since then."""
        windows = self.windows().filter(pl.col("asked_at").dt.epoch("s") >= second)
        return windows["condition_id"].to_list()

    def served(self, token: str, fidelity: int, begin: int = 0) -> set[Any]:
        """What the sandbox has of a token at a fidelity, whatever the window."""

        def ask(service: Any) -> Any:
            world = service.world
            now, step = world.now, 14 * DAY
            first = max(begin, oldest_kept(fidelity, now), now - 1500 * DAY)
            found = []
            for start in range(first, now + 1, step):
                found += clob_points(
                    world, token, start, min(start + step - 1, now), None, fidelity
                )
            return set(found)

        return self.box.call(ask)

    def held(self, token: str, fidelity: int) -> set[Any]:
        rows = self.points().filter(token_id=token, resolution_seconds=60 * fidelity)
        return set(zip(rows["timestamp"], rows["price"], strict=True))

    def first_tokens(self, *, own_book: bool = False) -> dict[str, Any]:
        """The first token of each listed market with a book, and the market."""

        def ask(service: Any) -> Any:
            world = service.world
            return {
                market.tokens[int(own_book)]: market
                for market in world.listed
                if market.kind != "amm"
                and market.created_at < world.now
                and (not own_book or has_own_second_book(market))
            }

        return self.box.call(ask)

    def asked(self) -> list[dict[str, Any]]:
        """The questions of all pages, as they were put."""
        found = []
        for row in self.home.walks("page", "prices"):
            body = re.fullmatch(r"/batch-prices-history (\{.*\})", row["request"])
            assert body is not None, row["request"]
            found.append(json.loads(body[1]))
        return found

    def requests(self) -> int:
        """How often histories were asked for since the last time."""
        routes = self.box.requests()["routes"]
        self.box.forget_requests()
        return sum(n for route, n in routes.items() if "prices-history" in route)


@contextmanager
def prices_beside(
    folder: Path,
    *,
    fidelity: int = FIDELITY,
    mirror_sample: int = 0,
    days: int = 2,
    **sandbox: Any,
) -> Iterator[PricesHome]:
    """A home whose catalogue is fetched, and its sandbox."""
    with home_beside(folder, **{"size": "tiny", "age_days": 150, **sandbox}) as home:
        config = home.folder / "config.toml"
        text = config.read_text()
        text = text.replace("fidelity_minutes = 720", f"fidelity_minutes = {fidelity}")
        text = text.replace("mirror_sample = 0", f"mirror_sample = {mirror_sample}")
        text = text.replace("history_days = 2", f"history_days = {days}")
        text = text.replace("[limits]", "[limits]\nclob_prices_history = 100000")
        config.write_text(text)
        home.fetch(mode="markets")
        home.box.forget_requests()
        yield PricesHome(home)
