"""How long a person waits for `fetch --help`: `python -m benchmarks.fetch_help`.

Beside a Python that does nothing, so that a busy machine shows as one.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.measure import BIN, Target, in_turns, medians, report, spent

MOST_SECONDS = 0.3


def main() -> int:
    """Measure in turns, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=9)
    chosen = parser.parse_args()
    ways = {
        "fetch --help": lambda: spent([BIN / "fetch", "--help"]),
        "python": lambda: spent([sys.executable, "-c", "pass"]),
    }
    cost = {
        name: medians(runs) for name, runs in in_turns(ways, times=chosen.times).items()
    }
    # CPU: what it takes on a machine that has nothing else to do
    target = Target(
        "CPU seconds of fetch --help", cost["fetch --help"]["cpu_seconds"], MOST_SECONDS
    )
    return report("how long does fetch --help take?", {"cost": cost}, [target])


if __name__ == "__main__":
    sys.exit(main())
