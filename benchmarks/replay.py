"""What does it cost to replay captured order books in the order of time?

`python -m benchmarks.replay --rows 20000000` casts a lake of so many rows of events of
400 tokens, takes it in, and in turns folds them barely (the same rows read from the
same warehouse, folded into dicts as they are stored: a token after the other, with no
order of time across tokens), replays them at every message, and at every second. All
must end with the same books. Then the book of random moments is asked for, and two
halves are replayed and held against the whole.

Prints one JSON object; exit 1 if the replay takes more than three times the CPU of the
bare fold, or if any books differ.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import (
    Spent,
    Target,
    in_turns,
    medians,
    report,
    say,
    scratch,
    spent,
)
from warehouse.connect import open_to_read
from warehouse.replay.book import Book
from warehouse.replay.run import Replay, book_at
from warehouse.replay.source import BOOK, CHANGE, Source

MOST = 3.0
BYTES_A_ROW = 150  # bronze, the warehouse, and what ingest holds aside
MOMENTS = 200
CAST = (
    "import sys; from pathlib import Path; from benchmarks.heard_lake import HeardLake;"
    " HeardLake(Path(sys.argv[1]), int(sys.argv[2])).cast()"
)
TAKE_IN = (
    "import sys; from pathlib import Path; from ingestion.run import ingest;"
    " ingest(Path(sys.argv[1]), Path(sys.argv[2]))"
)


def main() -> int:
    """Measure; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--way", choices=sorted(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--warehouse", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.way:
        sys.stdout.write(json.dumps(WAYS[chosen.way](chosen.warehouse)))
        return 0
    with scratch(gigabytes=chosen.rows * BYTES_A_ROW / 1e9 + 0.5) as folder:
        return _measure(folder, chosen.rows, chosen.times)


def _measure(folder: Path, rows: int, times: int) -> int:
    lake, warehouse = folder / "data", folder / "warehouse.duckdb"
    say("casting")
    spent([sys.executable, "-c", CAST, lake, str(rows)])
    say("ingest")
    taken = spent([sys.executable, "-c", TAKE_IN, lake, warehouse])
    bronze = sum(path.stat().st_size for path in lake.rglob("*.parquet"))

    def way(name: str) -> Spent:
        command = [sys.executable, "-m", "benchmarks.replay", "--way", name]
        return spent([*command, "--warehouse", warehouse], folder=Path.cwd())

    runs = in_turns(
        {name: partial(way, name) for name in ("bare", "tick", "1s")}, times=times
    )
    said = {name: some[0].said for name, some in runs.items()}
    books = {one["books"] for some in runs.values() for one in (r.said for r in some)}
    say("random moments")
    moments = way("moments").said
    say("two halves")
    halves = way("halves").said
    cost = {name: medians(some) for name, some in runs.items()}
    ratio = {
        name: statistics.median(
            mine.cpu_seconds / bare.cpu_seconds
            for mine, bare in zip(runs[name], runs["bare"], strict=True)
        )
        for name in ("tick", "1s")
    }
    return report(
        "replay of captured order books",
        {
            "rows": rows,
            "ingest_cpu_seconds_a_million": round(taken.cpu_seconds / rows * 1e6, 2),
            "ingest_peak_mb": round(taken.peak_mb),
            "bytes_a_row": {
                "bronze": round(bronze / rows, 1),
                "warehouse": round(warehouse.stat().st_size / rows, 1),
            },
            "medians": cost,
            "told": {name: one["told"] for name, one in said.items()},
            "times_the_bare_fold": {k: round(v, 2) for k, v in ratio.items()},
            "milliseconds_to_the_book_of_a_moment": moments,
            "halves": halves,
        },
        [
            Target("CPU at every message / bare fold", ratio["tick"], MOST),
            Target("CPU at every second / bare fold", ratio["1s"], MOST),
            Target("different books at the end, less one", len(books) - 1, 0),
            Target("halves that differ from the whole", 1 - halves["equal"], 0),
        ],
    )


