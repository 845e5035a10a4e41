"""What folds for a capture, as a process: `python -m fetcher.live.folding`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetcher.entry import keep_memory_warm, log_to_stderr

if TYPE_CHECKING:
    from lake.lake import Lake

COMMAND = (sys.executable, "-P", "-m", "fetcher.live.folding")


def main() -> None:
    """Fold what is asked for on stdin, until that is closed."""
    keep_memory_warm()
    log_to_stderr(sys.stderr)

    from fetcher.opening import lake_to_write
    from lake.apart import serve
    from settings.model import Lake as Care

    def opened(hello: Mapping[str, Any]) -> Lake:
        return lake_to_write(Path(hello["lake"]), Care(**hello["care"]))

    serve(sys.stdin, sys.stdout, opened)


if __name__ == "__main__":
    main()
