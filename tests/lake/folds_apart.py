"""The process that folds a small lake, for the tests: its folder is in the hello."""

from __future__ import annotations

import sys
from pathlib import Path

from small_lake import SmallLake

from lake.apart import serve
from lake.lake import Lake


def opened(hello) -> Lake:
    return Lake.open(Path(hello["lake"]), SmallLake.datasets)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, opened)
