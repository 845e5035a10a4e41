from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from readings import FETCHED_AT, READINGS, Readings

from lake.dataset import DOUBLE, STRING, Column, Dataset
from lake.delta_log import DeltaLog
from lake.log_table import LogError
from lake.storage import Step


@pytest.fixture
def readings(tmp_path: Path) -> Readings:
    return Readings(tmp_path)


# Commits


def test_before_the_first_commit_there_is_nothing_and_nothing_is_made(
    readings: Readings,
):
    snapshot = readings.log.snapshot()
    assert (snapshot.version, snapshot.log_id, snapshot.files) == (None, None, ())
    assert snapshot.transaction_version("w") is None
    assert readings.log.changes(None).files == ()
    assert list(readings.root.iterdir()) == []


def test_a_repeated_transaction_is_skipped_by_whoever_repeats_it(readings: Readings):
    file = readings.file("a", [("m", 1, 1)])
    assert readings.log.commit([file], transactions=[("w", 2)]) == 1
    again = readings.again()
    assert again.log.commit([file], transactions=[("w", 2)]) is None
    other = readings.file("b", [("m", 1, 1)])
    assert again.log.commit([other], transactions=[("w", 1)]) is None
    assert again.log.commit([other], transactions=[("x", 0), ("w", 2)]) is None
    assert again.live() == ["a"]
    assert again.log.commit([other], transactions=[("x", 0), ("w", 3)]) == 2
    assert again.log.snapshot().transaction_version("w") == 3
    assert again.log.snapshot().transaction_version("x") == 0


def test_a_transaction_can_be_noted_without_a_file(readings: Readings):
    assert readings.log.commit(transactions=[("w", 1)]) == 1
    assert readings.log.snapshot().transaction_version("w") == 1
    with pytest.raises(ValueError, match="nothing"):
        readings.log.commit()


