"""What a run from cron costs: without news, and with 20,000 fills in 3,000 markets.

`python -m benchmarks.cron_run` fetches all datasets of a replica, then again with
nothing new, lets the 20,000 fills of five minutes happen, and fetches once more, at the
default limits. With `--rush-markets 0` they are fills as they come, in few markets.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from benchmarks.homes import Home
from benchmarks.measure import Spent, Target, medians, report, say, scratch
from benchmarks.prepared import Prepared, prepared

MOST_SECONDS = 60.0
QUIET_RUNS = 3
COARSE_PRICES = "[prices]\nfidelity_minutes = 720\nhistory_days = 1.0\n"


def main() -> int:
    """Fetch with and without news, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=20_000)
    parser.add_argument("--fills", type=int, default=1_000_000)
    parser.add_argument("--new", type=int, default=20_000)
    parser.add_argument("--rush-markets", type=int, default=3_000)
    chosen = parser.parse_args()
    size = ("--markets", str(chosen.markets), "--fills", str(chosen.fills))
    rush = ("--rush-markets", str(chosen.rush_markets))
    with (
        scratch(gigabytes=4) as folder,
        prepared(*size, *rush, "--ahead-days", "30") as server,
    ):
        home = Home(folder / "home", server.toml, COARSE_PRICES)
        say("all there is")
        home.fetch("--mode", "all")
        server.asked()
        say("nothing new")
        quiet = [_run(home, server) for _ in range(QUIET_RUNS)]
        news = server.advance(chosen.new)
        say(f"{news['fills']} new fills in {news['markets']} markets")
        done, asked = _run(home, server)
    found: dict[str, Any] = {
        "nothing_new": medians([run for run, _ in quiet])
        | {"requests": sum(quiet[-1][1]["requests"].values())},
        "news": news,
        "with_news": medians([done]) | {"requests": asked["requests"]},
        "rows_new": {
            name: one["rows_new"] for name, one in done.said["datasets"].items()
        },
        "waited": {
            group: one["waited_seconds"] for group, one in done.said["limits"].items()
        },
    }
    targets = [Target("seconds with news", done.seconds, MOST_SECONDS)]
    return report("what does a run from cron cost?", found, targets)


def _run(home: Home, server: Prepared) -> tuple[Spent, Any]:
    done = home.fetch("--mode", "all")
    return done, server.asked()


if __name__ == "__main__":
    sys.exit(main())
