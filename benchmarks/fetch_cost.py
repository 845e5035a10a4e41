"""What a million fetched fills cost in CPU, against the bare floor and against dlt.

`python -m benchmarks.fetch_cost` serves some hundred young markets from prepared bytes,
and lets `fetch`, the floor (fetch_floor.py) and, with `--dlt PYTHON`, dlt's REST source
(fetch_dlt.py, run by that Python) walk them in turns, each into an empty folder.
`fetch` asks for both sides only, as the others do; its time has everything in it, from
the start of Python to the folded and committed files.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.homes import UNLIMITED, Home, named
from benchmarks.measure import (
    ROOT,
    TIMES,
    Spent,
    Target,
    in_turns,
    medians,
    report,
    scratch,
    spent,
)
from benchmarks.prepared import Prepared, prepared

DAYS = 60
THREADS = 8
OF_FLOOR = 1.5
OF_DLT = 0.2
BOTH_SIDES_ONLY = "[trades]\ntaker_walk = false\n"


def main() -> int:
    """Measure in turns, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fills", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--dlt", metavar="PYTHON", help="a Python that has dlt")
    chosen = parser.parse_args()
    with (
        scratch(gigabytes=1 + chosen.fills / 1e6) as folder,
        prepared("--fills", str(int(chosen.fills * 1.7))) as server,
    ):
        markets = server.markets(days=DAYS, fills=chosen.fills)
        ways = Ways(server, folder, markets)
        turns: dict[str, Callable[[], Spent]] = {
            "floor": ways.floor,
            "fetch": ways.fetch,
        }
        if chosen.dlt:
            turns |= {
                f"dlt to {kind}": ways.dlt(chosen.dlt, kind)
                for kind in ("filesystem", "duckdb")
            }
        rows = ways.floor().said["rows"]  # and all answers are prepared
        ways.fetch()
        server.asked()
        runs = in_turns(turns, times=chosen.times)
        asked = server.asked()
    cost = {
        name: {
            **medians(some),
            "cpu_seconds_a_million": _middle(some) / rows * 1e6,
        }
        for name, some in runs.items()
    }
    fetch = _middle(runs["fetch"])
    targets = [Target("fetch to floor", fetch / _middle(runs["floor"]), OF_FLOOR)]
    if chosen.dlt:
        cheapest = min(_middle(runs[name]) for name in runs if name.startswith("dlt"))
        targets.append(Target("fetch to dlt", fetch / cheapest, OF_DLT))
    found: dict[str, Any] = {
        "fills": rows,
        "markets": len(markets),
        "cost": cost,
        "server_cpu_seconds_a_run": asked["server_cpu_seconds"]
        / (len(turns) * chosen.times),
    }
    return report("what does a million fills cost to fetch?", found, targets)


class Ways:
    """The ways to fetch the same markets, each into a folder that is empty."""

    def __init__(self, server: Prepared, folder: Path, markets: list[str]) -> None:
        self._server = server
        self._folder = folder
        self._markets = markets
        self._ids = folder / "markets.txt"
        self._ids.write_text("\n".join(markets))

    def fetch(self) -> Spent:
        """`fetch`, the whole of it."""
        place = Path(tempfile.mkdtemp(dir=self._folder))
        home = Home(place / "home", self._server.toml, UNLIMITED, BOTH_SIDES_ONLY)
        done = home.fetch("--mode", "trades", *named(self._markets))
        shutil.rmtree(place)
        return done

    def floor(self) -> Spent:
        """The bare floor."""
        return self._other(sys.executable, "benchmarks.fetch_floor")

    def dlt(self, python: str, kind: str) -> Callable[[], Spent]:
        """dlt, to Parquet files or to DuckDB."""
        return lambda: self._other(python, "benchmarks.fetch_dlt", kind)

    def _other(self, python: str, module: str, *more: str) -> Spent:
        place = Path(tempfile.mkdtemp(dir=self._folder))
        words: list[str | Path] = [python, "-m", module, f"{self._server.base}/data"]
        words += [place, str(THREADS), self._ids, *more]
        done = spent(words, folder=ROOT)
        shutil.rmtree(place)
        return done


def _middle(runs: list[Spent]) -> float:
    return medians(runs)["cpu_seconds"]


if __name__ == "__main__":
    sys.exit(main())
