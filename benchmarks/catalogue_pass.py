"""How long a full pass over the catalogue takes at the default limits.

`python -m benchmarks.catalogue_pass --markets 1500000` serves a catalogue 100 ms late,
and lets `fetch --mode markets --full` read it into an empty lake. With 100,000 markets
it takes minutes to prepare instead of an hour.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.homes import Home
from benchmarks.measure import Target, report, scratch
from benchmarks.prepared import prepared

MOST_SECONDS = 600.0
OF_MARKETS = 1_500_000


def main() -> int:
    """Read the whole catalogue once to prepare it, then once more to measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=100_000)
    parser.add_argument("--latency-ms", type=float, default=100.0)
    chosen = parser.parse_args()
    size = ("--markets", str(chosen.markets), "--fills", str(chosen.markets))
    late = ("--latency-ms", str(chosen.latency_ms))
    with (
        scratch(gigabytes=2 + chosen.markets / 1e5) as folder,
        prepared(*size, *late) as server,
    ):
        Home(folder / "first", server.toml).fetch("--mode", "markets", "--full")
        server.asked()
        done = Home(folder / "home", server.toml).fetch("--mode", "markets", "--full")
        asked = server.asked()
    found = {
        "markets": done.said["datasets"]["markets"]["rows_new"],
        "seconds": round(done.seconds, 1),
        "cpu_seconds": round(done.cpu_seconds, 1),
        "cpu_seconds_a_million_markets": round(
            done.cpu_seconds / chosen.markets * 1e6, 1
        ),
        "peak_mb": round(done.peak_mb),
        "requests": asked["requests"],
        "most_in_10_seconds": asked["most_in_10_seconds"],
        "server_cpu_seconds": asked["server_cpu_seconds"],
    }
    whole = chosen.markets >= OF_MARKETS
    targets = [Target("seconds", done.seconds, MOST_SECONDS)] if whole else []
    return report("how long does the whole catalogue take?", found, targets)


if __name__ == "__main__":
    sys.exit(main())
