"""The process of `fetch`: its log, its memory, and the terminal of the bars."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

from settings.entry import log_to

# Pages come and go as fast as they are fetched. What polars' allocator gives back at
# once it must be given anew, zeroed, for the next page: a sixth of all CPU time. With
# an arena for each of two threads it keeps what those of two need, not of eight.
ALLOCATOR = "dirty_decay_ms:5000,muzzy_decay_ms:5000,narenas:2"
# Arrow's own choice, mimalloc, keeps a third more of what many threads have freed.
ARROW_POOL = "jemalloc"


def keep_memory_warm() -> None:
    """Say how freed memory is kept; to be called before polars or Arrow is imported."""
    os.environ.setdefault("_RJEM_MALLOC_CONF", ALLOCATOR)
    if sys.platform == "linux":  # where Arrow is built with it
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", ARROW_POOL)


def log_to_stderr(stream: TextIO) -> None:
    """Send the log to `stream`, above the bars if it is a terminal."""
    handler: logging.Handler = logging.StreamHandler(stream)
    if is_terminal(stream):
        from fetcher.progress import LogAboveBars

        handler = LogAboveBars()
    log_to(handler)
    # It warns of every broken connection; what comes of it is said by us.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def is_terminal(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that is wide enough to draw on."""
    try:
        return stream.isatty() and os.get_terminal_size(stream.fileno()).columns > 0
    except (OSError, ValueError):
        return False
