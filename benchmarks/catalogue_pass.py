"""How long a full pass over the catalogue takes at the default limits.

`python -m benchmarks.catalogue_pass --markets 1500000` serves a catalogue 100 ms late,
and lets `fetch --mode markets --full` read it into an empty lake, from both listings of
Gamma and from the CLOB's. Then `ingest` takes it in. Targets are held to the whole of
1.5 million markets only; CPU seconds a market can be told with fewer.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.homes import Home
from benchmarks.measure import Target, report, say, scratch
from benchmarks.prepared import prepared

MOST_SECONDS = 600.0
MOST_SECONDS_OPEN = 180.0
OF_MARKETS = 1_500_000


def main() -> int:
    """Read the whole catalogue, take it in, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=100_000)
    parser.add_argument("--latency-ms", type=float, default=100.0)
    chosen = parser.parse_args()
    size = ("--markets", str(chosen.markets))
    late = ("--latency-ms", str(chosen.latency_ms))
    module = "benchmarks.prepared_catalogue"
    with (
        scratch(gigabytes=2 + chosen.markets / 1e5) as folder,
        prepared(*size, *late, module=module) as server,
    ):
        home = Home(folder / "home", server.toml)
        done = home.fetch("--mode", "markets", "--full")
        asked = server.asked()
        say("taking it in")
        taken_in = home.ingest()
    datasets = done.said["datasets"]
    until = asked["seconds_until_last_page"]
    found = {
        "rows_new": {name: one["rows_new"] for name, one in datasets.items()},
        "seconds": round(done.seconds, 1),
        "seconds_until_last_page": until,
        "cpu_seconds": round(done.cpu_seconds, 1),
        "cpu_ms_a_market": round(done.cpu_seconds / chosen.markets * 1e3, 3),
        "peak_mb": round(done.peak_mb),
        "requests": asked["requests"],
        "most_in_10_seconds": asked["most_in_10_seconds"],
        "server_cpu_seconds": asked["server_cpu_seconds"],
        "ingest_cpu_seconds": round(taken_in.cpu_seconds, 1),
        "ingest_seconds": round(taken_in.seconds, 1),
        "ingest_peak_mb": round(taken_in.peak_mb),
    }
    targets = [
        Target("markets that are missing", chosen.markets - held(datasets), 0),
        Target("seconds", done.seconds, MOST_SECONDS),
        Target("seconds for open ones", until["markets, open"], MOST_SECONDS_OPEN),
    ]
    whole = chosen.markets >= OF_MARKETS
    return report(
        "how long does the whole catalogue take?",
        found,
        targets if whole else targets[:1],
    )


def held(datasets: dict[str, dict[str, int]]) -> int:
    """How many markets the lake has now: each is stored once."""
    return datasets["markets"]["rows_new"]


if __name__ == "__main__":
    sys.exit(main())
