"""The files of a lake that is being cast, and the commits that make them live."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bronze import DATASETS
from lake.checksum import named
from lake.delta_log import DeltaLog
from lake.live_files import NewFile, new_file
from lake.parquet import ParquetWriter, bounded_columns, slices
from lake.storage import LocalStorage

FILE_ROWS = 1_000_000
_ASIDE = "_folding/cast"


class Files:
    """Writes sorted tables as folds do; `writer` begins every file's name."""

    def __init__(self, storage: LocalStorage, writer: str) -> None:
        self._storage = storage
        self._writer = writer
        self._new: dict[str, list[NewFile]] = {}
        self.rows: dict[str, int] = {}
        self.bytes = 0

    def write(self, name: str, rows: pa.Table, day: int) -> None:
        """Write the rows of one day, which are in order, as files of it."""
        dataset = DATASETS[name]
        folder = f"dt={datetime.fromtimestamp(day, UTC):%Y-%m-%d}"
        writer = ParquetWriter(self._storage, dataset, rows)
        new = self._new.setdefault(name, [])
        for piece in slices(rows, at_most=FILE_ROWS):
            number = f"{self._writer} {name} {folder} {len(new)}".encode()
            digest = hashlib.blake2b(number, digest_size=6).hexdigest()
            plain = f"{self._writer}-{len(new) + 1:06d}-{digest}.parquet"
            aside = f"{_ASIDE}/{plain}"
            footer = writer.write(aside, piece)
            size = self._storage.size(aside)
            final = f"{folder}/{named(plain, self._storage.path(aside))}"
            self._storage.make_folder(f"{name}/{folder}")
            self._storage.path(aside).replace(self._storage.path(f"{name}/{final}"))
            columns = bounded_columns(dataset)
            new.append(new_file(final, footer, size=size, columns=columns))
            self.rows[name] = self.rows.get(name, 0) + piece.num_rows
            self.bytes += size

    def write_days(self, name: str, rows: pa.Table) -> None:
        """Write rows that are in order and of several days, by the dataset's clock."""
        clock = rows[DATASETS[name].day_of]
        if pa.types.is_timestamp(clock.type):
            clock = pc.divide(clock.cast(pa.int64()), 1_000_000)
        days = clock.to_numpy() // 86_400
        for day in np.unique(days).tolist():
            self.write(name, rows.filter(pa.array(days == day)), day * 86_400)

    def commit(self) -> None:
        """Make all that was written live, durably: one commit a dataset."""
        for name, new in self._new.items():
            for folder in {file.name.rpartition("/")[0] for file in new}:
                self._storage.sync_folder(f"{name}/{folder}")
            DeltaLog(self._storage, DATASETS[name]).commit(new)
        self._new.clear()
        self._storage.remove_folder(_ASIDE)
        self._storage.remove_folder("_folding")