def test_only_live_files_can_be_removed(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    file = readings.file("b", [("m", 1, 1)])
    assert readings.log.commit([file], ["dt=2024-01-01/x.parquet"]) is None
    assert readings.log.commit([file], ["dt=2024-01-01/a.parquet"]) == 2
    assert readings.log.commit([], ["dt=2024-01-01/a.parquet"]) is None
    assert readings.live() == ["b"]


def test_of_two_compactions_at_once_one_takes_effect(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    readings.add("b", [("m", 2, 2)])
    old = [file.name for file in readings.log.snapshot().files]
    rival = readings.again()
    outcomes = []

    def rival_is_faster(step: Step) -> None:
        if step.kind == "commit" and not outcomes:
            outcomes.append("started")
            merged = rival.file("theirs", [("m", 1, 1), ("m", 2, 2)])
            outcomes.append(
                rival.log.commit(
                    [merged], old, transactions=[("compact", 1)], data_change=False
                )
            )

    ours = readings.again(rival_is_faster)
    merged = ours.file("ours", [("m", 1, 1), ("m", 2, 2)])
    done = ours.log.commit(
        [merged], old, transactions=[("compact", 1)], data_change=False
    )
    assert (outcomes[1], done) == (3, None)
    assert readings.live() == ["theirs"]
    assert readings.rows() == [("m", 1, 1), ("m", 2, 2)]


def test_of_two_compactions_in_threads_one_takes_effect(readings: Readings):
    for number in range(10):
        readings.add("a", [("m", 1, 1)], day=number)
        readings.add("b", [("m", 2, 2)], day=number)
        day = str(date(2024, 1, 1 + number))
        files = [f for f in readings.log.snapshot().files if f.day == day]
        old = [file.name for file in files]
        merged = [
            readings.again().file(name, [("m", 1, 1), ("m", 2, 2)], day=number)
            for name in ("one", "two")
        ]
        with ThreadPoolExecutor(2) as pool:
            done = list(
                pool.map(
                    lambda file, old=old: readings.again().log.commit(
                        [file], old, data_change=False
                    ),
                    merged,
                )
            )
        assert done.count(None) == 1
        assert len(readings.rows()) == 2 * (number + 1)


def test_appends_at_once_under_different_names_are_all_kept(readings: Readings):
    def append(worker: int) -> None:
        mine = readings.again()
        for number in range(1, 6):
            file = mine.file(f"w{worker}-{number}", [(f"m{worker}", number, 0)])
            done = mine.log.commit([file], transactions=[(f"w{worker}", number)])
            assert done is not None

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(append, range(6)))
    assert readings.rows() == [(f"m{w}", n, 0) for w in range(6) for n in range(1, 6)]
    assert readings.log.snapshot().version == 30


def test_an_entry_is_durable_before_the_next_and_before_the_commit_returns(
    readings: Readings,
):
    readings.add("a", [("m", 1, 1)])
    steps: list[Step] = []
    again = readings.again(steps.append)
    file = readings.file("b", [("m", 1, 1)])
    again.log.commit([file])
    folder = "readings/_delta_log"
    assert [(step.kind, step.name) for step in steps] == [
        ("sync", f"{folder}/{1:020d}.json"),
        ("sync_folder", folder),
        ("commit", f"{folder}/{2:020d}.json"),
        ("sync", f"{folder}/{2:020d}.json"),
        ("sync_folder", folder),
    ]


@pytest.mark.parametrize(
    "name", ["a.parquet", "dt=2024-01-01/a b.parquet", "dt=2024-13-01/a.parquet"]
)
def test_a_name_that_readers_might_spell_otherwise_is_refused(
    readings: Readings, name: str
):
    footer = readings.file("a", [("m", 1, 1)])
    with pytest.raises(ValueError, match=r"parquet|month"):
        readings.log.commit([type(footer)(name, 1, 1, {}, {})])


# Reading


def test_every_reader_sees_the_same_rows_and_types(readings: Readings):
    readings.add("a", [("m", 1, 1), ("n", 2, 2)])
    readings.add("b", [("m", 3, 3)], day=1)
    readings.log.checkpoint()
    expected = [
        ("m", 1, 1, FETCHED_AT, date(2024, 1, 1)),
        ("m", 3, 3, FETCHED_AT, date(2024, 1, 2)),
        ("n", 2, 2, FETCHED_AT, date(2024, 1, 1)),
    ]
    table = str(readings.root / "readings")
    assert pl.scan_delta(table).sort("meter", "read_at").collect().rows() == expected
    day = pl.scan_delta(table).filter(pl.col("dt") == date(2024, 1, 2)).collect()
    assert day.rows() == expected[1:2]
    late = pl.scan_delta(table).filter(pl.col("fetched_at") >= FETCHED_AT).collect()
    assert late.height == 3
    files = [str(readings.root / "readings" / f.name) for f in _files(readings)]
    by_duckdb = duckdb.sql(
        "select meter, read_at, value, epoch_us(fetched_at), dt"
        " from read_parquet($files, hive_partitioning = true) order by all",
        params={"files": files},
    )
    micros = int(FETCHED_AT.timestamp() * 1_000_000)
    assert by_duckdb.fetchall() == [(*r[:3], micros, r[4]) for r in expected]
    uris = DeltaTable(table).file_uris()
    assert sorted(Path(uri).name for uri in uris) == ["a.parquet", "b.parquet"]


def test_bounds_let_a_reader_skip_files_and_never_a_row(readings: Readings):
    readings.add("a", [("m", 10, 1), ("p", 20, 2)])
    file = _files(readings)[0]
    assert (file.rows, file.day) == (2, "2024-01-01")
    assert file.may_hold("read_at", 20, 30)
    assert not file.may_hold("read_at", 21, 30)
    assert not file.may_hold("meter", "a", "l")
    assert file.may_hold("value", 100, 100)
    assert file.may_hold("fetched_at", FETCHED_AT, FETCHED_AT)
    assert file.greatest["fetched_at"] == datetime(
        2024, 5, 1, 12, 0, 0, 124000, tzinfo=UTC
    )


def test_changes_are_the_files_added_since(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    before = readings.log.changes(None)
    assert (before.version, [f.name for f in before.files]) == (
        1,
        ["dt=2024-01-01/a.parquet"],
    )
    assert readings.log.changes(1, log_id=before.log_id).files == ()
    readings.add("b", [("m", 2, 2)])
    changes = readings.log.changes(1, log_id=before.log_id)
    assert [file.name for file in changes.added] == ["dt=2024-01-01/b.parquet"]
    assert (changes.version, changes.whole_days, changes.restarted) == (2, (), False)


def test_of_a_day_whose_new_files_were_replaced_all_files_are_read(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    readings.add("b", [("m", 2, 2)])
    readings.add("c", [("m", 3, 3)], day=1)
    merged = readings.file("ab", [("m", 1, 1), ("m", 2, 2)])
    replaced = ["dt=2024-01-01/a.parquet", "dt=2024-01-01/b.parquet"]
    readings.log.commit([merged], replaced, data_change=False)
    changes = readings.log.changes(1)
    assert [file.name for file in changes.added] == ["dt=2024-01-02/c.parquet"]
    assert changes.whole_days == ("2024-01-01",)
    assert [file.name for file in changes.whole] == ["dt=2024-01-01/ab.parquet"]
    assert readings.log.changes(3).files == ()  # a compaction adds no rows
    assert readings.log.removed_since(0) == set(replaced)


def test_a_reader_of_another_log_must_start_again(readings: Readings, tmp_path: Path):
    readings.add("a", [("m", 1, 1)])
    other = Readings(tmp_path / "other")
    other.add("x", [("m", 1, 1)])
    known = other.log.changes(None)
    for changes in (
        readings.log.changes(7),
        readings.log.changes(1, log_id=known.log_id),
    ):
        assert changes.restarted
        assert [file.name for file in changes.files] == ["dt=2024-01-01/a.parquet"]


def test_where_entries_were_cleaned_up_all_days_are_read_again(readings: Readings):
    for number in range(3):
        readings.add(f"a{number}", [("m", number, 1)], day=number)
    readings.log.checkpoint()
    (readings.folder / f"{1:020d}.json").unlink()
    changes = readings.log.changes(0)
    assert len(changes.whole_days) == len(changes.files) == 3


def test_reading_a_sound_log_writes_nothing(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    before = {path: path.stat().st_mtime_ns for path in readings.root.rglob("*")}
    steps: list[Step] = []
    again = readings.again(steps.append)
    assert again.live() == ["a"]
    assert {path: path.stat().st_mtime_ns for path in again.root.rglob("*")} == before
    assert steps == []


def test_a_log_is_opened_again_only_when_it_has_changed(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    other = readings.again()
    known = other.log.snapshot()
    assert other.log.snapshot() is known
    readings.add("b", [("m", 2, 2)])
    assert other.log.snapshot() is not known
    assert other.live() == ["a", "b"]


def test_a_log_made_anew_is_not_taken_for_the_one_before(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    other = readings.again()
    assert other.live() == ["a"]
    shutil.rmtree(readings.root / "readings")
    assert other.live() == []
    readings.add("b", [("m", 1, 1)])
    assert other.live() == ["b"]


# Columns


def widened(*columns: Column) -> Dataset:
    return Dataset(
        name=READINGS.name,
        about=READINGS.about,
        columns=(*READINGS.columns, *columns),
        day_of=READINGS.day_of,
        sort_by=READINGS.sort_by,
    )


def test_a_new_column_is_added_and_old_rows_have_null_there(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    log = DeltaLog(readings.storage, widened(Column("unit", STRING, "of the value")))
    file = readings.file("b", [("m", 2, 2)])
    path = readings.root / "readings" / file.name
    table = pa.parquet.read_table(path, partitioning=None)
    table = table.append_column("unit", pa.array(["kWh"]))
    pa.parquet.write_table(table, path)
    log.commit([replace(file, size=path.stat().st_size)])
    rows = pl.scan_delta(str(readings.root / "readings")).sort("read_at").collect()
    assert rows["unit"].to_list() == [None, "kWh"]
    readings.add("c", [("m", 3, 3)])  # the older version of the program still can
    assert readings.live() == ["a", "b", "c"]


def test_a_column_of_another_type_is_refused_by_name(readings: Readings):
    readings.add("a", [("m", 1, 1)])
    columns = (*READINGS.columns[:2], Column("value", DOUBLE, "now with digits"))
    other = Dataset(READINGS.name, "", columns, "read_at", ("meter",))
    with pytest.raises(LogError, match=r"has value as int64, .* writes double"):
        DeltaLog(readings.storage, other).commit(transactions=[("w", 1)])


def _files(readings: Readings):
    return readings.log.snapshot().files
