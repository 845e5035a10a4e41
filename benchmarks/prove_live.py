"""Prove capture: four windows of bitcoin on a fast clock, from the socket to gold.

`python -m benchmarks.prove_live --speed 60` serves up/down markets at sixty times the
real clock, captures them by the command a user types, cuts its connections now and
then, ingests, and compares gold with the replica's own account: each window found
ahead of its start, listened to, and settled as the replica settled it; every message
that was sent in gold exactly once; every cut in service_errors, with how long it was
and about how much was missed.

Prints one JSON object; exit 1 if anything is missing, invented, or otherwise told.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks.live_rig import (
    IDENTITY,
    Client,
    Server,
    lacking,
    named,
    serving,
)
from benchmarks.measure import BIN, Target, report, scratch, spent

WINDOW_SECONDS = 900
CUT_EVERY_SECONDS = 17.0
SETTLED_SECONDS = 300.0  # of the exchange, after the last window


def main() -> int:
    """Run the proof; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--windows", type=int, default=4)
    chosen = parser.parse_args()
    live = ("--speed", str(chosen.speed), "--live-series", "6")
    # the present window is under way: it does not count
    lasts = (chosen.windows + 1) * WINDOW_SECONDS + SETTLED_SECONDS
    with scratch(gigabytes=2) as folder, serving("--size", "tiny", *live) as server:
        client = Client(
            folder,
            server,
            "--series",
            "btc-15m",
            "--only",
            "books,updown,crypto",
            settings={"discover_minutes": 20.0, "reconnect_min_seconds": 1.0},
        )
        cuts = record(server, client, lasts / chosen.speed)
        client.stop()
        sent = sent_rows(server, folder)
        truth = folder / "truth"
        server.admin("truth", out=str(truth))
        spent([BIN / "ingest", "--config", "config.toml"], folder=folder)
        windows = pl.read_parquet(truth / "updown.parquet")
        with duckdb.connect(folder / "data/warehouse.duckdb", read_only=True) as db:
            found = compared(db, sent, windows, cuts=cuts, wanted=chosen.windows)
    targets = [
        Target("windows short of those wanted", found["windows_short"], 0),
        Target("windows told otherwise", found["windows_wrong"], 0),
        Target("windows found after their start", found["found_late"], 0),
        Target("events lost", found["events_lost"], 0),
        Target("events invented", found["events_invented"], 0),
        Target("cuts without an error", found["cuts_unnoticed"], 0),
    ]
    return report("is what was live in gold?", found, targets)


def record(server: Server, client: Client, seconds: float) -> int:
    """Let it capture, and cut its connection to the books now and then."""
    client.ready(subscriptions=2)
    until = time.monotonic() + seconds
    cuts = 0
    due = time.monotonic() + CUT_EVERY_SECONDS
    while (now := time.monotonic()) < until:
        if now >= due and until - now > CUT_EVERY_SECONDS / 2:
            server.admin("live", do="cut", channel="market")
            cuts, due = cuts + 1, now + CUT_EVERY_SECONDS
        time.sleep(0.2)
    server.admin("live", do="freeze", channel="market")
    client.settle()
    return cuts


def sent_rows(server: Server, folder: Path) -> pl.DataFrame:
    """What the market channel said, sent or withheld, a row a level or change."""
    out = folder / "sent.parquet"
    server.admin("sent-events", out=str(out))
    rows = pl.read_parquet(out).filter(pl.col("channel") == "market")
    return named(rows).with_columns(
        withheld=rows["withheld"], message_no=rows["message_no"]
    )


def compared(
    db: duckdb.DuckDBPyConnection,
    sent: pl.DataFrame,
    windows: pl.DataFrame,
    *,
    cuts: int,
    wanted: int,
) -> dict[str, Any]:
    """What gold says against what the replica says."""
    events = db.sql(
        "select event_type, condition_id, token_id, epoch_ms(exchange_at) as at_ms,"
        " side, price, size, hash from gold.book_events"
    ).pl()
    there = sent.filter(pl.col("withheld").is_null())
    here = named(events)
    told = db.sql(
        "select slug, strike, final_price, outcome, attempts, state from"
        " gold.updown_markets where state = 'resolved'"
    ).pl()
    whole = told.join(windows, on="slug", suffix="_there").filter(
        pl.col("slug").str.contains("btc-updown-15m")
    )
    [(late,)] = db.execute(
        "select count(*) from gold.updown_markets as windows"
        " where slug like 'btc-updown-15m-%' and exists (select 1 from"
        " gold.book_events as events where events.condition_id ="
        " windows.condition_id) and (select min(exchange_at) from gold.book_events"
        " as events where events.condition_id = windows.condition_id) >"
        " windows.window_start and window_start > (select min(exchange_at)"
        " from gold.book_events)"
    ).fetchall()
    errors = db.sql(
        "select error_type, downtime_seconds, estimated_missed from"
        " gold.service_errors where service = 'books'"
        " and error_type = 'disconnected' order by started_at"
    ).pl()
    wrong = whole.filter(
        (pl.col("outcome") != pl.col("outcome_there"))
        | ((pl.col("strike") - pl.col("strike_there").cast(pl.Float64)).abs() > 1e-6)
    )
    return {
        "windows_resolved": whole.height,
        "windows_short": max(0, wanted - whole.height),
        "windows_wrong": wrong.height,
        "found_late": int(late),
        "attempts": sorted(whole["attempts"].to_list()),
        "messages_sent": there.height,
        "events_in_gold": here.height,
        "events_lost": lacking(there.select(IDENTITY), here),
        "events_invented": lacking(here, there.select(IDENTITY)),
        "cuts": cuts,
        "cuts_unnoticed": max(0, cuts - errors.height),
        "downtime_seconds": errors["downtime_seconds"].round(2).to_list(),
        "estimated_missed": errors["estimated_missed"].to_list(),
        "messages_withheld": sent.filter(pl.col("withheld").is_not_null())[
            "message_no"
        ].n_unique(),
        "crypto_ticks": dict(
            db.execute(
                "select source, count(*) from gold.crypto_prices group by all"
            ).fetchall()
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
