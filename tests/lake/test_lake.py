from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from readings import FETCHED_AT, READINGS, Readings

from lake.lake import Lake
from lake.walks import WALKS
from settings.errors import PolylakeError

DATASETS = {"readings": READINGS, "walks": WALKS}


def tree(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}


def age(path: Path, seconds: float) -> None:
    moment = path.stat().st_mtime - seconds
    os.utime(path, (moment, moment))


@pytest.fixture
def readings(tmp_path: Path) -> Readings:
    return Readings(tmp_path)


def test_a_lake_makes_its_folder(tmp_path: Path):
    lake = Lake.open(tmp_path / "a" / "b", DATASETS)
    assert lake.files("readings") == []
    assert lake.version("readings") is None
    assert lake.scan("readings").collect().is_empty()


def test_a_lake_that_cannot_be_written_is_named_before_anything_is_done(
    tmp_path: Path,
):
    (tmp_path / "data").write_text("a file in the way")
    with pytest.raises(PolylakeError, match=r"/data: File exists"):
        Lake.open(tmp_path / "data", DATASETS)
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "_state").write_text("a file in the way")
    with pytest.raises(PolylakeError, match=r"lake/_state"):
        Lake.open(tmp_path / "lake", DATASETS)


def test_a_lake_that_is_only_read_is_not_written(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    before = tree(readings.root)
    lake = Lake.open_to_read(readings.root, DATASETS)
    assert [path.name for path in lake.files("readings")] == ["a.parquet"]
    assert lake.files("walks") == []
    assert lake.version("readings") == 1
    assert lake.changes("readings", None).version == 1
    assert lake.scan("readings").collect().height == 1
    assert tree(readings.root) == before


def test_a_scan_gives_all_live_rows_with_their_day(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    readings.add("b", [("n", 2, 2)], day=1)
    lake = Lake.open_to_read(readings.root, DATASETS)
    assert lake.scan("readings").filter(pl.col("meter") == "n").collect().rows() == [
        ("n", 2, 2, FETCHED_AT, date(2024, 1, 2))
    ]


def test_replaced_files_stay_readable_for_the_grace_period(readings: Readings):
    for number in range(4):
        readings.add(f"a{number}", [("m", number, 0)])
    lake = Lake.open(readings.root, DATASETS, grace_seconds=600)
    listed = lake.files("readings")
    assert [done.rows for done in lake.compact()] == [4]
    lake.tidy()
    assert all(path.exists() for path in listed)
    age(readings.folder / f"{5:020d}.json", 601)
    lake.tidy()
    assert not any(path.exists() for path in listed)
    assert all(path.exists() for path in lake.files("readings"))
    assert len(readings.rows()) == 4
    lake.close()


def test_what_a_dead_run_left_in_a_day_goes_and_what_is_live_stays(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    readings.file("left", [("m", 1, 1)])
    readings.file("left", [("m", 1, 1)], day=9)
    (readings.root / "readings" / "dt=2024-01-01" / ".b.parquet.unfinished").touch()
    lake = Lake.open(readings.root, DATASETS)
    with lake.locked("readings"):
        assert lake.remove_replaced("readings") == 0  # it may be a fold's, not yet told
    assert lake.remove_replaced("readings") == 3
    data = list(readings.root.glob("readings/dt=*/*"))
    assert data == lake.files("readings")
    assert not (readings.root / "readings" / "dt=2024-01-10").exists()


def test_a_tidied_log_has_a_checkpoint_when_it_is_worth_one(readings: Readings):
    lake = Lake.open(readings.root, DATASETS)
    for number in range(12):
        readings.add(f"a{number}", [("m", number, 0)], day=number)
        lake.tidy()
    assert len(list(readings.folder.glob("*.checkpoint.parquet"))) == 1
    assert len(readings.rows()) == 12
    lake.close()
