"""A small bronze lake to take in, committed through the lake's own log."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bronze import DATASETS
from lake.delta_log import DeltaLog, new_file
from lake.storage import LocalStorage

Row = Mapping[str, Any]

NOON = 1_767_268_800  # 2026-01-01 12:00:00 UTC


def at(second: float) -> datetime:
    """The moment that is so many seconds after noon."""
    return datetime.fromtimestamp(NOON + second, UTC)


def trade(
    second: int = 0,
    *,
    hash: str = "a1",
    wallet: str = "b1",
    market: str = "c1",
    token: str = "101",
    side: str = "BUY",
    size: float = 10.0,
    price: float = 0.5,
    walk: str = "m1",
    page: int = 0,
    row: int = 0,
    fetched: float = 1000,
    **more: Any,
) -> Row:
    """A bronze trade; short names stand for long hex."""
    return {
        "transaction_hash": "0x" + hash.rjust(64, "0"),
        "proxy_wallet": "0x" + wallet.rjust(40, "0"),
        "condition_id": "0x" + market.rjust(64, "0"),
        "token_id": token,
        "side": side,
        "timestamp": NOON + second,
        "size": size,
        "price": price,
        "walk_id": walk,
        "page_no": page,
        "row_no": row,
        "fetched_at": at(fetched),
        **more,
    }


class BronzeLake:
    """Commits rows as bronze files, as folds do."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._storage = LocalStorage(root)
        self._numbers = itertools.count(1)

    def log(self, dataset: str) -> DeltaLog:
        return DeltaLog(self._storage, DATASETS[dataset])

    def become(self, other: BronzeLake) -> None:
        """Become a copy of another lake, hard links and times as they are there."""
        shutil.rmtree(self.root, ignore_errors=True)
        subprocess.run(["cp", "-a", other.root, self.root], check=True)
        self._numbers = itertools.count(100)

    def commit(
        self,
        dataset: str,
        rows: Iterable[Row],
        *,
        replacing: Iterable[str] = (),
        data_change: bool = True,
    ) -> list[str]:
        """Commit rows as one file a day; return the files' names."""
        schema = DATASETS[dataset]
        days: dict[str, list[Row]] = {}
        for row in rows:
            moment = row[schema.day_of]
            if not isinstance(moment, datetime):
                moment = datetime.fromtimestamp(moment, UTC)
            days.setdefault(f"{moment:%Y-%m-%d}", []).append(row)
        files = []
        for day, of_day in days.items():
            name = f"dt={day}/{next(self._numbers):06d}.parquet"
            path = self.root / dataset / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(of_day, schema=schema.schema), path)
            files.append(
                new_file(
                    name,
                    pq.read_metadata(path),
                    size=path.stat().st_size,
                    columns=[schema.sort_by[0]],
                )
            )
        self.log(dataset).commit(files, replacing, data_change=data_change)
        return [file.name for file in files]
