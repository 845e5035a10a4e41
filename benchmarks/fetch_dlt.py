"""The same markets by dlt's REST source, as its documentation shows it.

`python -m benchmarks.fetch_dlt URL FOLDER THREADS IDS filesystem|duckdb`, with a Python
that has what benchmarks/requirements.lock pins, which is none of our packages: an
environment of its own, handed to `fetch_cost --dlt`. Pages are followed by its cursor
paginator; the ids are its parent resource. Prints the rows.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def main(url: str, folder: Path, threads: int, ids: Path, kind: str) -> None:
    """Load all trades of the markets."""
    os.environ |= {
        "DLT_DATA_DIR": str(folder / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "EXTRACT__WORKERS": str(threads),
        "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "250000",
    }
    import dlt
    from dlt.sources.rest_api import rest_api_resources

    markets = [{"condition_id": market} for market in ids.read_text().split()]
    config: Any = {
        "client": {
            "base_url": url,
            "paginator": {
                "type": "cursor",
                "cursor_path": "pagination.next_cursor",
                "cursor_param": "cursor",
            },
        },
        "resources": [
            dlt.resource([markets], name="markets", selected=False),
            {
                "name": "trades",
                "parallelized": True,
                "endpoint": {
                    "path": "v2/trades",
                    "data_selector": "data",
                    "params": {
                        "condition": "{resources.markets.condition_id}",
                        "taker_only": "false",
                        "limit": 1000,
                    },
                },
            },
        ],
    }
    destination: Any = (
        dlt.destinations.filesystem(bucket_url=(folder / "out").as_uri())
        if kind == "filesystem"
        else dlt.destinations.duckdb(str(folder / "out.duckdb"))
    )
    pipeline = dlt.pipeline(
        "trades", destination=destination, pipelines_dir=str(folder / "pipelines")
    )
    more: Any = {"loader_file_format": "parquet"} if kind == "filesystem" else {}
    pipeline.run(rest_api_resources(config), **more)
    counts = pipeline.last_trace.last_normalize_info.row_counts
    sys.stdout.write(f'{{"rows": {counts["trades"]}}}\n')


if __name__ == "__main__":
    main(
        sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), sys.argv[5]
    )
