"""Batches become durable, then bronze; errors are told and harm nothing stored."""

from __future__ import annotations

from small_lake import notes, page


def test_what_was_put_is_in_bronze_when_the_block_ends(lake):
    with lake.cursor() as cursor, lake.writer(cursor) as writer:
        writer.put(notes("one", "two"))
        writer.put(page("m1", 0, [("a", "m", 90, 1), ("a", "m", 90, 1)], ended=True))
    assert sorted(lake.bronze("notes")["text"]) == ["one", "two"]
    assert lake.lines("fills") == {("m1", 0, 0): 1, ("m1", 0, 1): 1}
    assert cursor.walks == {}
    assert writer.stats()["notes"].rows_new == 2


def test_a_second_run_appends(lake):
    for text in ("one", "two"):
        with lake.cursor() as cursor, lake.writer(cursor) as writer:
            writer.put(notes(text))
    assert sorted(lake.bronze("notes")["text"]) == ["one", "two"]
