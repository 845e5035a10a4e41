"""Prove coverage: whatever breaks, nothing is missing where gold says it listened.

`python -m benchmarks.prove_coverage --connections 2` captures under a load while, by
chance, connections are cut and frozen, new ones refused, and capture itself is killed
and stopped. Then it ingests, and judges each message of the replica's own account that
bronze does not hold: none may lie where `gold.book_stretches` claims to have listened,
and none may have been sent more than a second before a kill without any other fault.

Prints one JSON object; exit 1 if anything is claimed wrongly, lost or doubled.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks.capture_load import MESSAGE, held, listening, loaded
from benchmarks.live_rig import Client, Server, serving
from benchmarks.measure import BIN, Target, report, scratch, spent

SECOND_NS = 1_000_000_000
SILENT_SECONDS = 3.0
# How long a fault has a part in what is lost, and one that is gone is written to.
LASTING_NS = round((SILENT_SECONDS + 4.0) * SECOND_NS)
ON_ITS_WAY_NS = SECOND_NS // 10  # what is sent while the last that came is on its way
GONE_NS = SECOND_NS // 2
LONGEST_PAUSE = 3.0
SETTINGS = {
    "silent_seconds": SILENT_SECONDS,
    "reconnect_min_seconds": 0.05,
    "reconnect_max_seconds": 0.5,
    "fold_minutes": 0.05,
}
DEEDS = ("cut", "cut", "freeze", "freeze", "abort", "refuse", "kill", "stop")


Span = tuple[int, int]  # unix nanoseconds


@dataclass
class Trouble:
    """What was done, and from when to when it had a part in what is lost."""

    kills: list[Span] = field(default_factory=list)
    others: list[Span] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)


def main() -> int:
    """Run the proof; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with (
        scratch(gigabytes=2) as folder,
        serving(*loaded(chosen.rate, chosen.tokens)) as server,
    ):
        settings = {**SETTINGS, "connections": chosen.connections}

        def started() -> Client:
            options = listening(chosen.tokens)
            client = Client(folder, server, *options, settings=settings)
            client.ready()
            return client

        trouble = vex(server, started, chosen.seconds, random.Random(chosen.seed))
        sent, kept = server.sent(folder, withheld=True), held(folder)
        spent([BIN / "ingest", "--config", "config.toml"], folder=folder)
        found = judged(folder / "data/warehouse.duckdb", sent, kept, trouble)
    targets = [
        Target("missing where it claims to have listened", found["claimed"], 0),
        Target("lost a second before a kill, or for no reason", found["lost"], 0),
        Target("doubled", found["doubled"], 0),
        Target("trouble that was not made", int(not trouble.kills), 0),
    ]
    return report("is nothing missing where gold listened?", found, targets)


def vex(server: Server, started: Any, seconds: float, rng: random.Random) -> Trouble:
    """Do one bad thing after the other; in the end all is well for a while."""
    trouble = Trouble()
    client = started()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(rng.uniform(0.2, LONGEST_PAUSE))
        deed = rng.choice(DEEDS)
        trouble.done[deed] = trouble.done.get(deed, 0) + 1
        began = time.time_ns()
        if deed == "kill":
            client.kill()
            trouble.kills.append((began - SECOND_NS, time.time_ns() + GONE_NS))
            client = started()
            continue
        if deed == "stop":
            client.stop()
            client = started()
        elif deed == "refuse":
            server.admin("live", do="refuse", channel="market", seconds="1")
        else:
            break_one(server, deed, rng)
        trouble.others.append((began - GONE_NS, time.time_ns() + LASTING_NS))
    server.admin("live", do="cut", channel="market")
    time.sleep(2 * SILENT_SECONDS)
    server.admin("live", do="freeze", channel="market")
    client.settle()
    client.stop()
    return trouble


def break_one(server: Server, deed: str, rng: random.Random) -> None:
    """Cut or freeze a connection to the books."""
    there = server.admin("live")["connections"]
    books = [str(one["connection"]) for one in there if one["channel"] == "market"]
    if not books:
        return
    words = {"do": "cut", "abort": "1"} if deed == "abort" else {"do": deed}
    server.admin("live", connection=rng.choice(books), **words)


def judged(
    warehouse: Path, sent: pl.DataFrame, kept: pl.DataFrame, trouble: Trouble
) -> dict[str, Any]:
    """What bronze lacks, and whether gold says so."""
    said = sent.group_by(MESSAGE).agg(
        at_ns=pl.col("sent_at_ns").min(), sent=pl.col("withheld").is_null().any()
    )
    lacks = said.join(kept, on=MESSAGE, how="anti", nulls_equal=True)
    with duckdb.connect(warehouse, read_only=True) as db:
        # What a new listener is told first already holds what came before.
        claimed = db.sql(
            "select lacks.* from lacks where exists ("
            " select 1 from gold.book_stretches as stretch"
            " where stretch.token_id = lacks.token_id"
            " and make_timestamp_ns(lacks.at_ns + $way) <= stretch.covered_until"
            " and make_timestamp_ns(lacks.at_ns) >= coalesce((select min(received_at)"
            "  from gold.book_events as event"
            "  where event.token_id = stretch.token_id"
            "  and event.received_at >= stretch.covered_from), stretch.covered_from))",
            params={"way": ON_ITS_WAY_NS},
        ).pl()
    unsaid = lacks.filter("sent").with_columns(
        is_last=_within(trouble.kills), is_troubled=_within(trouble.others)
    )
    lost = unsaid.filter(~pl.col("is_last") & ~pl.col("is_troubled"))
    return {
        "messages": said.height,
        "held": kept.height,
        "never_sent_to_us": lacks.height - unsaid.height,
        "lost_in_the_second_before_a_kill": unsaid["is_last"].sum(),
        "lost_by_other_faults": unsaid.filter("is_troubled", ~pl.col("is_last")).height,
        "claimed": claimed.height,
        "lost": lost.height,
        "doubled": doubled(kept),
        "deeds": dict(sorted(trouble.done.items())),
    }


def doubled(kept: pl.DataFrame) -> int:
    """How many messages are there twice; each stretch begins with all books."""
    stretch = pl.when(pl.col("event_type") == "book").then("walk_id")
    told = kept.select(*MESSAGE, stretch=stretch)
    return told.height - told.n_unique()


def _within(spans: list[Span]) -> pl.Expr:
    """Whether a message was sent in one of these spans."""
    sent_at = pl.col("at_ns")
    within = [sent_at.is_between(begin, end) for begin, end in spans]
    return pl.any_horizontal(pl.lit(value=False), *within)


if __name__ == "__main__":
    sys.exit(main())
