"""Prove the road at scale: a whole replica fetched, and every promise held against it.

`python -m benchmarks.prove_road --size large --folder /tmp/proof` serves a replica,
fetches and ingests it by the commands a user types, and compares gold with what the
replica says it can serve. Then it takes single rows away, from the warehouse, from
bronze, and from the exchange, and counts which of the losses are noticed.

Prints one JSON object; exit 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq

from benchmarks.measure import BIN, spent

IDENTITY = (
    "transaction_hash, proxy_wallet, condition_id, token_id, side, timestamp, "
    "round(size, 6) as size, round(price, 6) as price"
)
HELD = f"""
    select {IDENTITY} from (
        select *, epoch(traded_at)::bigint as timestamp from gold.trades
    )
"""


def main() -> int:
    """Run all proofs; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="large")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--pace", default="20")
    parser.add_argument("--losses", type=int, default=100)
    parser.add_argument("--folder", type=Path, required=True)
    chosen = parser.parse_args()
    folder: Path = chosen.folder
    folder.mkdir(parents=True)
    options = ["--size", chosen.size, "--seed", chosen.seed, "--pace", chosen.pace]
    found: dict[str, Any] = {"options": options}
    with replica(options) as box:
        lake = Lake(folder / "whole", box)
        found["fetch"] = lake.run("fetch", "--mode", "all")
        found["second_fetch"] = lake.run("fetch", "--mode", "all")
        found["ingest"] = lake.run("ingest")
        truth = box.truth(folder / "truth")
        found["truth"] = compared(lake, truth)
        found["lost_in_warehouse"] = lost_in_warehouse(lake, chosen.losses)
        found["lost_in_bronze"] = lost_in_bronze(lake, chosen.losses)
        shutil.rmtree(lake.folder)
        lost = box.drop(rows_to_lose(truth, chosen.losses))
        robbed = Lake(folder / "robbed", box)
        robbed.run("fetch", "--mode", "all")
        robbed.run("ingest")
        found["lost_at_the_exchange"] = noticed(robbed.db(), lost)
    sys.stdout.write(json.dumps(found, indent=1, default=str) + "\n")
    return 1 if broken(found) else 0


class Replica:
    """A running sandbox, and what its admin routes tell and do."""

    def __init__(self, toml: str) -> None:
        self.toml = toml
        base = next(line for line in toml.splitlines() if "base_url" in line)
        self._root = base.split('"')[1].rsplit("/", 1)[0]

    def ask(self, path: str) -> Any:
        """POST to an admin route."""
        request = urllib.request.Request(f"{self._root}/_sandbox/{path}", method="POST")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def truth(self, folder: Path) -> Path:
        """Write the truth as of now, and return the folder."""
        self.ask(f"truth?out={folder}")
        return folder

    def drop(self, fills: pl.DataFrame) -> list[str]:
        """Never serve these fills; return their markets."""
        for sequence in fills["sequence"]:
            self.ask(f"drop-row?sequence={sequence}")
        return fills["condition_id"].to_list()


class Lake:
    """A folder with its settings, and the commands run in it."""

    def __init__(self, folder: Path, box: Replica) -> None:
        self.folder = folder
        folder.mkdir()
        self.config = folder / "config.toml"
        self.config.write_text(
            box.toml + '\n[paths]\nlake = "data"\n'
            'warehouse = "data/warehouse.duckdb"\ncursors = "cursor.json"\n'
            # the proof is about fills: a day of coarse prices is enough
            "[prices]\nfidelity_minutes = 720\nhistory_days = 1\nmirror_sample = 0\n"
        )

    def run(self, program: str, *options: str) -> dict[str, Any]:
        """Run a command; return its summary, seconds and peak memory."""
        done = spent(
            [BIN / program, *options, "--config", self.config, "--json"], may_fail=True
        )
        summary = done.said
        datasets = summary["datasets"]
        return {
            "exit_code": done.exit_code,
            "failures": summary["failures"],
            "seconds": round(done.seconds, 1),
            "cpu_seconds": round(done.cpu_seconds, 1),
            "peak_mb": round(done.peak_mb),
            "requests": sum(one["requests"] for one in datasets.values()),
            "rows_new": {name: one["rows_new"] for name, one in datasets.items()},
            "completeness": summary.get("completeness"),
        }

    def db(self) -> duckdb.DuckDBPyConnection:
        """A copy of the warehouse that may be written."""
        copy = self.folder / "copy.duckdb"
        copy.unlink(missing_ok=True)
        shutil.copyfile(self.folder / "data" / "warehouse.duckdb", copy)
        return duckdb.connect(str(copy))


