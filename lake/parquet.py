"""Write sorted rows as Parquet files that are small and quick to skip through."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.dataset import Dataset
from lake.encoding import compact
from lake.storage import LocalStorage, StorageError

ROW_GROUP = 131_072
_SAMPLE = 2_000
_SHARE = 0.1


class ParquetWriter:
    """Writes files of one dataset: zstd, codes for what repeats, deltas for numbers.

    `sample` decides which columns repeat. Bounds are kept for all numbers and for the
    texts that files are sorted or searched by: those of others would skip nothing.
    """

    def __init__(
        self, storage: LocalStorage, dataset: Dataset, sample: pa.Table
    ) -> None:
        self._storage = storage
        self._repeating = [
            name
            for name in sample.column_names
            if name not in dataset.plain and _repeats(sample[name])
        ]
        self._dense = dataset.dense
        self._deltas = {
            field.name: "DELTA_BINARY_PACKED"
            for field in dataset.schema
            if field.name not in self._repeating and _is_whole(field.type)
        }
        self._bounded = [
            field.name
            for field in dataset.schema
            if field.name in (*dataset.sort_by, *bounded_columns(dataset))
            or not pa.types.is_string(field.type)
        ]

    def write(self, name: str, rows: pa.Table) -> pq.FileMetaData:
        """Write `rows`, in their order; synced, but its name only with its folder.

        For files that are renamed when all are finished: see `LocalStorage.move`.
        """
        path = self._storage.path(name)
        self._storage.make_folder(name.rpartition("/")[0])
        self._storage.announce("write", name)
        try:
            with pq.ParquetWriter(
                path,
                rows.schema,
                compression="zstd",
                compression_level=3 if self._dense else 1,
                use_dictionary=self._repeating,
                column_encoding=self._deltas,
                write_statistics=self._bounded,
                store_schema=False,
            ) as file:
                for group in slices(rows, at_most=ROW_GROUP):
                    # Each group has the texts that it uses: Arrow would write those
                    # of the whole table into every one of them.
                    group = compact(group, exactly=self._dense)
                    file.write_table(group, row_group_size=ROW_GROUP)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise StorageError(
                f"Cannot write {path}: {error.strerror or error}. What was stored "
                "before is unharmed; free the disk or fix the permissions, then run "
                "the same command again."
            ) from error
        self._storage.sync(name)
        footer: pq.FileMetaData = file.writer.metadata
        return footer


def bounded_columns(dataset: Dataset) -> list[str]:
    """The columns whose bounds the log keeps: those that files are searched by."""
    wanted = {*dataset.sort_by[:2], dataset.day_of, "walk_id", "fetched_at"}
    return [field.name for field in dataset.schema if field.name in wanted]


def slices(rows: pa.Table, *, at_most: int) -> Iterator[pa.Table]:
    """Cut the rows into tables of up to `at_most`, in their order."""
    for offset in range(0, rows.num_rows, at_most):
        yield rows.slice(offset, at_most)


def _repeats(column: pa.ChunkedArray) -> bool:
    if pa.types.is_dictionary(column.type):
        return True
    if pa.types.is_boolean(column.type):
        return False
    sample = column.slice(0, _SAMPLE)
    return bool(pc.count_distinct(sample).as_py() <= _SHARE * max(len(sample), 1))


def _is_whole(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_timestamp(kind))
