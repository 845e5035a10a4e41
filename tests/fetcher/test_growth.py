"""How much a day adds, and how long a disk lasts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from fetcher.growth import Growth, bytes_a_day, growth
from lake.live_files import LiveFile

TODAY = date(2026, 11, 21)


def file(days_ago: int, size: int) -> LiveFile:
    return LiveFile(f"dt={TODAY - timedelta(days_ago)}/a.parquet", size, 1, {}, {})


def test_a_day_that_is_not_over_tells_nothing():
    assert bytes_a_day([file(0, 1_000)], TODAY) is None
    assert bytes_a_day([], TODAY) is None


def test_a_young_lake_is_measured_by_the_days_it_has():
    assert bytes_a_day([file(0, 999), file(1, 100), file(2, 300)], TODAY) == 200


def test_an_old_lake_is_measured_by_its_last_week():
    week = [file(days, 70) for days in range(1, 8)]
    assert bytes_a_day([*week, file(8, 10**9)], TODAY) == 70


def test_days_on_which_nothing_came_count():
    assert bytes_a_day([file(30, 10**9), file(3, 700)], TODAY) == 100


def test_the_warehouse_grows_by_its_share():
    told = growth([60.0, None, 40.0], lake_bytes=1_000, warehouse_bytes=500)
    assert told == Growth(100.0, 50.0)
    assert told.bytes_a_day == 150


@pytest.mark.parametrize(
    ("told", "days"),
    [
        (Growth(2e6, 2e6), 25),
        (Growth(None, None), None),
        (Growth(0.0, None), None),  # a lake that does not grow fills no disk
    ],
)
def test_a_disk_lasts_as_long_as_what_is_free(told, days):
    assert told.days_to_fill(100_000_000) == days
