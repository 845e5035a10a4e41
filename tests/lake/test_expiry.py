"""Whole days go in one step, and what went is counted for ever."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from small_lake import FILLS, SmallLake, page

from lake.compaction import compact_day
from lake.expiry import expire, expired, rows_by_walk
from lake.lake import Lake
from lake.storage import Step

DAY = 86_400
LAST = "1970-01-03"
WALKED = [("a", "m", 10, 1), ("b", "m", 20, 1), ("c", "n", DAY + 5, 1)]
LATER = [("d", "m", 2 * DAY + 5, 1), ("e", "n", 3 * DAY, 1)]
EVER = Counter({"w1": 3, "w2": 2})


class Stopped(BaseException):
    """The process dies here."""


@pytest.fixture
def walked(lake: SmallLake) -> SmallLake:
    """Two walks over four days; two days and three rows are older than `LAST`."""
    with lake.cursor() as cursor, lake.writer(cursor) as writer:
        writer.put(page("w1", 0, WALKED, scope=("m", "n"), ended=True))
        writer.put(page("w2", 0, LATER, scope=("m", "n"), ended=True))
    return lake


def let_go(lake: SmallLake, before: str = LAST):
    return expire(lake.storage, lake.log("fills"), FILLS, before)


def notes_of(lake: SmallLake):
    return expired(lake.storage, lake.log("fills"), "fills")


def by_walk(lake: SmallLake) -> Counter:
    """The rows of each walk that are live, and those that are noted as let go."""
    held = Counter(lake.bronze("fills")["walk_id"].to_list())
    held.update(rows_by_walk(lake.storage, notes_of(lake)))
    return held


def test_days_before_the_day_go_and_their_rows_are_counted(walked: SmallLake):
    done = let_go(walked)
    assert done is not None
    assert (done.number, done.days, done.files, done.rows) == (1, 2, 2, 3)
    assert walked.bronze("fills")["hash"].sort().to_list() == ["d", "e"]
    assert notes_of(walked) == [done]
    assert rows_by_walk(walked.storage, [done]) == {"w1": 3}


def test_a_second_time_there_is_nothing_to_do(walked: SmallLake):
    let_go(walked)
    version = walked.log("fills").snapshot().version
    assert let_go(walked) is None
    assert let_go(walked, "1970-01-01") is None
    assert walked.log("fills").snapshot().version == version
    assert len(notes_of(walked)) == 1


def test_what_goes_later_is_counted_beside_what_went(walked: SmallLake):
    let_go(walked, "1970-01-02")
    let_go(walked, "1970-01-04")
    assert [one.rows for one in notes_of(walked)] == [2, 2]
    assert by_walk(walked) == EVER


@pytest.mark.parametrize("stop", range(16))
def test_wherever_it_dies_every_row_is_live_or_noted_as_let_go(
    walked: SmallLake, stop: int
):
    steps: list[Step] = []

    def observe(step: Step) -> None:
        if len(steps) == stop:
            raise Stopped
        steps.append(step)

    dying = SmallLake(walked.root, observe)
    with suppress(Stopped):
        let_go(dying)
    assert by_walk(walked) == EVER
    let_go(walked)
    assert by_walk(walked) == EVER
    assert walked.bronze("fills").height == 2
    assert [one.number for one in notes_of(walked)] == [1]


def test_the_steps_are_no_more_than_are_tried(walked: SmallLake):
    steps: list[Step] = []
    let_go(SmallLake(walked.root, steps.append))
    assert len(steps) < 16
    assert "commit" in [step.kind for step in steps]


def test_a_compaction_that_began_before_does_not_bring_it_back(walked: SmallLake):
    for number in range(4):
        with walked.cursor() as cursor, walked.writer(cursor) as writer:
            row = (f"x{number}", "m", 30 + number, 1)
            writer.put(page(f"v{number}", 0, [row], ended=True))
    gone = []

    def expiry_is_faster(step: Step) -> None:
        if step.kind == "commit" and not gone:
            gone.append(let_go(SmallLake(walked.root)))

    slow = SmallLake(walked.root, expiry_is_faster)
    log = slow.log("fills")
    assert compact_day(slow.storage, log, FILLS, "1970-01-01") is None
    assert gone[0].rows == 7
    assert walked.bronze("fills")["hash"].sort().to_list() == ["d", "e"]


def test_a_reader_of_before_finds_its_files_for_the_grace(walked: SmallLake):
    with Lake.open(walked.storage.root, walked.datasets) as lake:
        files = lake.files("fills")
        assert lake.expire("fills", LAST) is not None
        assert all(path.exists() for path in files)
        lake.remove_replaced("fills", grace_seconds=0)
        assert [path.exists() for path in files] == [False, False, True, True]
        assert lake.rows_expired("fills") == {"w1": 3}
