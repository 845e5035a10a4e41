"""Landing files: what is written is read back, and what they are for is in the name."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from small_lake import FILLS, SmallLake, fills

from lake.batch import Progress
from lake.landing import LandingFolder, count_rows, read_progress, read_rows
from lake.storage import StorageError

ROWS = [("a", "m", 90, 1.5), ("a", "m", 90, 1.5), ("b", "n", 80, 2)]
PROGRESS = (
    Progress("fills", "m1", ("m", "n"), 100, 80),
    Progress("fills", "m1", ("m", "n"), 100, 70, ended=True, complete_to=0),
)


@pytest.fixture
def folder(lake: SmallLake) -> LandingFolder:
    return LandingFolder(lake.storage, "fills", "w")


def test_rows_and_progress_are_read_back_as_they_were_written(lake, folder):
    pages = [fills("m1", 0, ROWS), fills("m1", 1, ROWS[:1])]
    folder.write(1, pages, PROGRESS)
    name = folder.file(1)
    rows = read_rows(lake.storage, name, FILLS)
    assert rows.cast(FILLS.schema).equals(pa.concat_tables(pages))
    assert count_rows(lake.storage, name) == 4
    assert read_progress(lake.storage, name) == list(PROGRESS)


def test_texts_that_repeat_are_written_once(lake, folder):
    many = fills("m1", 0, [(f"{n:064x}", "m" * 66, 90, 1) for n in range(5_000)])
    size = folder.write(1, [many], ())
    assert size < many.nbytes / 2
    rows = read_rows(lake.storage, folder.file(1), FILLS)
    assert pa.types.is_dictionary(rows.schema.field("market").type)
    assert pa.types.is_string(rows.schema.field("hash").type)


def test_files_are_told_apart_by_name(folder):
    assert folder.numbers() == folder.carries() == folder.reports() == []
    for number in (1, 2, 1_000_000):
        folder.write(number, [FILLS.schema.empty_table()], ())
    folder.storage.write(folder.carry(7), b"")
    folder.storage.write(folder.report("taker_trades", 9), b"")
    folder.claim(Path("/somewhere/cursor.json"))
    assert folder.numbers() == [1, 2, 1_000_000]
    assert folder.carries() == [7]
    (report,) = folder.reports()
    assert (report.dataset, report.number) == ("taker_trades", 9)
    assert folder.cursor() == Path("/somewhere/cursor.json")


def test_an_empty_folder_is_discarded_and_one_with_rows_is_not(lake, folder):
    folder.claim(None)
    folder.write(1, [FILLS.schema.empty_table()], ())
    folder.discard()
    assert folder.numbers() == [1]
    lake.storage.remove([folder.file(1)])
    folder.discard()
    assert not lake.storage.exists(folder.folder)


def test_a_file_that_rotted_is_named(lake, folder):
    lake.storage.write(folder.file(1), b"no Arrow file")
    with pytest.raises(StorageError, match=r"_landing/fills/w/000001\.arrow"):
        read_rows(lake.storage, folder.file(1), FILLS)
