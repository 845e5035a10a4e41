"""Whether `capture` keeps up, and what it keeps when it is killed.

`python -m benchmarks.capture_load --rate 5000 --seconds 600` sends so many messages a
second over 3,000 subscriptions, server included on this machine, and compares what was
sent with what bronze holds, message by message. `--kills 10` kills it that often
under load instead: what was sent more than a second before a kill must be there, once.
`--find` raises the rate until something is lost or left waiting.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.live_rig import Client, cpu_seconds, lacking, serving
from benchmarks.measure import Target, report, scratch
from bronze import DATASETS
from lake.lake import Lake

MESSAGE = ("event_type", "token_id", "at_ms", "hash")
FIRST_RATE, STEP = 5_000, 1.25
FIND_SECONDS = 40.0
BEHIND_SECONDS = 1.0  # more than that is falling behind
FOLDING = {"fold_minutes": 0.01}  # nearly always, so that kills fall into folds
WITH_BOOK = 1.25  # markets to ask for, for each with a book


def loaded(rate: float, tokens: int) -> tuple[str, ...]:
    """The options of a sandbox that sends so many messages a second."""
    markets = ("--size", "tiny", "--markets", str(tokens * 3))
    return (*markets, "--live-load", str(rate))


def listening(tokens: int) -> tuple[str, ...]:
    """The options of a capture of about so many tokens."""
    return ("--only", "books", "--top", str(round(tokens / 2 * WITH_BOOK)))


def held(folder: Path) -> pl.DataFrame:
    """What bronze holds of the market channel, a row a message."""
    lake = Lake.open_to_read(folder / "data", DATASETS)
    rows = lake.scan("book_events").select(
        "event_no",
        "row_no",
        "event_type",
        "token_id",
        "exchange_at_ms",
        "hash",
        "walk_id",
    )
    firsts = rows.sort("event_no", "row_no").group_by("event_no", maintain_order=True)
    found = firsts.first().collect(engine="streaming")
    return found.rename({"exchange_at_ms": "at_ms"})


def keep_up(rate: float, seconds: float, tokens: int) -> dict[str, Any]:
    """Send at a rate for a while, and say what came of it."""
    with (
        scratch(gigabytes=1 + rate * seconds / 2e6) as folder,
        serving(*loaded(rate, tokens)) as server,
    ):
        client = Client(folder, server, *listening(tokens))
        client.ready()
        before = client.cpu_seconds(), cpu_seconds(server.process.pid)
        began, heard = time.monotonic(), client.health()["messages"]
        worst = 0.0
        while time.monotonic() - began < seconds:
            time.sleep(1.0)
            worst = max(worst, client.health().get("lag_seconds", 0.0))
        lasted = time.monotonic() - began
        now = client.health()
        used = client.cpu_seconds() - before[0]
        server_used = cpu_seconds(server.process.pid) - before[1]
        server.admin("live", do="freeze", channel="market")
        last = client.settle()
        peak = client.peak_mb()
        said = client.stop()
        sent, kept = server.sent(folder), held(folder)
        return {
            "rate": rate,
            "subscriptions": now["subscriptions"],
            "seconds": round(lasted, 1),
            "messages_a_second": round((last - heard) / lasted),
            "sent": sent.height,
            "lost": lacking(sent, kept, MESSAGE),
            "doubled": lacking(kept, sent, MESSAGE),
            "cores": round(used / lasted, 3),
            "server_cores": round(server_used / lasted, 3),
            "peak_mb": round(peak, 1),
            "deepest_mb": said["deepest_mb"],
            "worst_lag_seconds": round(worst, 3),
            "errors": said["errors"],
        }


def killed(rate: float, kills: int, tokens: int) -> dict[str, Any]:
    """Kill a capture under load again and again; what is lost, and what is twice.

    What it says to have read is what it has received: of that, all that was there a
    second before the kill must be in bronze.
    """
    with (
        scratch(gigabytes=2 + kills * rate / 1e5) as folder,
        serving(*loaded(rate, tokens)) as server,
    ):
        read: list[int] = []
        moments: list[tuple[int, int]] = []
        for number in range(kills):
            client = Client(folder, server, *listening(tokens), settings=FOLDING)
            began = time.time_ns()
            client.ready()
            time.sleep(2.0 + 0.37 * number)
            asked = time.monotonic()
            read.append(client.health()["messages"])
            time.sleep(max(0.0, asked + 1.0 - time.monotonic()))
            moments.append((began, client.kill()))
        server.admin("live", do="freeze", channel="market")
        last = Client(folder, server, *listening(tokens))  # takes up what has landed
        last.ready()
        last.stop()
        sent, kept = server.sent(folder), held(folder)
        at = pl.col("event_no")  # the moment of reception, but for its last digits
        there = [
            kept.filter((at > began) & (at < killed_at)).height
            for began, killed_at in moments
        ]
        return {
            "rate": rate,
            "kills": kills,
            "sent": sent.height,
            "read_a_second_before": read,
            "held": there,
            "lost": sum(max(0, a - b) for a, b in zip(read, there, strict=True)),
            "doubled": lacking(kept, sent, MESSAGE),
        }


def find(tokens: int) -> list[dict[str, Any]]:
    """Raise the rate until it does not hold."""
    tried = []
    rate = float(FIRST_RATE)
    while True:
        found = keep_up(rate, FIND_SECONDS, tokens)
        tried.append(found)
        sys.stderr.write(f"{json.dumps(found)}\n")
        if not holds(found):
            return tried
        rate *= STEP


def holds(found: dict[str, Any]) -> bool:
    """Whether a rate was kept up with: nothing lost, nothing waiting for long."""
    return (
        not found["lost"]
        and found["worst_lag_seconds"] < BEHIND_SECONDS
        and found["messages_a_second"] > 0.97 * found["rate"]
    )


def main() -> int:
    """Measure, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--tokens", type=int, default=3_000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--find", action="store_true")
    chosen = parser.parse_args()
    found: dict[str, Any]
    if chosen.kills:
        found = killed(chosen.rate, chosen.kills, chosen.tokens)
    elif chosen.find:
        tried = find(chosen.tokens)
        kept = [one for one in tried if holds(one)]
        highest = kept[-1]["rate"] if kept else 0
        found = {"tried": tried, "highest_rate": highest, "lost": 0, "doubled": 0}
    else:
        found = keep_up(chosen.rate, chosen.seconds, chosen.tokens)
    targets = [
        Target("messages lost", found["lost"], 0),
        Target("messages doubled", found["doubled"], 0),
    ]
    return report("does capture keep up, and keep?", found, targets)


if __name__ == "__main__":
    sys.exit(main())
