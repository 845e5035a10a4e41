"""What a fold stores, confirms, holds back and reports."""

from __future__ import annotations

import weakref
from datetime import date

import polars as pl
import pytest
from small_lake import FILLS, SmallLake, page

from lake.batch import CursorChange
from lake.dataset import Dataset
from lake.fold import Fold, Folded
from lake.landing import LandingFolder
from lake.parts import Part, parts
from lake.storage import Step
from lake.walks import WALKS


def run(lake: SmallLake, *batches, **options) -> dict:
    """One run that puts these batches."""
    with lake.cursor() as cursor, lake.writer(cursor, **options) as writer:
        for batch in batches:
            writer.put(batch)
    return writer.stats()


def fold(lake: SmallLake, dataset: Dataset, upto: int, **sizes: int) -> Folded | None:
    """One fold of the dataset, by a writer called w."""
    options = {"logs": lake.log, "hulls": lake.hulls, **sizes}
    return Fold(lake.storage, dataset, "w", **options).run(upto)


def reports(lake: SmallLake, kind: str) -> list[dict]:
    rows = lake.bronze("walks").filter(pl.col("kind") == kind)
    return rows.sort("walk_id", "key", "ts_newest").to_dicts()


A, B, C = ("a", "m", 90, 1), ("b", "m", 80, 2), ("c", "m", 70, 3)


def test_a_rewalk_that_sees_the_same_is_confirmed_and_not_stored(lake):
    run(lake, page("m1", 0, [A, A, B], ended=True))
    stats = run(lake, page("m2", 0, [A, A, B], ended=True))
    assert set(lake.bronze("fills")["walk_id"]) == {"m1"}
    assert (stats["fills"].rows_new, stats["fills"].rows_confirmed) == (0, 3)
    first, second = reports(lake, "folded")
    assert (first["rows_stored"], first["rows_confirmed"]) == (3, 0)
    assert (second["rows_stored"], second["rows_confirmed"]) == (0, 3)
    assert (second["ts_oldest"], second["ts_newest"]) == (80, 90)
    sizes, seconds, hashes = 4_000_000, 90 + 90 + 80, 0xA + 0xA + 0xB
    assert second["checksum"] == str(sizes + seconds + hashes)
    assert first["checksum"] is None


def test_a_second_that_differs_is_stored_whole_and_the_others_are_not(lake):
    run(lake, page("m1", 0, [A, B], ended=True))
    run(lake, page("m2", 0, [A, A, B], ended=True))
    assert lake.lines("fills") == {
        ("m1", 0, 0): 1,
        ("m1", 0, 1): 1,
        ("m2", 0, 0): 1,
        ("m2", 0, 1): 1,
    }


def test_a_walk_that_saw_fewer_rows_of_a_second_is_stored_to_say_so(lake):
    run(lake, page("m1", 0, [A, A], ended=True))
    run(lake, page("m2", 0, [A], ended=True))
    assert lake.lines("fills")["m2", 0, 0] == 1


def test_a_lower_bound_that_saw_fewer_rows_proves_nothing_and_is_confirmed(lake):
    run(lake, page("m1", 0, [A, A], ended=True))
    run(lake, page("u2", 0, [A], scope=(), ended=True))
    assert set(lake.bronze("fills")["walk_id"]) == {"m1"}


def test_two_walks_in_one_fold_are_judged_against_each_other(lake):
    run(
        lake,
        page("m2", 0, [A, B], ended=True),
        page("m1", 0, [A, B], ended=True),
    )
    assert set(lake.bronze("fills")["walk_id"]) == {"m1"}


def test_late_labels_and_hex_in_capitals_make_no_other_row(lake):
    run(lake, page("m1", 0, [("0xab", "m", 90, 1)], ended=True))
    run(lake, page("m2", 0, [("0xAB", "m", 90, 1.0000001)], ended=True))
    assert set(lake.bronze("fills")["walk_id"]) == {"m1"}


