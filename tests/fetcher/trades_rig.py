"""Whole runs over trades against the sandbox, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

import settings
from bronze import DATASETS
from fetcher.ending import Ending
from fetcher.fetching import fetch
from fetcher.modes import Phase, phases
from fetcher.options import Options
from fetcher.run import Run
from fetcher.summary import Summary
from lake.batch import Batch
from lake.cursor import CursorFile
from lake.lake import Lake
from sandbox.testing import Box, sandbox_server

STOPPED = ("trades", "activity")
ROAD = ("markets", "events", "trades")  # others cost time, and have tests of their own
YOUNG = 15.0
KEY = [
    *("transaction_hash", "proxy_wallet", "condition_id", "token_id"),
    *("side", "timestamp", "size", "price"),
]


class StopAfter:
    """A run's writer that ends the run after so many pages of a walk."""

    def __init__(self, run: Run, pages: int) -> None:
        self._run, self._writer = run, run.writer
        self._left = pages

    def put(self, batch: Batch) -> None:
        if batch.rows.keys() & {"trades", "taker_trades", "prices", "activity"}:
            self._left -= 1
        self._writer.put(batch)
        if self._left <= 0:
            self._run.stop.set()

    def flush(self) -> None:
        self._writer.flush()

    def fold(self) -> None:
        self._writer.fold()


@dataclass
class Home:
    """A folder with a lake that is filled from one sandbox."""

    folder: Path
    box: Box

    def fetch(
        self,
        *,
        mode: str = "all",
        among: tuple[str, ...] = ROAD,
        stop_after: int | None = None,
        **options: Any,
    ) -> Summary:
        """Run `fetch`, ending it as planned after so many pages of trades.

        Of mode `all`, only the datasets `among` these are fetched.
        """
        work = [
            phase for phase in phases(mode) if mode != "all" or phase.dataset in among
        ]
        if stop_after is not None:
            work = [
                Stopping(phase, stop_after) if phase.dataset in STOPPED else phase
                for phase in work
            ]
        loaded = settings.load(self.folder / "config.toml")
        return fetch(loaded, Options(mode=mode, **options), Ending(), work=work)

    @property
    def lake(self) -> Lake:
        return Lake.open_to_read(self.folder / "data", DATASETS)

    def rows(self, dataset: str) -> pl.DataFrame:
        files = self.lake.files(dataset)
        return pl.read_parquet(files, hive_partitioning=False)

    def fills(self, dataset: str = "trades") -> pl.DataFrame:
        """Each fill and how often it is held: the most that any one walk saw."""
        by_walk = _exact(self.rows(dataset)).group_by([*KEY, "walk_id"]).len()
        return by_walk.group_by(KEY).agg(pl.col("len").max())

    def missing(self, dataset: str = "trades") -> pl.DataFrame:
        """Fills held too rarely, of those served now, or too often, of all."""
        truth = self.box.truth()["fills"]
        if dataset == "taker_trades":
            truth = truth.filter(pl.col("is_taker"))
        counts = _exact(truth).group_by(KEY)
        true = counts.agg(pl.col("servable").sum().alias("true"), pl.len().alias("all"))
        both = true.join(self.fills(dataset), on=KEY, how="full", coalesce=True)
        return both.fill_null(0).filter(
            (pl.col("len") < pl.col("true")) | (pl.col("len") > pl.col("all"))
        )

    def walks(self, kind: str, dataset: str = "trades") -> list[dict[str, Any]]:
        """Rows of `walks`, oldest first."""
        rows = self.rows("walks").filter(kind=kind, dataset=dataset)
        return rows.sort("fetched_at").to_dicts()

    def cursor(self) -> CursorFile:
        with CursorFile.open(self.folder / "cursor.json") as cursor:
            return cursor

    def data_requests(self) -> int:
        """How often the Data API was asked about trades since the last time."""
        routes = self.box.requests()["routes"]
        self.box.forget_requests()
        return sum(
            count
            for route, count in routes.items()
            if route.rpartition("/")[2] in ("trades", "live-volume", "status")
        )


class Stopping:
    """A phase that is stopped, or killed, after so many pages."""

    def __init__(self, phase: Phase, pages: int) -> None:
        self._phase, self._pages = phase, pages
        self.dataset, self.group = phase.dataset, phase.group

    def __call__(self, run: Run) -> None:
        run.writer = StopAfter(run, self._pages)
        self._phase(run)


def _exact(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        pl.col("size").round(6),
        pl.col("price").round(6),
        pl.col("condition_id").str.to_lowercase(),
    )


@contextmanager
def home_beside(
    folder: Path, version: str = "auto", *, taker_walk: bool = True, **sandbox: Any
) -> Iterator[Home]:
    """A home and its sandbox.

    Its ordinary markets are young: a day of fills costs a file of each dataset.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with sandbox_server(**{"age_days": YOUNG, **sandbox}) as box:
        (folder / "config.toml").write_text(
            "\n".join(
                [
                    "[paths]",
                    'lake = "data"',
                    'cursors = "cursor.json"',
                    'runtime = "runtime"',
                    "[trades]",
                    f"taker_walk = {str(taker_walk).lower()}",
                    "[prices]",  # coarse: there are tests of their own
                    "fidelity_minutes = 720",
                    "mirror_sample = 0",
                    "history_days = 2",
                    "[limits]",
                    "data_v2_trades = 100000",
                    "data_v2_all = 100000",
                    "data_v1_trades = 100000",
                    "data_v1_all = 100000",
                    "gamma_markets = 100000",
                    "gamma_events = 100000",
                    "gamma_listings = 100000",
                    box.toml().replace(
                        "[apis.data]", f'[apis.data]\nversion = "{version}"'
                    ),
                ]
            )
        )
        yield Home(folder, box)
