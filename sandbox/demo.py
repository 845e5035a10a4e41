"""The whole road in one command, against the replica: what `make demo` runs.

Every step is the command a person would type; it is printed before it runs, so that the
demo doubles as a first lesson. Everything is written below one folder, which the demo
makes itself; a later demo of the same replica starts that folder over.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.options import SIZES

BIN = Path(sys.executable).parent
MARKER = ".polylake-demo.json"
PATHS = """
[paths]
lake = "data"
warehouse = "data/warehouse.duckdb"
cursors = "cursor.json"

[prices]
fidelity_minutes = 30  # coarse, so that the demo is short
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
    "How did the price of the largest one move?": (
        "select bucket_start::date as day, outcome, open, high, low, close, matches, "
        "round(volume_usd) as volume_usd from gold.ohlc_1d where condition_id = "
        "(from gold.market_summary select arg_max(condition_id, volume_usd)) "
        "order by day desc, outcome limit 6"
    ),
    "Who made the most, net of fees?": (
        "select proxy_wallet, trades, markets, round(volume_usd) as volume_usd, "
        "round(gross_pnl_usd) as gross_usd, round(fees_usd) as fees_usd, "
        "round(net_pnl_usd) as net_usd, round(win_rate, 2) as win_rate "
        "from gold.trader_stats order by net_pnl_usd desc nulls last limit 6"
    ),
    "Were the prices right, a day before the end?": (
        "select price_from, price_to, markets, round(mean_price, 3) as mean_price, "
        "round(mean_payout, 3) as came_true, round(brier_score, 4) as brier_score "
        "from gold.calibration_bins where horizon = '1d' order by price_from"
    ),
}


class NotOurs(Exception):
    """The folder is none that this demo may write to; the message says why."""


def main() -> int:
    """Serve the replica, fetch it whole, ingest it, ask six questions, prove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("demo"))
    parser.add_argument("--size", default="small", choices=SIZES)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    try:
        with own_folder(arguments.folder, arguments.size, arguments.seed) as folder:
            return walk_the_road(folder, arguments.size, arguments.seed)
    except (NotOurs, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def walk_the_road(folder: Path, size: str, seed: int) -> int:
    """Do the steps in a folder that holds nothing yet; return the exit code."""
    show(
        "The commands are those of .venv/bin: `source .venv/bin/activate` to type them."
    )
    with replica(size, seed) as toml:
        config = written(folder, toml + PATHS)
        steps = {
            "Fetch everything": ["fetch", "--mode", "all"],
            "Build the warehouse": ["ingest"],
            **{title: ["warehouse", "query", sql] for title, sql in QUESTIONS.items()},
            "Is anything missing? (The replica has the holes of the real exchange.)": [
                *("warehouse", "completeness")
            ],
            "A second run costs what is new": ["fetch", "--mode", "all"],
        }
        for title, step in steps.items():
            code = run(title, [*step, "--config", str(config)])
            if code:
                return code
    show(
        f"\nThe lake is in {folder}/data, the warehouse in "
        f"{folder}/data/warehouse.duckdb. Ask it more:\n"
        f"$ warehouse query 'select * from gold.top_markets' --config {config}"
    )
    return 0


# The folder


@contextmanager
def own_folder(folder: Path, size: str, seed: int) -> Iterator[Path]:
    """Give the demo's folder, emptied of an earlier demo of the same replica.

    NotOurs for a folder that no demo made, or one of another replica, or one whose
    settings somebody has changed: nothing in it is touched.
    """
    marker = folder / MARKER
    if folder.exists() and not folder.is_dir():
        raise NotOurs(f"{folder} is no folder: name another with --folder.")
    is_new = not folder.exists() or not any(folder.iterdir())
    if not is_new and not marker.is_file():
        raise NotOurs(f"{folder} was not made by the demo: name another with --folder.")
    folder.mkdir(parents=True, exist_ok=True)
    with marker.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotOurs(f"Another demo is at work in {folder}.") from None
        if not is_new:
            start_over(folder, size, seed)
        marker.write_text(json.dumps({"size": size, "seed": seed}) + "\n", "utf-8")
        yield folder


def start_over(folder: Path, size: str, seed: int) -> None:
    """Remove what the last demo made, if it was this one."""
    try:
        made = json.loads((folder / MARKER).read_text("utf-8"))
    except ValueError:
        made = {"size": "unknown", "seed": "unknown"}
    if (made.get("size"), made.get("seed")) != (size, seed):
        raise NotOurs(
            f"{folder} holds a demo of size {made.get('size')} and seed "
            f"{made.get('seed')}: delete it, or name another with --folder."
        )
    config = folder / "config.toml"
    if config.exists() and digest_of(config.read_text("utf-8")) != made.get("config"):
        raise NotOurs(
            f"{config} is not as the demo left it: name another folder with --folder."
        )
    show(f"{folder} holds an earlier demo: it is removed, and this one starts fresh.")
    for name in ("config.toml", "cursor.json", "cursor.json.lock"):
        (folder / name).unlink(missing_ok=True)
    if (folder / "data").exists():
        shutil.rmtree(folder / "data")


def written(folder: Path, toml: str) -> Path:
    """Write the settings, and note in the marker that they are the demo's own."""
    marker = folder / MARKER
    made = json.loads(marker.read_text("utf-8")) | {"config": digest_of(toml)}
    marker.write_text(json.dumps(made) + "\n", "utf-8")
    config = folder / "config.toml"
    config.write_text(toml, "utf-8")
    return config


def digest_of(text: str) -> str:
    """Return what tells this text from any other."""
    return hashlib.sha256(text.encode()).hexdigest()


# The steps


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
        said = []
        for line in server.stderr:
            said.append(line.strip())
            if line.strip() == "ready":
                break
        else:
            raise NotOurs(f"The sandbox did not start: {' '.join(said).strip()}")
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
