"""Prove replay: at a thousand moments the replayed book is the exchange's.

`python -m benchmarks.prove_replay` stands the replica's clock still, captures books by
the command a user types, lets the clock jump again and again with connections cut on
the way, and keeps what the replica's `/books` says at each halt. Then it ingests, and
holds each of these books, level by level, against the one that replay gives for that
moment; and the moments at which a book must not be trusted.

Prints one JSON object; exit 1 if a book differs or is trusted wrongly.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Any

import requests

from benchmarks.live_rig import Client, Server, serving
from benchmarks.measure import BIN, Target, report, scratch, spent
from warehouse.connect import open_to_read
from warehouse.replay import book_at

TOKENS = 48
HALTS = 16
LONGEST_JUMP = 240.0  # seconds of the exchange between two halts
CUT_EVERY = 7  # halts
PATIENCE_SECONDS = 30.0
STILL_SECONDS = 0.4

Levels = dict[str, list[tuple[float, float]]]


def main() -> int:
    """Run the proof; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--halts", type=int, default=HALTS)
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    options = ("--size", "tiny", "--markets", str(chosen.tokens * 3), "--speed", "0")
    with scratch(gigabytes=2) as folder, serving(*options) as server:
        client = Client(
            folder,
            server,
            "--only",
            "books",
            "--top",
            str(chosen.tokens),
            settings={"reconnect_min_seconds": 0.2},
        )
        client.ready()
        books = {book["token_id"] for book in client.ask("books")}
        halts = [
            halt(server, client, sorted(books), number, random.Random(chosen.seed))
            for number in range(chosen.halts)
        ]
        client.stop()
        spent([BIN / "ingest", "--config", "config.toml"], folder=folder)
        found = compared(folder / "data/warehouse.duckdb", halts)
    targets = [
        Target("moments short of a thousand", max(0, 1_000 - found["moments"]), 0),
        Target("books that differ", found["differ"], 0),
        Target("books not trusted that are right", found["untrusted"], 0),
        Target("books trusted while nobody listened", found["trusted_deaf"], 0),
    ]
    return report("is the replayed book the exchange's?", found, targets)


def halt(
    server: Server, client: Client, tokens: list[str], number: int, rng: random.Random
) -> tuple[int, int, dict[str, Levels]]:
    """Let the clock jump, and return when all was read, with the books as they are.

    On the way a connection may be cut: the moment right after it, else 0.
    """
    deaf_ns = 0
    if number % CUT_EVERY == CUT_EVERY - 1:
        opened = server.admin("live")["opened"]
        server.admin("live", do="cut", channel="market")
        deaf_ns = time.time_ns() + 20_000_000
        wait_for(lambda: server.admin("live")["opened"] > opened)
    server.admin("advance", seconds=str(rng.uniform(1, LONGEST_JUMP)))
    wait_for(lambda: all_is_read(server, client))
    at_ns = time.time_ns()
    asked = [{"token_id": token} for token in tokens]
    answer = requests.post(f"{server.base}/clob/books", json=asked, timeout=30)
    return at_ns, deaf_ns, {book["asset_id"]: levels(book) for book in answer.json()}


def all_is_read(server: Server, client: Client) -> bool:
    """Whether all has been read, and nothing more is on its way."""
    sent = server.admin("live")["sent"]
    if client.health()["messages"] != sent:
        return False
    time.sleep(STILL_SECONDS)
    return bool(server.admin("live")["sent"] == sent)


def wait_for(condition: Any) -> None:
    """Wait until a condition holds; SystemExit if it never does."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("the capture does not keep up: see its log")
        time.sleep(0.05)


def levels(book: dict[str, Any]) -> Levels:
    """The levels of a served book, best first."""
    told = {
        side: [(float(one["price"]), float(one["size"])) for one in book[side]]
        for side in ("bids", "asks")
    }
    return {"bids": sorted(told["bids"])[::-1], "asks": sorted(told["asks"])}


def compared(
    warehouse: Path, halts: list[tuple[int, int, dict[str, Levels]]]
) -> dict[str, Any]:
    """Hold replayed books against those that were served."""
    differ: list[str] = []
    moments = untrusted = deaf = trusted_deaf = 0
    seconds: list[float] = []
    with open_to_read(warehouse) as db:
        for number, (at_ns, deaf_ns, books) in enumerate(halts):
            # silence that a cut or the end followed may have hidden something
            is_known = number + 1 < len(halts) and not halts[number + 1][1]
            for token, there in books.items():
                began = time.perf_counter()
                book = book_at(db, token, at_ns)
                seconds.append(time.perf_counter() - began)
                moments += 1
                mine = {"bids": book.levels("BUY"), "asks": book.levels("SELL")}
                if mine != there:
                    differ.append(f"{token} at {at_ns}")
                untrusted += is_known and not book.trusted
                if deaf_ns:
                    deaf += 1
                    trusted_deaf += book_at(db, token, deaf_ns).trusted
    return {
        "moments": moments,
        "differ": len(differ),
        "first_that_differ": differ[:3],
        "untrusted": untrusted,
        "moments_deaf": deaf,
        "trusted_deaf": trusted_deaf,
        "median_milliseconds": round(sorted(seconds)[len(seconds) // 2] * 1e3, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