@contextmanager
def replica(options: list[str]) -> Iterator[Replica]:
    """Run a sandbox as a process of its own."""
    server = subprocess.Popen(
        [str(BIN / "sandbox"), "serve", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stderr is not None
    try:
        toml: list[str] = []
        while server.stderr.readline().strip() != "ready":
            if server.poll() is not None:
                raise SystemExit("the sandbox did not start")
        for line in server.stdout:
            toml.append(line)
            if line.startswith("[apis.clob]"):
                toml.append(server.stdout.readline())
                break
        yield Replica("".join(toml))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)


def compared(lake: Lake, truth: Path) -> dict[str, Any]:
    """Hold gold against the replica's own account."""
    db = lake.db()
    fills, markets = truth / "fills.parquet", truth / "markets.parquet"
    db.execute(f"create temp table held as {HELD}")
    db.execute(
        f"create temp table served as select {IDENTITY} from '{fills}' where servable"
    )

    def count(sql: str) -> int:
        return int(db.execute(sql).fetchall()[0][0])

    judged = f"""
        from '{markets}' as truth
        left join gold.market_completeness as held using (condition_id)
        where not truth.combo and truth.condition_id <> ''
    """
    return {
        "fills_servable": count("select count(*) from served"),
        "fills_held": count("select count(*) from held"),
        "lost": count("select count(*) from (from served except all from held)"),
        "doubled_or_invented": count(
            "select count(*) from (from held except all from served)"
        ),
        "markets": count(f"select count(*) from '{markets}' where not combo"),
        "markets_hidden": count(f"select count(*) from '{markets}' where hidden"),
        "markets_unknown_to_us": count(
            f"select count(*) from '{markets}' as truth where not combo and id not in "
            "(select gamma_id from silver.MarketDim where gamma_id is not null)"
        ),
        "whole_markets": count(
            f"select count(*) {judged} and fills_servable = fills_total"
        ),
        "whole_markets_not_called_complete": count(
            f"select count(*) {judged} and fills_servable = fills_total "
            "and status is distinct from 'complete'"
        ),
        "others_called_complete": count(
            f"select count(*) {judged} and fills_servable < fills_total "
            "and status = 'complete'"
        ),
        "others_by_reason": dict(
            db.execute(
                f"select status || ' ' || reason, count(*) {judged} "
                "and fills_servable < fills_total group by all order by all"
            ).fetchall()
        ),
    }


def rows_to_lose(truth: Path, count: int) -> pl.DataFrame:
    """The smallest fill, and others at random, of whole markets, one a market."""
    markets = pl.scan_parquet(truth / "markets.parquet").filter(
        (pl.col("fills_servable") == pl.col("fills_total")) & ~pl.col("combo")
    )
    fills = (
        pl.scan_parquet(truth / "fills.parquet")
        .filter("servable")
        .join(markets.select("condition_id"), on="condition_id", how="semi")
        .collect()
    )
    smallest = fills.sort("size").head(1)
    others = (
        fills.filter(pl.col("condition_id") != smallest["condition_id"][0])
        .sample(fraction=1, shuffle=True, seed=1)
        .unique("condition_id", keep="first", maintain_order=True)
        .head(count - 1)
    )
    return pl.concat([smallest, others])


def lost_in_warehouse(lake: Lake, count: int) -> dict[str, int]:
    """Delete one row of TradeFact at a time, and see what its market is called."""
    db = lake.db()
    rows = db.execute(
        f"""
        select trade.rowid, market.condition_id
        from silver.TradeFact as trade
        inner join silver.MarketKey as market using (market_key)
        inner join gold.market_completeness as held using (condition_id)
        where held.status = 'complete'
        order by trade.size = (select min(size) from silver.TradeFact) desc,
            hash(trade.rowid)
        limit {count}
        """
    ).fetchall()
    noticed_rows = 0
    for rowid, condition_id in rows:
        db.execute("begin")
        db.execute("delete from silver.TradeFact where rowid = ?", [rowid])
        noticed_rows += status_of(db, condition_id) != "complete"
        db.execute("rollback")
    return {"taken_away": len(rows), "noticed": noticed_rows}


def lost_in_bronze(lake: Lake, count: int) -> dict[str, int]:
    """Take one row out of each of many bronze files, and build the warehouse anew."""
    files = sorted((lake.folder / "data" / "trades").glob("dt=*/*.parquet"))
    complete = {
        row[0]
        for row in lake.db()
        .execute(
            "select condition_id from gold.market_completeness "
            "where status = 'complete'"
        )
        .fetchall()
    }
    lost: list[str] = []
    for path in random.Random(1).sample(files, len(files)):
        if len(lost) == count:
            break
        table = pq.read_table(path, partitioning=None)
        markets = table["condition_id"].to_pylist()
        place = next(
            (i for i, m in enumerate(markets) if m in complete and m not in lost), None
        )
        if place is not None:
            lost.append(markets[place])
            keep = [i for i in range(table.num_rows) if i != place]
            pq.write_table(table.take(keep), path)
    lake.run("ingest", "--rebuild")
    return noticed(lake.db(), lost)


def noticed(db: duckdb.DuckDBPyConnection, lost: list[str]) -> dict[str, int]:
    """How many of the robbed markets are not called complete."""
    return {
        "taken_away": len(lost),
        "noticed": sum(status_of(db, market) != "complete" for market in lost),
    }


def status_of(db: duckdb.DuckDBPyConnection, condition_id: str) -> str:
    """The status of one market."""
    rows = db.execute(
        "select status from gold.market_completeness where condition_id = ?",
        [condition_id],
    ).fetchall()
    return str(rows[0][0])


def broken(found: dict[str, Any]) -> bool:
    """Whether a promise was broken."""
    truth = found["truth"]
    wrong = (
        "lost",
        "doubled_or_invented",
        "markets_unknown_to_us",
        "whole_markets_not_called_complete",
        "others_called_complete",
    )
    losses = [value for name, value in found.items() if name.startswith("lost_")]
    return any(truth[name] for name in wrong) or any(
        one["noticed"] != one["taken_away"] for one in losses
    )


if __name__ == "__main__":
    sys.exit(main())