def test_the_oldest_second_of_an_unfinished_chain_waits_for_the_rest_of_it(lake):
    stats = run(lake, page("m1", 0, [A, B]))
    assert stats["fills"].rows_new == 1
    assert lake.lines("fills") == {("m1", 0, 0): 1}
    run(lake, page("m1", 1, [B], ended=True))
    assert lake.lines("fills") == {("m1", 0, 0): 1, ("m1", 0, 1): 1, ("m1", 1, 0): 1}


def test_equal_fills_on_both_sides_of_a_seam_stay_two_beside_an_older_walk(lake):
    run(lake, page("m0", 0, [B], ended=True))
    run(lake, page("m1", 0, [A, B]))
    run(lake, page("m1", 1, [B], ended=True))
    of_walk = lake.bronze("fills").filter(walk_id="m1", hash="b")
    assert len(of_walk) == 2


def test_rows_that_wait_are_folded_when_their_walk_is_dropped(lake):
    run(lake, page("m1", 0, [A, B]))
    with lake.cursor() as cursor:
        cursor.save([CursorChange({"m1": None})])
    run(lake)
    assert len(lake.bronze("fills")) == 2


def test_a_second_that_a_walk_passed_without_its_rows_is_reported_absent(lake):
    run(lake, page("m1", 0, [A, B, ("c", "n", 85, 1)], scope=("m", "n"), ended=True))
    run(lake, page("m2", 0, [B], ended=True))
    (row,) = reports(lake, "absent")
    assert (row["walk_id"], row["key"], row["ts_newest"]) == ("m2", "m", 90)


def test_the_feed_speaks_for_all_markets_down_to_its_floor(lake):
    run(lake, page("m1", 0, [A, B, ("c", "n", 85, 1)], scope=("m", "n"), ended=True))
    run(lake, page("f2", 0, [A], scope=("*",), ended=True, complete_to=85))
    (row,) = reports(lake, "absent")
    assert (row["walk_id"], row["key"], row["ts_newest"]) == ("f2", "n", 85)


def test_nothing_is_absent_below_what_an_unfinished_walk_has_reached(lake):
    run(lake, page("m1", 0, [A, B, ("c", "m", 70, 1)], ended=True))
    run(lake, page("m2", 0, [("b", "m", 80, 2)]))
    assert [row["ts_newest"] for row in reports(lake, "absent")] == [90]
    run(lake, page("m2", 1, [], ended=True))
    assert [row["ts_newest"] for row in reports(lake, "absent")] == [70, 90]


def test_a_row_above_the_top_of_a_walk_is_a_lower_bound(lake):
    run(lake, page("m1", 0, [A, A], ended=True))
    run(lake, page("m2", 0, [A], top=89, ended=True))
    assert set(lake.bronze("fills")["walk_id"]) == {"m1"}
    assert reports(lake, "absent") == []


def test_another_row_of_the_same_second_is_not_taken_for_one_that_is_held(lake):
    run(lake, page("m1", 0, [("b", "m", 90, 1)], ended=True))
    run(lake, page("m2", 0, [("a", "m", 90, 1)], ended=True))
    assert set(lake.bronze("fills")["hash"]) == {"a", "b"}


def test_a_row_that_comes_out_of_order_is_stored_beside_its_like(lake):
    run(lake, page("m1", 0, [A, B]))
    run(lake, page("m1", 1, [A, B], ended=True))
    assert len(lake.bronze("fills").filter(hash="a")) == 2


