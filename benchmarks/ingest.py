"""What does ingest cost, against storing the same bronze as it is?

`python -m benchmarks.ingest --fills 1000000` casts a lake, and takes it in by the
`ingest` command, `is_taker` and completeness included, beside
`create table as select * from read_parquet(...)` of its trades in DuckDB within 2 GiB.
Prints one JSON object; exit 1 if a target is missed. 100 million fills take some hours
and 30 GB of disk.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import duckdb

from benchmarks.cast_lake import BYTES_A_FILL, CastLake, create_table_as
from benchmarks.measure import TIMES, Spent, Target, in_turns, medians, report, scratch


def main() -> int:
    """Measure; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fills", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--keep", type=Path, help="folder of a lake to use again")
    chosen = parser.parse_args()
    room = chosen.fills * BYTES_A_FILL / 1e9 + 0.2
    with scratch(gigabytes=room, keep=chosen.keep) as folder:
        lake = CastLake(folder, chosen.fills)
        trades, takers = (
            lake.folder / name / "*/*.parquet" for name in ("trades", "taker_trades")
        )

        def anew() -> Spent:
            lake.forget_warehouse()
            return lake.ingest()

        stored = folder / "stored.duckdb"
        runs = in_turns(
            {
                "ingest": anew,
                "store_trades": lambda: create_table_as(stored, trades),
                "store_trades_and_takers": lambda: create_table_as(
                    stored, trades, takers
                ),
            },
            times=chosen.times,
        )
        found = {name: medians(some) for name, some in runs.items()}
        with duckdb.connect(str(lake.warehouse), read_only=True) as db:
            [(fills, told)] = db.execute(
                "select count(*), count(is_taker) from silver.TradeFact"
            ).fetchall()
        ratio = found["ingest"]["cpu_seconds"] / found["store_trades"]["cpu_seconds"]
        sizes = {
            "bronze trades": lake.size_of("trades") / fills,
            "bronze trades, taker_trades and walks": lake.size_of(
                "trades", "taker_trades", "walks"
            )
            / fills,
            "warehouse": lake.warehouse.stat().st_size / fills,
        }
        files = max(
            len(list(day.glob("*.parquet")))
            for name in ("trades", "taker_trades")
            for day in (lake.folder / name).glob("dt=*")
        )
        return report(
            "ingest against storing the same bronze",
            {
                "fills": fills,
                "of_these_taker_told": told,
                "cast_cpu_seconds": lake.cost and round(lake.cost.cpu_seconds, 1),
                "medians": found,
                "times_storing_trades_and_takers": round(
                    found["ingest"]["cpu_seconds"]
                    / found["store_trades_and_takers"]["cpu_seconds"],
                    3,
                ),
                "bytes_a_fill": {name: round(size, 1) for name, size in sizes.items()},
            },
            [
                Target("ingest, CPU, times storing the trades", ratio, 1.5),
                Target("ingest, peak MB", found["ingest"]["peak_mb"], 2_048),
                Target("fills of unknown taker", fills - told, 0),
                Target(
                    "bytes a fill, bronze", sizes[max(sizes, key=lambda n: len(n))], 60
                ),
                Target("bytes a fill, warehouse file", sizes["warehouse"], 45),
                Target("files of a day", files, 4),
            ],
        )


if __name__ == "__main__":
    sys.exit(main())
