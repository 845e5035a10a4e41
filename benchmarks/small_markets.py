"""How many requests a backfill of many small markets takes.

`python -m benchmarks.small_markets` serves a replica of 28,000 markets, of which 6,000
traded at all, a median of four fills, fetches the catalogue, and counts what `fetch
--mode trades` asks for then beside the pages of markets that are walked alone: packs of
small markets, both sides and takers. The feed reaches the young ones. The target of
2,000 requests is for 20,000 markets, and is held to in proportion.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.homes import UNLIMITED, Home
from benchmarks.measure import Target, report, scratch
from benchmarks.prepared import prepared

MOST_REQUESTS = 2_000
OF_MARKETS = 20_000


def main() -> int:
    """Fetch the small markets, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=30_000)
    parser.add_argument("--fills", type=int, default=100_000)
    chosen = parser.parse_args()
    size = ("--markets", str(chosen.markets), "--fills", str(chosen.fills))
    with scratch(gigabytes=4) as folder, prepared(*size) as server:
        counts = [fills for _, fills in server.listed(days=100_000)]
        home = Home(folder / "home", server.toml, UNLIMITED)
        listed = home.fetch("--mode", "markets").said["datasets"]["markets"]["rows_new"]
        server.asked()
        done = home.fetch("--mode", "trades")
        asked = server.asked()["requests"]
    trades = done.said["datasets"]["trades"]
    packs = asked.get("GET /data/v2/trades of several markets", 0)
    found = {
        "markets": listed,
        "markets_that_traded": len(counts),
        "median_fills": sorted(counts)[len(counts) // 2],
        "fills": sum(counts),
        "fills_stored": trades["rows_new"],
        "requests": asked,
        "cpu_seconds": round(done.cpu_seconds, 1),
        "peak_mb": round(done.peak_mb),
    }
    most = MOST_REQUESTS * listed / OF_MARKETS
    targets = [Target("requests of packs, takers' included", packs, most)]
    return report("how many requests do small markets take?", found, targets)


if __name__ == "__main__":
    sys.exit(main())
