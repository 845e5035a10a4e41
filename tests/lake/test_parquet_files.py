"""What the writer of bronze files promises of them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
from small_lake import NOTES

from lake.parquet import ROW_GROUP, ParquetWriter
from lake.storage import LocalStorage


def test_a_row_group_has_the_texts_that_it_uses_and_no_others(tmp_path):
    size = ROW_GROUP + 1_000
    codes = pa.array([*range(ROW_GROUP // 2)] * 2 + [7] * 1_000, pa.int32())
    texts = pa.array([f"text {n}" for n in range(ROW_GROUP // 2)])
    empty = NOTES.schema.empty_table()
    rows = pa.table(
        [
            pa.DictionaryArray.from_arrays(codes, texts)
            if field.name == "text"
            else pa.nulls(size, field.type)
            for field in empty.schema
        ],
        names=empty.column_names,
    )
    writer = ParquetWriter(LocalStorage(tmp_path), NOTES, rows)
    footer = writer.write("notes/all.parquet", rows)
    first, last = (
        footer.row_group(number).column(0).total_uncompressed_size for number in (0, 1)
    )
    assert footer.num_row_groups == 2
    assert last < 1_000 < first
    read = pq.read_table(tmp_path / "notes" / "all.parquet")
    assert read["text"].to_pylist() == rows["text"].to_pylist()
