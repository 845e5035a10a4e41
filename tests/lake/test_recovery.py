"""What dead runs left: adopted, resumed or dropped, and always said."""

from __future__ import annotations

import shutil

import pytest
from small_lake import SmallLake, die, notes, page, run

from lake.batch import Batch, CursorChange
from settings.errors import Locked

A, B, C = ("a", "m", 90, 1), ("b", "m", 80, 2), ("c", "m", 70, 3)


def landing(lake: SmallLake) -> list[str]:
    return sorted(
        str(path.relative_to(lake.root / "lake/_landing"))
        for path in (lake.root / "lake/_landing").rglob("*.arrow")
    )


def test_what_landed_is_folded_when_the_same_cursor_is_opened_next(lake):
    die(lake, page("m1", 0, [A, B]))
    assert run(lake, page("m1", 1, [C], ended=True)) == []
    assert len(lake.bronze("fills")) == 3


def test_files_above_the_saved_number_are_deleted(lake):
    """Their pages will be fetched again, and may come with other rows."""
    die(lake, page("m1", 0, [A, B]))
    (name,) = landing(lake)
    folder = (lake.root / "lake/_landing" / name).parent
    shutil.copy(folder / "000001.arrow", folder / "000002.arrow")
    die(lake, notes("other work"))
    (lake.root / "cursor.json").unlink()  # so that all that is there is adopted
    run(lake)
    assert len(lake.bronze("fills")) == 2


def test_a_deleted_cursor_file_leaves_its_landing_to_the_next_run(lake):
    die(lake, page("m1", 0, [A, B]), notes("one"))
    (lake.root / "cursor.json").unlink()
    assert run(lake) == []
    assert len(lake.bronze("fills")) == 2  # the walk is over, so no row waits
    assert len(lake.bronze("notes")) == 1
    assert landing(lake) == []
    assert run(lake) == []
    assert len(lake.bronze("fills")) == 2


def test_a_damaged_cursor_file_leaves_its_landing_to_its_own_next_run(lake):
    die(lake, page("m1", 0, [A, B]))
    (lake.root / "cursor.json").write_text("{")
    (problem,) = run(lake)
    assert "damaged" in problem
    assert len(lake.bronze("fills")) == 2


def test_the_landing_of_another_cursor_is_left_to_its_next_run(lake):
    die(lake, page("m1", 0, [A, B]), name="first.json")
    run(lake, notes("one"), name="second.json")
    assert lake.bronze("fills").is_empty()
    run(lake, page("m1", 1, [C], ended=True), name="first.json")
    assert len(lake.bronze("fills")) == 3


def test_a_living_writer_is_left_alone_even_without_its_cursor_file(lake):
    with lake.cursor("first.json") as cursor, lake.writer(cursor) as writer:
        writer.put(page("m1", 0, [A, B]))
        writer.flush()
        (lake.root / "first.json").unlink()
        run(lake, name="second.json")
        assert lake.bronze("fills").is_empty()
    assert len(lake.bronze("fills")) == 1


def test_a_cursor_older_than_the_lake_is_not_resumed_but_keeps_its_values(lake):
    feed = CursorChange(values={"feed": {"watermark": 5}})
    run(lake, page("m1", 0, [A, B]), Batch({}, cursor=feed))
    old = (lake.root / "cursor.json").read_text()
    run(lake, page("m1", 1, [B, C]))
    (lake.root / "cursor.json").write_text(old)
    with lake.cursor() as cursor, lake.writer(cursor):
        (problem,) = cursor.problems
        assert "older than the lake" in problem
        assert cursor.walks == {}
        assert cursor.values == {"feed": {"watermark": 5}}
    assert len(lake.bronze("fills")) == 4
    assert landing(lake) == []


def test_a_cursor_of_another_lake_is_not_resumed_at_all(lake):
    feed = CursorChange(values={"feed": {"watermark": 5}})
    die(lake, page("m1", 0, [A, B]), Batch({}, cursor=feed))
    shutil.rmtree(lake.root / "lake")
    with lake.cursor() as cursor, lake.writer(cursor):
        (problem,) = cursor.problems
        assert "the lake lacks _landing/fills/" in problem
        assert (cursor.walks, cursor.values) == ({}, {})
    assert run(lake, notes("one")) == []


def test_a_copied_cursor_file_is_not_resumed(lake):
    run(lake, page("m1", 0, [A, B]))
    shutil.copy(lake.root / "cursor.json", lake.root / "copy.json")
    (problem,) = run(lake, name="copy.json")
    assert "is a copy of" in problem
    assert run(lake, page("m1", 1, [C], ended=True)) == []
    assert len(lake.bronze("fills")) == 3


def test_a_copied_cursor_file_is_locked_out_while_the_first_is_in_use(lake):
    with lake.cursor() as cursor, lake.writer(cursor) as writer:
        writer.put(notes("one"))
        writer.flush()
        shutil.copy(lake.root / "cursor.json", lake.root / "copy.json")
        with pytest.raises(Locked, match=r"copy\.json"):
            run(lake, name="copy.json")


def test_a_project_that_was_moved_is_resumed(lake, tmp_path_factory):
    die(lake, page("m1", 0, [A, B]))
    place = tmp_path_factory.mktemp("moved") / "project"
    shutil.move(lake.root, place)
    moved = SmallLake(place)
    assert run(moved, page("m1", 1, [C], ended=True)) == []
    assert len(moved.bronze("fills")) == 3
