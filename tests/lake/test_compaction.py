from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readings import READINGS, Readings

from lake import compaction
from lake.compaction import Compacted, compact_day, days_to_compact
from lake.lake import Lake
from lake.storage import Step
from settings.errors import PolylakeError


@pytest.fixture
def readings(tmp_path: Path) -> Readings:
    return Readings(tmp_path)


def compacted(readings: Readings, day: str = "2024-01-01", **options: int):
    return compact_day(readings.storage, readings.log, READINGS, day, **options)


def add_four(readings: Readings, *, day: int = 0) -> None:
    for number in range(4):
        readings.add(f"a{number}", [("n", number, 0), ("m", number, 0)], day=day)


def test_many_small_files_become_one_sorted_file_with_the_same_rows(
    readings: Readings,
):
    add_four(readings)
    before = readings.rows()
    done = compacted(readings)
    assert isinstance(done, Compacted)
    assert (done.rows, done.files_before, done.files_after) == (8, 4, 1)
    assert readings.rows() == before
    (file,) = readings.log.snapshot().files
    table = pq.read_table(readings.root / "readings" / file.name, partitioning=None)
    assert table.schema.equals(READINGS.schema)
    assert list(zip(*table.select([0, 1]).to_pydict().values(), strict=True)) == sorted(
        row[:2] for row in before
    )
    assert not file.may_hold("meter", "a", "l")
    assert readings.log.snapshot().transaction_version("compact") == 1


rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 1)), max_size=9
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    files=st.lists(rows.filter(bool), min_size=4, max_size=6), most=st.integers(1, 9)
)
def test_compaction_neither_loses_nor_doubles_a_row(
    tmp_path_factory: pytest.TempPathFactory, files, most: int
):
    readings = Readings(tmp_path_factory.mktemp("lake"))
    for number, its in enumerate(files):
        readings.add(f"a{number}", sorted(its))
    before = readings.rows()
    done = compacted(readings, file_rows=most)
    assert done is not None
    assert readings.rows() == before
    assert all(file.rows <= most for file in readings.log.snapshot().files)


def test_what_was_replaced_before_is_removed_first(readings: Readings):
    def lying() -> int:
        return len(list((readings.root / "readings").glob("dt=*/*.parquet")))

    add_four(readings)
    with Lake.open(readings.root, {"readings": READINGS}, grace_seconds=0) as lake:
        assert len(list(lake.compact())) == 1
        assert lying() == 5
        assert list(lake.compact()) == []
    assert lying() == 1


def test_fine_days_are_left_alone(readings: Readings):
    add_four(readings)
    for number in range(3):
        readings.add(f"b{number}", [("m", number, 0)], day=1)
    assert days_to_compact(readings.log.snapshot().files) == ["2024-01-01"]
    assert compacted(readings, "2024-01-02") is None
    assert compacted(readings) is not None
    assert days_to_compact(readings.log.snapshot().files) == []
    assert compacted(readings) is None


def test_large_files_are_not_written_again(
    readings: Readings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(compaction, "SMALL_ROWS", 3)
    add_four(readings)
    readings.add("large", [("m", number, 0) for number in range(3)])
    done = compacted(readings)
    assert done is not None
    assert "large" in readings.live()
    assert len(readings.rows()) == 11


def test_a_compaction_that_comes_second_changes_nothing(readings: Readings):
    add_four(readings)
    before = readings.rows()
    rival: list[Compacted | None] = []

    def rival_is_faster(step: Step) -> None:
        # Another host, that does not see our lock; its scratch folder is its own.
        if step.kind == "commit" and not rival:
            rival.append(None)
            rival[0] = compacted(readings.again())

    assert compacted(readings.again(rival_is_faster)) is None
    assert rival[0] is not None
    assert readings.rows() == before
    live = {file.name for file in readings.log.snapshot().files}
    lying = {f"{p.parent.name}/{p.name}" for p in readings.root.rglob("compact-*")}
    assert lying == live


def test_a_fold_in_the_middle_of_a_compaction_is_kept(readings: Readings):
    add_four(readings)
    folded: list[int | None] = []

    def a_fold_is_faster(step: Step) -> None:
        if step.kind == "commit" and not folded:
            folded.append(readings.again().add("b", [("z", 1, 1)]))

    assert compacted(readings.again(a_fold_is_faster)) is not None
    assert folded == [5]
    assert len(readings.rows()) == 9


@pytest.mark.parametrize("stop", range(14))
def test_wherever_a_compaction_stops_the_rows_are_the_same(
    readings: Readings, stop: int
):
    class Stopped(BaseException):
        pass

    add_four(readings)
    before = readings.rows()
    steps: list[Step] = []

    def observe(step: Step) -> None:
        if len(steps) == stop:
            raise Stopped
        steps.append(step)

    with suppress(Stopped):
        compacted(readings.again(observe))
    assert readings.rows() == before
    compacted(readings.again())
    assert readings.rows() == before
    assert len(readings.live()) == 1


def test_rows_that_would_change_stop_it(
    readings: Readings, monkeypatch: pytest.MonkeyPatch
):
    add_four(readings)
    before = readings.rows()
    sort = compaction._sorted
    monkeypatch.setattr(
        compaction,
        "_sorted",
        lambda *args: (rows.slice(1) for rows in sort(*args)),
    )
    with pytest.raises(PolylakeError, match="8 before, 7 after"):
        compacted(readings)
    assert readings.rows() == before


def test_more_rows_than_fit_in_memory_are_sorted_on_disk(
    readings: Readings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(compaction, "_MEMORY", "60MB")
    chance = random.Random(1)
    for number in range(4):
        readings.add(
            f"a{number}",
            [(f"{chance.random():.20f}", number, 0) for _ in range(50_000)],
        )
    before = readings.rows()
    done = compacted(readings, file_rows=60_000)
    assert done is not None
    assert done.files_after > 3
    assert readings.rows() == before
