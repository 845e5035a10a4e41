"""Batches become durable, then bronze; errors are told and harm nothing stored."""

from __future__ import annotations

import errno
import threading

import pyarrow as pa
import pytest
from small_lake import FILLS, SmallLake, notes, page

from lake.batch import Batch, CursorChange
from lake.storage import Step, StorageError


class Disk:
    """Sees every durable step; can be made to stand still, or be full."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.go = threading.Event()
        self.go.set()
        self.stands = threading.Event()
        self.full = False

    def __call__(self, step: Step) -> None:
        if not self.go.is_set():
            self.stands.set()
            assert self.go.wait(30)
        if self.full and step.kind == "write":
            raise OSError(errno.ENOSPC, "No space left on device")
        self.steps.append(step)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def watched(tmp_path, disk) -> SmallLake:
    return SmallLake(tmp_path, observe=disk)


def run(lake: SmallLake, *batches: Batch) -> None:
    with lake.cursor() as cursor, lake.writer(cursor) as writer:
        for batch in batches:
            writer.put(batch)


def test_what_was_put_is_in_bronze_when_the_block_ends(lake):
    with lake.cursor() as cursor, lake.writer(cursor) as writer:
        writer.put(notes("one", "two"))
        writer.put(page("m1", 0, [("a", "m", 90, 1), ("a", "m", 90, 1)], ended=True))
    assert sorted(lake.bronze("notes")["text"]) == ["one", "two"]
    assert lake.lines("fills") == {("m1", 0, 0): 1, ("m1", 0, 1): 1}
    assert cursor.walks == {}
    assert writer.stats()["notes"].rows_new == 2


def test_a_second_run_appends(lake):
    run(lake, notes("one"))
    run(lake, notes("two"))
    assert sorted(lake.bronze("notes")["text"]) == ["one", "two"]


def test_rows_of_many_threads_all_arrive_once(lake):
    with lake.cursor() as cursor, lake.writer(cursor) as writer:

        def fetch(number: int) -> None:
            for page_no in range(20):
                writer.put(notes(f"{number}-{page_no}"))

        threads = [threading.Thread(target=fetch, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expected = sorted(f"{n}-{page_no}" for n in range(8) for page_no in range(20))
    assert sorted(lake.bronze("notes")["text"]) == expected


def test_put_does_not_wait_while_the_other_buffer_is_being_written(watched, disk):
    with watched.cursor() as cursor, watched.writer(cursor) as writer:
        disk.go.clear()
        writer.put(notes("first"))
        assert disk.stands.wait(30)
        for number in range(50):
            writer.put(notes(f"more {number}"))  # would hang if it waited
        disk.go.set()
    assert len(watched.bronze("notes")) == 51


def test_put_waits_only_when_both_buffers_are_full(watched, disk):
    with watched.cursor() as cursor, watched.writer(cursor, buffer_bytes=1) as writer:
        disk.go.clear()
        writer.put(notes("being written"))
        assert disk.stands.wait(30)
        writer.put(notes("the other buffer is full now"))
        passed = threading.Event()

        def one_more() -> None:
            writer.put(notes("too much"))
            passed.set()

        thread = threading.Thread(target=one_more)
        thread.start()
        assert not passed.wait(0.05)
        disk.go.set()
        thread.join(30)
        assert passed.is_set()
    assert len(watched.bronze("notes")) == 3


def test_flush_returns_when_the_cursor_speaks_for_what_was_put(lake):
    with (
        lake.cursor() as cursor,
        lake.writer(cursor, linger_seconds=3600.0) as writer,
    ):
        writer.put(page("m1", 0, [("a", "m", 90, 1)]))
        assert cursor.walks == {}
        writer.flush()
        assert cursor.walks == {"m1": {"page_no": 1}}
        assert cursor.landed is not None
        assert cursor.landed.files == {"fills": 1}


def test_the_cursor_is_saved_after_all_files_of_the_buffer_are_synced(watched, disk):
    with watched.cursor() as cursor, watched.writer(cursor) as writer:
        disk.steps.clear()
        writer.put(page("m1", 0, [("a", "m", 90, 1)]))
        writer.flush()
        moved = [step for step in disk.steps if step.name.endswith("cursor.json")]
        places = [(step.kind, step.to or step.name) for step in disk.steps]
    landed = places.index(("rename", places_of("fills", cursor)))
    synced = places.index(
        ("sync_folder", places_of("fills", cursor).rpartition("/")[0]), landed
    )
    assert synced < places.index(("rename", "cursor.json"))
    assert ("sync", "_landing") not in moved


def places_of(dataset: str, cursor) -> str:
    return f"_landing/{dataset}/{cursor.landed.writer}/000001.arrow"


def test_a_full_disk_is_told_by_the_next_call_and_harms_nothing_stored(watched, disk):
    run(watched, notes("before"))
    saved = (watched.root / "cursor.json").read_text()
    with watched.cursor() as cursor:
        writer = watched.writer(cursor).__enter__()
        disk.full = True
        writer.put(page("m1", 0, [("a", "m", 90, 1)]))
        with pytest.raises(StorageError, match=r"_landing/.*No space left on device"):
            writer.flush()
        with pytest.raises(StorageError, match=r"_landing/.*No space left on device"):
            writer.put(notes("later"))
        with pytest.raises(StorageError, match=r"_landing/.*No space left on device"):
            writer.__exit__(None, None, None)
        assert cursor.walks == {}
    assert (watched.root / "cursor.json").read_text() == saved
    disk.full = False
    run(watched, notes("after"))
    assert sorted(watched.bronze("notes")["text"]) == ["after", "before"]
    assert watched.bronze("fills").is_empty()


def test_an_error_in_the_block_still_makes_durable_what_was_put(lake):
    def interrupted(cursor) -> None:
        with lake.writer(cursor, linger_seconds=3600.0) as writer:
            writer.put(page("m1", 0, [("a", "m", 90, 1), ("b", "m", 80, 1)]))
            raise KeyboardInterrupt

    with lake.cursor() as cursor, pytest.raises(KeyboardInterrupt):
        interrupted(cursor)
    assert cursor.walks == {"m1": {"page_no": 1}}
    assert lake.bronze("fills").is_empty()
    run(lake)
    assert lake.lines("fills") == {("m1", 0, 0): 1}  # the other row waits


def test_threads_end_with_the_block(lake):
    before = threading.active_count()
    with lake.cursor() as cursor, lake.writer(cursor):
        assert threading.active_count() == before + 2
    assert threading.active_count() == before


def test_much_landed_is_folded_while_the_run_goes_on(watched, disk):
    committed = threading.Event()

    def watch(step: Step) -> None:
        if step.kind == "commit" and step.name.startswith("notes/"):
            committed.set()

    watched.storage._observe = watch
    with watched.cursor() as cursor, watched.writer(cursor, landing_max_bytes=1) as w:
        w.put(notes("one"))
        assert committed.wait(30)
        w.put(notes("two"))
    assert sorted(watched.bronze("notes")["text"]) == ["one", "two"]


def test_a_batch_with_only_a_cursor_moves_the_cursor(lake):
    with lake.cursor() as cursor, lake.writer(cursor) as writer:
        writer.put(Batch({}, cursor=CursorChange(values={"feed": {"watermark": 5}})))
        writer.flush()
        assert cursor.values == {"feed": {"watermark": 5}}


def refused() -> list[tuple[Batch, str]]:
    good = page("m1", 0, [("a", "m", 90, 1)])
    rows = good.rows["fills"]
    other = rows.rename_columns([*FILLS.schema.names[:-1], "another"])

    def replaced(column: str, value: object) -> Batch:
        place = FILLS.schema.get_field_index(column)
        field = FILLS.schema.field(place)
        return Batch(
            {"fills": rows.set_column(place, field, pa.array([value], field.type))},
            good.progress,
        )

    return [
        (Batch({"fills": other}, good.progress), "another schema"),
        (Batch({"fills": rows}), "without progress"),
        (replaced("timestamp", None), "without timestamp"),
        (replaced("market", None), "without market"),
        (replaced("timestamp", -1), "timestamp"),
        (replaced("timestamp", 10**15), "timestamp"),
    ]


@pytest.mark.parametrize(("batch", "why"), refused())
def test_rows_that_no_fold_could_place_are_refused_at_once(lake, batch, why):
    with lake.cursor() as cursor, lake.writer(cursor) as writer:
        with pytest.raises(ValueError, match=why):
            writer.put(batch)
        writer.put(notes("fine"))
    assert lake.bronze("notes")["text"].to_list() == ["fine"]


def test_two_runs_with_a_cursor_each_write_one_lake_at_once(lake):
    def fetch(name: str) -> None:
        with lake.cursor(name) as cursor, lake.writer(cursor, landing_max_bytes=1) as w:
            for page_no in range(10):
                rows = [(f"{name}{page_no}", "m", 90 - page_no, 1)] * 2
                w.put(page(f"m{name}", page_no, rows, ended=page_no == 9))

    threads = [threading.Thread(target=fetch, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(lake.lines("fills").values()) == {1}
    assert len(lake.lines("fills")) == 40
    assert not list((lake.root / "lake/_landing").rglob("*.arrow"))