def bare(warehouse: Path) -> dict[str, Any]:
    """Fold all rows as they are stored, a span after the other."""
    db = open_to_read(warehouse)
    source = Source(db, None)
    first, last = source.bounds() or (0, 0)
    sides: dict[int, dict[int, float]] = {}
    begun, rows = None, 0
    for begin, end in source.spans(first, last + 1):
        found = source.stored(begin, end)
        rows += len(found["event_no"])
        for at in range(0, len(found["event_no"]), 4096):
            block = slice(at, at + 4096)
            word = found["word"][block]
            for number, key, code, tick, size in zip(
                found["event_no"][block].tolist(),
                ((word >> 20) * 2 + (word & 1)).tolist(),
                ((word >> 1) & 7).tolist(),
                ((word >> 4) & 65535).tolist(),
                found["size"][block].tolist(),
                strict=True,
            ):
                if code > CHANGE:
                    continue
                if code == BOOK and (number, key >> 1) != begun:
                    begun = number, key >> 1
                    sides[key & ~1], sides[key | 1] = {}, {}
                levels = sides.get(key)
                if levels is None:
                    levels = sides[key] = {}
                if size:
                    levels[tick] = size
                else:
                    levels.pop(tick, None)
    tokens = dict(
        db.execute("select token_key, token_id from silver.MarketTokenDim").fetchall()
    )
    books: dict[str, Book] = {}
    for key, levels in sides.items():
        book = books.setdefault(tokens[key >> 1], Book(tokens[key >> 1]))
        (book.bids if key & 1 else book.asks).update(levels)
    return {"told": rows, "books": digest(books.values())}


def replayed(step: str) -> Callable[[Path], dict[str, Any]]:
    """Replay all of it."""

    def way(warehouse: Path) -> dict[str, Any]:
        replay, told = Replay(open_to_read(warehouse), step=step), 0
        for _ in replay:
            told += 1
        return {"told": told, "books": digest(replay.books.values())}

    return way


def moments(warehouse: Path) -> dict[str, float]:
    """Ask for the books of random tokens at random moments."""
    db, draw = open_to_read(warehouse), random.Random(1)
    rows = db.execute(
        "select token_id, epoch_ns(first_received_at), epoch_ns(last_received_at)"
        " from silver.BookTally inner join silver.MarketTokenDim using (token_key)"
        " order by all"
    ).fetchall()
    took = []
    for _ in range(MOMENTS):
        token, first, last = draw.choice(rows)
        began = time.perf_counter()
        book_at(db, token, draw.randint(first, last))
        took.append((time.perf_counter() - began) * 1000)
    tenths = statistics.quantiles(took, n=20)
    return {
        "median": round(statistics.median(took), 1),
        "p95": round(tenths[-1], 1),
        "most": round(max(took), 1),
    }


def halves(warehouse: Path) -> dict[str, Any]:
    """Replay the whole and two halves at every second, and compare all of it."""
    db = open_to_read(warehouse)
    whole = Replay(db, step="1s")
    middle = (whole.start + whole.end) // 2
    first = Replay(db, step="1s", end=middle)
    of_whole = _checksum(whole, 0)
    of_halves = _checksum(first, 0)
    second = Replay(db, step="1s", resume=first.state())
    of_halves = _checksum(second, of_halves)
    return {
        "equal": of_whole == of_halves and second.state() == whole.state(),
        "checksums": [of_whole, of_halves],
    }


def _checksum(replay: Replay, so_far: int) -> int:
    for one in replay:
        said = repr(one)
        if isinstance(one, Book):
            said = f"{said} {len(one.bids)} {len(one.asks)}"
        so_far = zlib.crc32(said.encode(), so_far)
    return so_far


def digest(books: Any) -> int:
    """A number that tells books apart by all that rests on them."""
    lines = sorted(
        f"{book.token_id} {sorted(book.bids.items())} {sorted(book.asks.items())}"
        for book in books
    )
    return zlib.crc32("\n".join(lines).encode())


WAYS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "bare": bare,
    "tick": replayed("tick"),
    "1s": replayed("1s"),
    "moments": moments,
    "halves": halves,
}

if __name__ == "__main__":
    sys.exit(main())
