"""The bare floor of fetching trades: ask, read, write; nothing is remembered or proven.

Threads with one `requests` session each walk the markets they are given; each page of
1,000 rows is one `polars.read_json`, and every 250,000 rows are one zstd-1 Parquet file
of all 19 columns. No identity, no lineage, no saved cursor, no retries, no sorting.

`python -m benchmarks.fetch_floor URL FOLDER THREADS IDS` prints the rows written.
"""

from __future__ import annotations

import io
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import requests

FILE_ROWS = 250_000
TEXTS = (
    "proxy_wallet", "side", "token_id", "condition_id", "title", "slug", "icon",
    "event_slug", "outcome", "name", "pseudonym", "bio", "profile_image",
    "profile_image_optimized", "transaction_hash",
)  # fmt: skip
ROW = {name: pl.String() for name in TEXTS} | {
    "size": pl.Float64(),
    "price": pl.Float64(),
    "timestamp": pl.Int64(),
    "outcome_index": pl.Int32(),
}
PAGE = {
    "data": pl.List(pl.Struct(ROW)),
    "pagination": pl.Struct({"next_cursor": pl.String()}),
}


class Files:
    """Whole files of what all threads bring."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._pages: list[pl.DataFrame] = []
        self._waiting = 0
        self._written = 0
        self.rows = 0

    def add(self, page: pl.DataFrame) -> None:
        """Take a page; whoever completes a file writes it."""
        with self._lock:
            self._pages.append(page)
            self._waiting += len(page)
            self.rows += len(page)
            if self._waiting < FILE_ROWS:
                return
            pages, number = self._taken()
        self._write(pages, number)

    def finish(self) -> None:
        """Write what is left."""
        if self._pages:
            self._write(*self._taken())

    def _taken(self) -> tuple[list[pl.DataFrame], int]:
        pages, self._pages, self._waiting = self._pages, [], 0
        self._written += 1
        return pages, self._written

    def _write(self, pages: list[pl.DataFrame], number: int) -> None:
        pl.concat(pages).write_parquet(
            self._folder / f"{number:04}.parquet",
            compression="zstd",
            compression_level=1,
        )


def walk(url: str, condition: str, session: requests.Session, files: Files) -> None:
    """All pages of a market."""
    params = {"condition": condition, "taker_only": "false", "limit": "1000"}
    while True:
        answer = session.get(f"{url}/v2/trades", params=params, timeout=60)
        page = pl.read_json(io.BytesIO(answer.content), schema=PAGE)
        files.add(page["data"].explode().struct.unnest())
        cursor = page["pagination"].struct.field("next_cursor")[0]
        if cursor is None:
            return
        params["cursor"] = cursor


def main(url: str, folder: Path, threads: int, ids: Path) -> None:
    """Walk the markets that a file names."""
    files, own = Files(folder), threading.local()

    def work(condition: str) -> None:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        walk(url, condition, own.session, files)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, ids.read_text().split()))
    files.finish()
    sys.stdout.write(f'{{"rows": {files.rows}}}\n')


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
