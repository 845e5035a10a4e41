"""Does ingest cost what is new, however much there is?

`python -m benchmarks.ingest_news --few 1000000 --many 4000000 --new 20000` casts two
lakes, takes them in, and adds the same number of new fills to both, again and again:
each time it measures the five-minute `ingest` and what it wrote to disk. Then a day of
the larger lake is fetched again with nothing new in it, beside storing that day. Last,
a reader stays on an old state while ingest runs: one copy of the file, once.
Prints one JSON object; exit 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.cast_lake import BYTES_A_FILL, CastLake, create_table_as
from benchmarks.measure import (
    BIN,
    TIMES,
    Spent,
    Target,
    medians,
    report,
    say,
    scratch,
    spent,
)
from bronze import DATASETS
from foundry.again import fetch_again
from lake.delta_log import DeltaLog
from lake.live_files import new_file
from lake.parquet import bounded_columns
from lake.storage import LocalStorage

TAKE_IN = """
import sys
from pathlib import Path
from ingestion.run import ingest

ingest(Path(sys.argv[1]), Path(sys.argv[2]))
"""
READER = """
import sys
import duckdb

db = duckdb.connect(sys.argv[1], read_only=True)
print(db.execute("select count(*) from silver.TradeFact").fetchall()[0][0], flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Slots:
    """The two warehouse files: which ones they are, by inode."""

    inodes: frozenset[int]

    @classmethod
    def of(cls, lake: CastLake) -> Slots:
        """As they are now."""
        folder = lake.warehouse.parent / ".warehouse"
        return cls(frozenset(file.stat().st_ino for file in folder.glob("?.duckdb")))

    def copies(self, later: Slots) -> int:
        """How many files of the later ones are others."""
        return len(later.inodes - self.inodes)


def main() -> int:
    """Measure; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1_000_000)
    parser.add_argument("--many", type=int, default=4_000_000)
    parser.add_argument("--new", type=int, default=20_000)
    parser.add_argument("--markets", type=int, default=150)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--keep", type=Path, help="folder of lakes to use again")
    chosen = parser.parse_args()
    room = (chosen.few + chosen.many) * BYTES_A_FILL / 1e9 + 0.5
    with scratch(gigabytes=room, keep=chosen.keep) as folder:
        lakes = {
            name: CastLake(folder, fills)
            for name, fills in (("few", chosen.few), ("many", chosen.many))
        }
        for lake in lakes.values():
            lake.ingest()
            for _ in range(2):  # both files have had their turn then
                lake.append(chosen.new, chosen.markets)
                lake.ingest()
        runs: dict[str, list[Any]] = {}
        copied = 0
        for turn in range(chosen.times):
            for name, lake in lakes.items():
                say(f"{name}, {turn + 1} of {chosen.times}")
                lake.append(chosen.new, chosen.markets)
                before = Slots.of(lake)
                runs.setdefault(name, []).append(taken_in(lake))
                copied += before.copies(Slots.of(lake))
                runs.setdefault(f"{name}_nothing", []).append(lake.ingest())
        nothing = day_again(lakes["many"], folder, chosen.times)
        stayed = reader_stays(lakes["many"], chosen.new, chosen.markets)
        found = {name: medians(some) for name, some in runs.items()}
        return report(
            "ingest of what is new",
            {
                "new_fills": chosen.new,
                "lakes": {"few": chosen.few, "many": chosen.many},
                "medians": found,
                "day_again": nothing,
                "copies_while_a_reader_stays": stayed,
            },
            [
                Target(
                    f"{chosen.new:,} new fills into {chosen.many:,}, CPU, times into "
                    f"{chosen.few:,}",
                    found["many"]["cpu_seconds"] / found["few"]["cpu_seconds"],
                    1.5,
                ),
                Target("files copied by five-minute runs", copied, 0),
                Target(
                    "a day with nothing new, CPU, times storing it",
                    nothing["again_times"],
                    1.0,
                ),
                Target("copies for a reader that stays", stayed[0], 1),
                Target("copies in the two runs after it", sum(stayed[1:]), 0),
            ],
        )


def taken_in(lake: CastLake) -> Spent:
    """Take in what is new, without what the command says of completeness."""
    return spent([BIN / "python", "-c", TAKE_IN, lake.folder, lake.warehouse])


def day_again(lake: CastLake, folder: Path, times: int) -> dict[str, Any]:
    """Take in a day that was fetched again, beside storing that day's files.

    Also the same files under other names, as no fold makes them: the worst case.
    """
    runs: dict[str, list[Spent]] = {}
    for turn in range(times):
        say(f"the same day again, {turn + 1} of {times}")
        fetch_again(lake.folder, turn=turn)
        runs.setdefault("again", []).append(taken_in(lake))
        runs.setdefault("up_to_date", []).append(taken_in(lake))
        paths = renamed(lake, turn)
        runs.setdefault("renamed", []).append(taken_in(lake))
        stored = create_table_as(folder / "day.duckdb", *paths)
        runs.setdefault("stored", []).append(stored)
    found: dict[str, Any] = {name: medians(some) for name, some in runs.items()}
    for name in ("again", "renamed"):
        cost = found[name]["cpu_seconds"] / found["stored"]["cpu_seconds"]
        found[f"{name}_times"] = round(cost, 3)
    return found


def renamed(lake: CastLake, turn: int) -> list[Path]:
    """Commit the last full day's files under other names; return where they are."""
    storage, paths = LocalStorage(lake.folder), []
    for name in ("trades", "taker_trades"):
        log = DeltaLog(storage, DATASETS[name])
        files = log.snapshot().files
        day = sorted({file.day for file in files})[-2]
        adds, removes = [], []
        for number, file in enumerate(file for file in files if file.day == day):
            to = f"dt={day}/again-{turn:03d}-{number:03d}.parquet"
            path = storage.path(f"{name}/{to}")
            shutil.copyfile(storage.path(f"{name}/{file.name}"), path)
            columns = bounded_columns(DATASETS[name])
            size = path.stat().st_size
            adds.append(
                new_file(to, pq.read_metadata(path), size=size, columns=columns)
            )
            removes.append(file.name)
            paths.append(path)
        log.commit(adds, removes)
    return paths


def reader_stays(lake: CastLake, new: int, markets: int) -> list[int]:
    """How many files are copied by each of three runs while a reader stays on."""
    found = []
    with reading(lake.warehouse):
        for _ in range(2):
            lake.append(new, markets)
            before = Slots.of(lake)
            lake.ingest()
            found.append(before.copies(Slots.of(lake)))
        # the file that the reader holds had its turn in the second run
        found.sort(reverse=True)
        lake.append(new, markets)
        before = Slots.of(lake)
        lake.ingest()
        found.append(before.copies(Slots.of(lake)))
    return found


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Have another process read the warehouse and keep it open."""
    reader = subprocess.Popen(
        [str(BIN / "python"), "-c", READER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert reader.stdout is not None
        reader.stdout.readline()
        yield
    finally:
        reader.communicate("")


if __name__ == "__main__":
    sys.exit(main())
