"""A lake in a folder without its machinery, and runs of `fetch` upon it.

Rows put by a run become files, and so known to the next run, when `fold` is called.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bronze import DATASETS
from fetcher.options import Options
from fetcher.run import Run
from lake.batch import Batch
from lake.live_files import Changes, LiveFile
from lake.storage import LocalStorage


class PlainCursor:
    """The cursor's walks and values, as they are once all batches have landed."""

    def __init__(self) -> None:
        self.walks: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        self.problems: list[str] = []

    def apply(self, batch: Batch) -> None:
        for change, kept in (
            (batch.cursor.walks, self.walks),
            (batch.cursor.values, self.values),
        ):
            for key, value in change.items():
                if value is None:
                    kept.pop(key, None)
                else:
                    kept[key] = value


class PlainLake:
    """Bronze as one Parquet file a fold, and a version that counts the folds."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.storage = LocalStorage(root)
        self.cursor = PlainCursor()
        self.waiting: dict[str, list[pa.Table]] = {}
        self._files: dict[str, list[LiveFile]] = {name: [] for name in DATASETS}
        self._lock = threading.Lock()

    def put(self, batch: Batch) -> None:
        with self._lock:
            for name, table in batch.rows.items():
                assert table.schema == DATASETS[name].schema
                self.waiting.setdefault(name, []).append(table)
            self.cursor.apply(batch)

    def flush(self) -> None:
        pass

    def fold(self) -> None:
        """Make what was put so far a version of each dataset."""
        for name, tables in self.waiting.items():
            day = pc.max(pa.concat_tables(tables)["fetched_at"]).as_py()
            file = f"dt={day:%Y-%m-%d}/{len(self._files[name])}.parquet"
            path = self.root / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.concat_tables(tables), path)
            rows = sum(table.num_rows for table in tables)
            self._files[name].append(LiveFile(file, 1, rows, {}, {}))
        self.waiting = {}

    def changes(self, name: str, since: int | None, *, log_id: str | None) -> Changes:
        known = -1 if since is None else since
        files = self._files[name]
        if not files:
            return Changes(None, None)
        return Changes("log", len(files) - 1, tuple(files[known + 1 :]))

    def path_of(self, name: str, file: str) -> Path:
        return self.root / name / file

    def files(self, name: str) -> list[Path]:
        return [self.root / name / file.name for file in self._files[name]]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """All rows of a dataset, folded or not."""
        tables = [pq.ParquetFile(path).read() for path in self.files(name)]
        tables += self.waiting.get(name, [])
        return [row for table in tables for row in table.to_pylist()]


class Nobody:
    """A service that must not be asked."""

    def get(self, path: str, *_: Any, **__: Any) -> Any:
        raise AssertionError(f"{path} was asked for")


class Rig:
    """Runs over one lake: each sees what the ones before have folded."""

    def __init__(self, root: Path, *, workers: int = 4) -> None:
        self.lake = PlainLake(root)
        self.workers = dict.fromkeys(("markets", "events", "clob_markets"), workers)

    @contextmanager
    def run(
        self,
        gamma: Any,
        clob: Any = None,
        *,
        clock: Callable[[], float],
        on_put: Callable[[Run], None] = lambda run: None,
        **options: Any,
    ) -> Iterator[Run]:
        """One run; its rows are folded at the end, however it ends."""
        lake = self.lake
        made: list[Run] = []

        class Writer:
            def put(self, batch: Batch) -> None:
                lake.put(batch)
                on_put(made[0])

            def flush(self) -> None:
                pass

        class OfSettings:
            workers: Mapping[str, int] = self.workers

        run = Run(
            lake=lake,  # type: ignore[arg-type]
            writer=Writer(),
            cursor=self.lake.cursor,  # type: ignore[arg-type]
            gamma=gamma,
            data=Nobody(),  # type: ignore[arg-type]
            clob=clob or Nobody(),
            settings=OfSettings(),  # type: ignore[arg-type]
            options=Options(**options),
            run_id="test",
            clock=clock,
        )
        made.append(run)
        try:
            yield run
        finally:
            self.lake.fold()

    def latest(self, name: str) -> dict[str, dict[str, Any]]:
        """The last stored row of each id."""
        rows = sorted(self.lake.rows(name), key=lambda row: row["fetched_at"])
        return {row["id"]: row for row in rows}
