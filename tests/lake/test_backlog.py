"""How long the next fold will take is told by its files, and by the folds before."""

from __future__ import annotations

import pyarrow as pa
import pytest
from readings import READINGS

from lake.backlog import FILE_SECONDS, Backlog

DAY = 86_400


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backlog(clock: Clock) -> Backlog:
    return Backlog(clock=clock)


def put(backlog: Backlog, days: int) -> None:
    values = {name: [None] * days for name in READINGS.schema.names}
    values[READINGS.day_of] = [DAY * day for day in range(days)]
    rows = pa.table(values, schema=READINGS.schema)
    backlog.add({"readings": rows}, {"readings": READINGS})


def test_each_day_costs_a_file_once(backlog: Backlog):
    assert backlog.seconds() == 0
    put(backlog, 100)
    assert backlog.seconds() == pytest.approx(100 * FILE_SECONDS, rel=0.1)
    put(backlog, 100)
    assert backlog.seconds() == pytest.approx(100 * FILE_SECONDS, rel=0.1)


def test_a_fold_under_way_counts_with_what_is_left_of_it(
    backlog: Backlog, clock: Clock
):
    put(backlog, 100)
    with backlog.folded():
        clock.now += FILE_SECONDS * 60
        assert backlog.seconds() == pytest.approx(40 * FILE_SECONDS, rel=0.1)
        clock.now += FILE_SECONDS * 60
        assert backlog.seconds() == 0
    assert backlog.seconds() == 0


def test_a_slow_disk_is_learnt_from_the_folds_before(backlog: Backlog, clock: Clock):
    put(backlog, 100)
    with backlog.folded():
        clock.now += FILE_SECONDS * 300
    put(backlog, 50)
    assert backlog.seconds() == pytest.approx(150 * FILE_SECONDS, rel=0.1)
