"""Whether the memory of `fetch` grows with what it fetches.

`python -m benchmarks.fetch_memory --millions 1 10` fetches so many million fills from
prepared bytes, each into an empty lake, and tells the peak of each run.
"""

from __future__ import annotations

import argparse
import shutil
import sys

from benchmarks.fetch_cost import BOTH_SIDES_ONLY, DAYS
from benchmarks.homes import UNLIMITED, Home, named
from benchmarks.measure import Target, report, say, scratch
from benchmarks.prepared import prepared

MOST_MB = 500.0
FLAT = 1.2  # the largest may have so many times the peak of the smallest


def main() -> int:
    """Fetch less and more, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1.0, 10.0])
    chosen = parser.parse_args()
    most = int(max(chosen.millions) * 1e6)
    found = {}
    with (
        scratch(gigabytes=2 + most / 1e6) as folder,
        prepared("--fills", str(int(most * 1.7))) as server,
    ):
        for millions in sorted(chosen.millions):
            say(f"{millions:g} million fills")
            home = Home(folder / "home", server.toml, UNLIMITED, BOTH_SIDES_ONLY)
            fills = int(millions * 1e6)
            # no market so large that it is walked alone while the other threads wait
            markets = server.markets(days=DAYS, fills=fills, largest=fills // 20)
            done = home.fetch("--mode", "trades", *named(markets))
            found[f"{millions:g} million"] = {
                "fills": done.said["datasets"]["trades"]["rows_new"],
                "peak_mb": round(done.peak_mb),
                "cpu_seconds": round(done.cpu_seconds, 1),
            }
            shutil.rmtree(home.folder)
    peaks = [one["peak_mb"] for one in found.values()]
    targets = [
        Target("peak, MiB", max(peaks), MOST_MB),
        Target("largest peak to smallest", max(peaks) / peaks[0], FLAT),
    ]
    return report("does memory grow with what is fetched?", {"runs": found}, targets)


if __name__ == "__main__":
    sys.exit(main())
