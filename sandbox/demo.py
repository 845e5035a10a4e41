"""The whole road in one command, against the replica: what `make demo` runs.

Every step is the command a person would type; it is printed before it runs, so that the
demo doubles as a first lesson. Everything is written below one folder.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BIN = Path(sys.executable).parent
PATHS = """
[paths]
lake = "data"
warehouse = "data/warehouse.duckdb"
cursors = "cursor.json"
"""

QUESTIONS = {
    "How much was traded, day by day?": (
        "select trade_date, sum(trades) as fills, sum(matches) as matches, "
        "round(sum(volume_usd)) as volume_usd from gold.daily_volume "
        "group by all order by trade_date desc limit 7"
    ),
    "Which markets moved the most money?": (
        "select question, trades_held, traders, round(volume_usd) as volume_usd, "
        "last_price from gold.market_summary order by volume_usd desc limit 8"
    ),
    "What do the newest fills look like?": (
        "select traded_at, outcome, side, is_taker, price, size, question "
        "from gold.trades order by traded_at desc, order_in_second desc limit 6"
    ),
}


def main() -> int:
    """Serve the replica, fetch it whole, ingest it, ask three questions, prove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("demo"))
    parser.add_argument("--size", default="small")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    with replica(arguments.size, arguments.seed) as toml:
        config = folder / "config.toml"
        config.write_text(toml + PATHS, encoding="utf-8")
        steps = [
            ["fetch", "--mode", "all"],
            ["ingest"],
            *(["warehouse", "query", question] for question in QUESTIONS.values()),
            ["warehouse", "completeness", "--strict"],
        ]
        titles = [
            "Fetch every market, event and trade",
            "Build the warehouse",
            *QUESTIONS,
            "Is anything missing?",
        ]
        for title, step in zip(titles, steps, strict=True):
            code = run(title, [*step, "--config", str(config)])
            if code and step[:2] != ["warehouse", "completeness"]:
                return code
        again = run(
            "A second run costs what is new",
            ["fetch", "--mode", "all", "--config", str(config)],
        )
    show(
        f"The lake is in {folder}/data, the warehouse in {folder}/data/warehouse.duckdb"
    )
    return again


@contextmanager
def replica(size: str, seed: int) -> Iterator[str]:
    """Run the sandbox server and yield the TOML that points a client at it."""
    command = [str(BIN / "sandbox"), "serve", "--size", size, "--seed", str(seed)]
    show(f"$ {shlex.join(['sandbox', *command[1:]])} &")
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        assert server.stderr is not None
        for line in server.stderr:
            if line.strip() == "ready":
                break
        else:
            raise SystemExit(f"the sandbox did not start: exit {server.wait()}")
        os.set_blocking(server.stdout.fileno(), False)
        yield server.stdout.read()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)


def run(title: str, command: list[str]) -> int:
    """Print the step, run it with its output shown, and return its exit code."""
    show(f"\n── {title} ──\n$ {shlex.join(command)}")
    return subprocess.call([str(BIN / command[0]), *command[1:]])


def show(text: str) -> None:
    """Write one piece of the lesson at once, in order with the commands' output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
