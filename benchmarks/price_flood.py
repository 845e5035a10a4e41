"""What a day of prices of many markets costs, at a point every five minutes.

`python -m benchmarks.price_flood --markets 5000` makes the answers that the exchange
would give (points some seconds late, one in ten another price than the one before),
walks them by the walker that `fetch` uses, folds and ingests them, and makes a day's
candles. Beside it, in the same run, the same points are stored a row each: in Parquet
and in DuckDB. The network is left out: answers are handed over in memory.

Prints one JSON object; exit 1 if it takes more requests than it may.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import duckdb

from benchmarks.measure import Target, report, say, scratch
from bronze import DATASETS
from fetcher.answer import Answer
from fetcher.http import Api
from fetcher.polymarket.price_history import TOKENS_A_REQUEST, PriceHistories
from fetcher.polymarket.price_walk import Need, PriceSource, new_walk, walk_prices
from ingestion.run import ingest
from lake.cursor import CursorFile
from lake.lake import Lake

DAY = 86_400
STEP = 300
BEGIN = 1_767_312_000  # 2026-01-02, a midnight
SERIES = 400  # made once; each token is told one of them
MOST_REQUESTS_A_MARKET = 20_000 / 280_000

T = TypeVar("T")


class Exchange:
    """Answers batches of histories from memory, and counts them."""

    def __init__(self) -> None:
        draw = random.Random(1)
        made = [_series(draw) for _ in range(SERIES)]
        self._texts = [text for text, _ in made]
        self._changes = [changes for _, changes in made]
        self.requests = 0
        self.changed = 0

    def load(
        self, path: str, params: object, parse: Callable[[bytes], T], **asked: Any
    ) -> tuple[Answer, T]:
        tokens = json.loads(asked["body"])["markets"]
        self.requests += 1
        told = []
        for token in tokens:
            number = int(token) % SERIES
            self.changed += self._changes[number]
            told.append(b'"%s":[%s]' % (token.encode(), self._texts[number]))
        body = b'{"history":{%s}}' % b",".join(told)
        now = datetime.fromtimestamp(BEGIN + DAY + 600, UTC)
        return Answer(body, 200, 0, None, path, now, 1), parse(body)


def main() -> int:
    """Measure all of it; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=5_000)
    markets = parser.parse_args().markets
    with scratch(gigabytes=1 + markets / 10_000) as folder:
        found, requests = measured(folder, markets)
    most = max(markets * MOST_REQUESTS_A_MARKET, 1)
    return report(
        "a day of prices at five minutes",
        found,
        [Target("requests", requests, most)],
    )


def measured(folder: Path, markets: int) -> tuple[dict[str, Any], int]:
    """Fetch, fold, ingest and ask, each with its CPU seconds."""
    exchange, cpu = Exchange(), _Cpu()
    root, warehouse = folder / "data", folder / "data" / "warehouse.duckdb"
    with Lake.open(root, DATASETS) as lake:
        with (
            CursorFile.open(folder / "cursor.json") as cursor,
            lake.writer(cursor) as writer,
        ):
            with cpu.spent("fetch"):
                for batch in _batches(exchange, lake, markets):
                    writer.put(batch)
                writer.flush()
            with cpu.spent("fold"):
                writer.fold()
        files = lake.files("prices")
    with cpu.spent("ingest"):
        ingest(root, warehouse)
    with duckdb.connect(str(warehouse), read_only=True) as db:
        for width in ("5m", "1h", "1d"):
            with cpu.spent(f"candles_{width}"):
                db.execute(
                    "select sum(close), count(*) from gold.price_candles"
                    " where width = ?",
                    [width],
                ).fetchall()
        [(runs,)] = db.execute(
            "select count(*) from silver.PriceHistoryFact"
        ).fetchall()
    bronze = sum(path.stat().st_size for path in files)
    points = DAY // STEP * markets
    naive = _a_row_a_point(folder, files, cpu)
    sizes = {"bronze": bronze, "warehouse": warehouse.stat().st_size, **naive}
    return {
        "markets": markets,
        "requests": exchange.requests,
        "points": points,
        "changed_points": exchange.changed,
        "runs": runs,
        "bytes_a_point": {k: round(v / points, 2) for k, v in sizes.items()},
        "bytes_a_changed_point": {
            k: round(v / exchange.changed, 1) for k, v in sizes.items()
        },
        "cpu_seconds_a_million_points": {
            k: round(v / points * 1e6, 2) for k, v in cpu.seconds.items()
        },
    }, exchange.requests


def _batches(exchange: Exchange, lake: Lake, markets: int) -> Iterator[Any]:
    now = float(BEGIN + DAY + 600)
    source = PriceSource(
        PriceHistories(cast("Api", exchange)), lake.storage, lambda: now
    )
    needs = [
        Need(str(10**76 + n * 7**80 % 10**75), f"0x{n * 11**60 % 16**64:064x}",
             BEGIN, BEGIN + DAY)
        for n in range(1, markets + 1)
    ]  # fmt: skip
    for place in range(0, markets, TOKENS_A_REQUEST):
        some = needs[place : place + TOKENS_A_REQUEST]
        yield from walk_prices(
            source, new_walk(some, now=now, clock=now, fidelity=STEP // 60)
        )
        if place % 50_000 == 0:
            say(f"{place:,} of {markets:,} markets")


def _a_row_a_point(folder: Path, files: list[Path], cpu: _Cpu) -> dict[str, int]:
    """The same points as they are mostly stored: sizes of zstd Parquet and DuckDB."""
    parquet, database = folder / "points.parquet", folder / "points.duckdb"
    rows = f"read_parquet({[str(path) for path in files]}, hive_partitioning = false)"
    with duckdb.connect(str(database)) as db:
        with cpu.spent("copy_to_parquet"):
            db.execute(f"copy (from {rows}) to '{parquet}' (compression zstd)")
        with cpu.spent("create_table_as"):
            db.execute(f"create table points as from {rows}")
    sizes = parquet.stat().st_size, database.stat().st_size
    return dict(zip(("rows_in_parquet", "rows_in_duckdb"), sizes, strict=True))


class _Cpu:
    """CPU seconds of this process, threads included, by what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def spent(self, what: str) -> Iterator[None]:
        say(what)
        began = time.process_time()
        yield
        self.seconds[what] = time.process_time() - began


def _series(draw: random.Random) -> tuple[bytes, int]:
    """The points of a day as the service writes them, and how many of them changed."""
    price, points, changed = draw.randrange(50, 950), [], 1
    for n in range(DAY // STEP):
        if n and draw.random() < 0.1:
            price += 5 if price < 500 else -5
            changed += 1
        late = min(max(round(draw.gauss(6, 3)), 0), 25)
        points.append(f'{{"t":{BEGIN + n * STEP + late},"p":{price / 1000}}}')
    return ",".join(points).encode(), changed


if __name__ == "__main__":
    sys.exit(main())