def test_the_report_of_a_fold_that_died_does_not_count_beside_the_next_one(lake):
    class Death(BaseException):
        pass

    def die_at_commit(step: Step) -> None:
        if step.kind == "commit":
            raise Death

    folder = LandingFolder(lake.storage, "fills", "w")
    for number, batch in enumerate(
        [page("m1", 0, [A, A, B]), page("m1", 1, [B, C])], 1
    ):
        folder.write(number, [batch.rows["fills"]], batch.progress)
    dying = SmallLake(lake.root, observe=die_at_commit)
    with pytest.raises(Death):
        fold(dying, FILLS, 1)
    last = page("m1", 2, [C], ended=True)
    folder.write(3, [last.rows["fills"]], last.progress)
    fold(lake, FILLS, 3)
    fold(lake, WALKS, 0)
    assert [row["rows_stored"] for row in reports(lake, "folded")] == [6]


@pytest.mark.parametrize(
    ("most_rows", "most_bytes"),
    [(1, 1_000_000), (2, 1_000_000), (3, 1_000_000), (1_000, 1), (1_000, 1_000_000)],
)
def test_parts_of_any_size_give_the_same_lake(tmp_path, most_rows, most_bytes):
    day = 86_400
    rows = [
        (name, market, moment, 1)
        for moment in (2 * day, 2 * day, day + 7_200, day + 1, day + 1, day, 5)
        for market in "nm"
        for name in "ba"
    ]
    lake = SmallLake(tmp_path)
    folder = LandingFolder(lake.storage, "fills", "w")
    first = [page("m1", 0, rows[:9]), page("m1", 1, rows[9:], ended=True)]
    again = [
        page("m2", 0, rows[:5]),
        page("m2", 1, rows[5:20]),
        page("m2", 2, rows[20:], ended=True),
    ]
    number = 0
    for walk in (first, again):
        for batch in walk:
            number += 1
            folder.write(number, [batch.rows["fills"]], batch.progress)
        sizes = {"most_rows": most_rows, "most_bytes": most_bytes, "file_rows": 2}
        done = fold(lake, FILLS, number, **sizes)
        assert done is not None
        assert done.stored + done.confirmed == len(rows)
    assert done.stored == 0
    assert sum(lake.lines("fills").values()) == len(rows)
    assert set(lake.lines("fills").values()) == {1}
    for file in lake.log("fills").snapshot().files:
        of_file = pl.read_parquet(
            lake.root / "lake/fills" / file.name, hive_partitioning=False
        )
        assert of_file.equals(
            of_file.sort("market", "timestamp", "hash", maintain_order=True)
        )
        assert len(of_file) <= 2
        assert (
            of_file["timestamp"] // day
            == (date.fromisoformat(file.day) - date(1970, 1, 1)).days
        ).all()


def test_no_part_is_kept_while_the_next_is_read(lake, monkeypatch):
    held: list[weakref.ref[Part]] = []

    def seen(part: Part) -> Part:
        assert [one() for one in held] == [None] * len(held)
        held.append(weakref.ref(part))
        return part

    monkeypatch.setattr("lake.fold.parts", lambda *a, **b: map(seen, parts(*a, **b)))
    folder = LandingFolder(lake.storage, "fills", "w")
    for number in range(1, 6):
        batch = page("m1", number - 1, [A, B, C], ended=number == 5)
        folder.write(number, [batch.rows["fills"]], batch.progress)
    fold(lake, FILLS, 5, most_rows=5)
    assert len(held) == 3


@pytest.mark.parametrize("most_rows", [1, 2])
def test_the_oldest_second_waits_whole_where_rows_come_in_parts(lake, most_rows):
    folder = LandingFolder(lake.storage, "fills", "w")
    pages = [page("m1", 0, [A, B, B]), page("m1", 1, [B, C], ended=True)]
    did = []
    for number, batch in enumerate(pages, 1):
        folder.write(number, [batch.rows["fills"]], batch.progress)
        one = fold(lake, FILLS, number, most_rows=most_rows)
        assert one is not None
        did.append((one.stored, one.carried))
    assert did == [(1, 2), (4, 0)]
    assert set(lake.lines("fills").values()) == {1}
    assert len(lake.bronze("fills").filter(hash="b")) == 3
