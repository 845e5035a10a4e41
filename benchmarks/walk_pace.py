"""Whether parallel walks use what is allowed, and never more.

`python -m benchmarks.walk_pace --seconds 300` serves prepared bytes 100 ms late, and
lets `fetch --mode trades` walk markets at the default limits for so long. The server
counts: requests while it was asked, and the most in any window of ten seconds.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.homes import Home, named
from benchmarks.measure import Target, report, scratch
from benchmarks.prepared import prepared
from fetcher.limits import WINDOW_SECONDS, Pace
from settings import load

GROUP = "data_v2_trades"
LEAST_SHARE = 0.95
MOST_OF_A_CORE = 0.2
START_SECONDS = 15.0  # of Python, of markets looked up


def main() -> int:
    """Walk for a while, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--latency-ms", type=float, default=100.0)
    chosen = parser.parse_args()
    limit = load(None).limits[GROUP]
    fills = int(chosen.seconds * limit / WINDOW_SECONDS * 1_000 * 1.3)
    late = ("--latency-ms", str(chosen.latency_ms))
    with (
        scratch(gigabytes=1 + fills / 1e6) as folder,
        prepared("--fills", str(int(fills * 1.7)), *late) as server,
    ):
        home = Home(folder / "home", server.toml)
        markets = named(server.markets(days=60, fills=fills))
        seconds = str(chosen.seconds + START_SECONDS)
        done = home.fetch("--mode", "trades", "--timeout", seconds, *markets)
        asked = server.asked()
    lasted = asked["seconds"][GROUP]
    allowed = Pace(limit)
    could = allowed.burst + lasted / allowed.interval
    found = {
        "requests": asked["requests"],
        "seconds_asked": lasted,
        "most_in_10_seconds": asked["most_in_10_seconds"][GROUP],
        "limit": limit,
        "cpu_seconds": round(done.cpu_seconds, 1),
        "server_cpu_seconds": asked["server_cpu_seconds"],
        "limits": done.said["limits"],
    }
    used = asked["requests"]["GET /data/v2/trades"] / could
    targets = [
        Target("share of the allowed rate not used", 1 - used, 1 - LEAST_SHARE),
        Target("most in 10 seconds", asked["most_in_10_seconds"][GROUP], limit),
        Target("cores used", done.cpu_seconds / done.seconds, MOST_OF_A_CORE),
    ]
    return report("do walks use what is allowed?", found, targets)


if __name__ == "__main__":
    sys.exit(main())
