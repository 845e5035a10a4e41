"""How long gold makes people wait: every view over the whole exchange, and one market.

`--warehouse PATH --lake PATH` asks a warehouse that is there, and leaves it alone;
without them a lake of `--fills` is cast and ingested in a folder of its own. Every
column of an answer is worked out: it is read to its end in Arrow batches. Beside it the
same question is asked of bronze by hand, in DuckDB and in polars.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks.measure import (
    BIN,
    TIMES,
    Target,
    in_turns,
    report,
    say,
    scratch,
    spent,
)

VIEW_SECONDS = 3.0
POINT_SECONDS = 0.1
MOST_BY_HAND = 20_000_000  # fills: polars holds all of them
LIMITED_SECONDS = 60.0  # a view beyond is asked once, so that a run comes to its end

# A row a fill, a wallet's token, or five minutes of one: nobody waits for all of that.
# The last day of the lake is asked for instead, and of P&L a wallet's.
OF_A_DAY = {"trades": "traded_at", "matches": "traded_at", "ohlc_5m": "bucket_start"}
OF_A_WALLET = "trader_pnl"


@dataclass(frozen=True)
class Answer:
    """What one question came to."""

    seconds: float
    cpu_seconds: float
    rows: int


def main() -> int:
    """Ask, print the table, and say whether people would have waited too long."""
    options = _options()
    with ExitStack() as stack:
        if options.warehouse is None:
            folder = stack.enter_context(scratch(gigabytes=1 + options.fills / 4e6))
            lake, warehouse = _cast(folder, options.fills)
        else:
            lake, warehouse = options.lake, options.warehouse
        db = stack.enter_context(duckdb.connect(str(warehouse), read_only=True))
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"set threads = {options.threads}")
        return _ask(db, lake, only=options.only, times=options.times)


def _ask(
    db: duckdb.DuckDBPyConnection,
    lake: Path | None,
    *,
    only: list[str],
    times: int,
) -> int:
    views, targets = {}, []
    for name, (asked, query) in _views(db).items():
        if only and name not in only:
            continue
        first = _answer(db, query, [])
        runs = [first]
        if first.seconds <= LIMITED_SECONDS:
            runs = [_answer(db, query, []) for _ in range(times)]
        views[name] = {"asked": asked, **_middle(runs), "runs": len(runs)}
        say(f"{name}: {views[name]}")
        targets.append(Target(name, views[name]["seconds"], VIEW_SECONDS))
    points = {}
    for name, (query, value) in _points(db).items():
        runs = [_answer(db, query, [value]) for _ in range(times)]
        points[name] = _middle(runs)
        say(f"{name}: {points[name]}")
        targets.append(Target(name, points[name]["seconds"], POINT_SECONDS))
    by_hand: dict[str, Any] = {}
    [(fills,)] = db.execute("select count(*) from silver.TradeFact").fetchall()
    if lake is not None and fills > MOST_BY_HAND:
        say(f"{fills:,} fills are more than fit in memory by hand: left out")
    elif lake is not None:
        for name, ways in _by_hand(db, lake).items():
            answers = in_turns(ways, times=times)
            by_hand[name] = {way: _middle(runs) for way, runs in answers.items()}
            say(f"{name}: {by_hand[name]}")
    found = {"fills": fills, "views": views, "points": points, "by_hand": by_hand}
    return report("how long gold makes people wait", found, targets)


def _views(db: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str]]:
    """What is asked of every view: `whole`, or the part that people would ask for."""
    [(last_day,)] = db.execute(
        "select max(traded_at)::date from silver.TradeFact"
    ).fetchall()
    asked = {}
    for (name,) in db.execute(
        "select view_name from duckdb_views() where schema_name = 'gold' order by all"
    ).fetchall():
        query = f"select * from gold.{name}"
        if name in OF_A_DAY:
            since = f"{OF_A_DAY[name]} >= '{last_day}'::timestamp"
            asked[name] = ("the last day", f"{query} where {since}")
        elif name == OF_A_WALLET:
            [(wallet, _)] = _wallets(db)["largest wallet"]
            asked[name] = (
                "the largest wallet",
                f"{query} where proxy_wallet = '{wallet}'",
            )
        else:
            asked[name] = ("whole", query)
    return asked


def _points(db: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str]]:
    points = {}
    for size, [(market, fills)] in _markets(db).items():
        for view in ("ohlc_5m", "ohlc_1h", "ohlc_1d", "trades"):
            name = f"{view} of the {size}, {fills:,} fills"
            query = f"select * from gold.{view} where condition_id = ?"
            points[name] = (query, market)
    for size, [(wallet, fills)] in _wallets(db).items():
        name = f"trader_pnl of the {size}, {fills:,} fills"
        query = "select * from gold.trader_pnl where proxy_wallet = ?"
        points[name] = (query, wallet)
    return points


def _markets(db: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, int]]]:
    return _sizes(db, "market_key", "silver.MarketKey", "condition_id", "market")


def _wallets(db: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, int]]]:
    return _sizes(db, "trader_key", "silver.TraderDim", "trader_address", "wallet")


def _sizes(
    db: duckdb.DuckDBPyConnection, key: str, names: str, name: str, word: str
) -> dict[str, list[tuple[str, int]]]:
    """Name the one of median size, by fills, and the largest."""
    db.execute(
        f"create temp table if not exists size_of_{word} as select {key}, count(*) "
        f"as fills from silver.TradeFact where withdrawn_at is null group by {key}"
    )
    query = (
        f"select {name}, fills from size_of_{word} inner join {names} using ({key}) "
        f"order by fills desc, {name} limit 1 offset "
    )
    [(count,)] = db.execute(f"select count(*) from size_of_{word}").fetchall()
    places = {f"median {word}": count // 2, f"largest {word}": 0}
    return {
        size: db.execute(f"{query} {place}").fetchall()
        for size, place in places.items()
    }


def _by_hand(
    db: duckdb.DuckDBPyConnection, lake: Path
) -> dict[str, dict[str, Callable[[], Answer]]]:
    files = str(lake / "trades" / "dt=*" / "*.parquet")
    takers = str(lake / "taker_trades" / "dt=*" / "*.parquet")
    [(market, _)] = _markets(db)["median market"]
    [(wallet, _)] = _wallets(db)["median wallet"]
    day = pl.from_epoch("timestamp", time_unit="s").dt.date()
    trades = pl.scan_parquet(files, hive_partitioning=False)
    return {
        "volume of each market and day": {
            "gold": lambda: _answer(db, "select * from gold.daily_volume", []),
            "duckdb": lambda: _answer(
                db,
                "select condition_id, make_timestamp(timestamp * 1000000)::date as day,"
                " count(*), count(distinct proxy_wallet), sum(size) / 2"
                " from read_parquet(?) group by all",
                [files],
            ),
            "polars": lambda: _collected(
                trades.group_by("condition_id", day.alias("day")).agg(
                    pl.len(), pl.col("proxy_wallet").n_unique(), pl.col("size").sum()
                )
            ),
        },
        "hourly candles of the median market": {
            "gold": lambda: _answer(
                db, "select * from gold.ohlc_1h where condition_id = ?", [market]
            ),
            "duckdb": lambda: _answer(
                db,
                "select token_id, timestamp // 3600, arg_min(price, timestamp),"
                " max(price), min(price), arg_max(price, timestamp), sum(size)"
                " from read_parquet(?) where condition_id = ? group by all",
                [takers, market],
            ),
            "polars": lambda: _collected(
                pl.scan_parquet(takers, hive_partitioning=False)
                .filter(pl.col("condition_id") == market)
                .group_by("token_id", pl.col("timestamp") // 3600)
                .agg(
                    pl.col("price").sort_by("timestamp").first().alias("open"),
                    pl.col("price").max().alias("high"),
                    pl.col("price").min().alias("low"),
                    pl.col("price").sort_by("timestamp").last().alias("close"),
                    pl.col("size").sum(),
                )
            ),
        },
        "cash of the median wallet by token": {
            "gold": lambda: _answer(
                db, "select * from gold.trader_pnl where proxy_wallet = ?", [wallet]
            ),
            "duckdb": lambda: _answer(
                db,
                "select token_id, sum(if(side = 'BUY', -size, size) * price)"
                " from read_parquet(?) where proxy_wallet = ? group by all",
                [files, wallet],
            ),
            "polars": lambda: _collected(
                trades.filter(pl.col("proxy_wallet") == wallet)
                .group_by("token_id", "side")
                .agg((pl.col("size") * pl.col("price")).sum())
            ),
        },
    }


def _answer(db: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> Answer:
    wall, cpu = time.monotonic(), time.process_time()
    reader = db.sql(query, params=values).to_arrow_reader(100_000)
    rows = sum(batch.num_rows for batch in reader)
    return Answer(time.monotonic() - wall, time.process_time() - cpu, rows)


def _collected(frame: pl.LazyFrame) -> Answer:
    wall, cpu = time.monotonic(), time.process_time()
    rows = frame.collect(engine="streaming").height
    return Answer(time.monotonic() - wall, time.process_time() - cpu, rows)


def _middle(runs: list[Answer]) -> dict[str, Any]:
    return {
        "seconds": round(statistics.median(run.seconds for run in runs), 3),
        "cpu_seconds": round(statistics.median(run.cpu_seconds for run in runs), 3),
        "rows": runs[0].rows,
    }


def _cast(folder: Path, fills: int) -> tuple[Path, Path]:
    lake, warehouse = folder / "lake", folder / "warehouse.duckdb"
    config = folder / "config.toml"
    config.write_text(
        f'[paths]\nlake = "{lake}"\nwarehouse = "{warehouse}"\n'
        f'cursors = "{folder / "cursor.json"}"\n'
    )
    say(f"casting {fills:,} fills")
    spent([BIN / "sandbox", "lake", "--fills", str(fills), "--folder", lake])
    spent([BIN / "ingest", "--config", config])
    return lake, warehouse


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fills", type=int, default=1_000_000, help="of a cast lake")
    parser.add_argument("--warehouse", type=Path, help="ask this one instead")
    parser.add_argument("--lake", type=Path, help="its bronze, for what is by hand")
    parser.add_argument("--only", action="append", default=[], help="a view; repeat")
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
