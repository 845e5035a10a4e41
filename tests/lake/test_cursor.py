"""The cursor file: atomic, locked, versioned, and as small as the work in flight."""

from __future__ import annotations

import json

import pytest

from lake.batch import CursorChange
from lake.cursor import CursorFile, Landed
from lake.storage import Step
from settings.errors import Locked, PolylakeError, UsageError


def test_what_is_saved_is_there_when_it_is_opened_again(tmp_path):
    path = tmp_path / "deep" / "cursor.json"
    with CursorFile.open(path) as cursor:
        cursor.save(
            [CursorChange({"m1": {"page_no": 3}}, {"feed": {"watermark": 7}})],
            Landed("w", {"trades": 4}),
        )
    with CursorFile.open(path) as cursor:
        assert cursor.walks == {"m1": {"page_no": 3}}
        assert cursor.values == {"feed": {"watermark": 7}}
        assert cursor.landed == Landed("w", {"trades": 4})
        assert cursor.problems == []


def test_changes_apply_in_order_and_null_removes(tmp_path):
    with CursorFile.open(tmp_path / "cursor.json") as cursor:
        cursor.save([CursorChange({"m1": 1, "m2": 1}, {"a": 1})])
        cursor.save(
            [CursorChange({"m1": 2}), CursorChange({"m2": None}, {"a": None, "b": 2})]
        )
        assert (cursor.walks, cursor.values) == ({"m1": 2}, {"b": 2})


def test_the_file_is_as_large_as_the_work_in_flight(tmp_path):
    path = tmp_path / "cursor.json"
    with CursorFile.open(path) as cursor:
        cursor.save([CursorChange({"m0": {"page_no": 1}})])
        small = path.stat().st_size
        for number in range(1, 200):
            cursor.save([CursorChange({f"m{number}": {"page_no": 1}})])
            cursor.save([CursorChange({f"m{number}": None})])
        assert path.stat().st_size == small


def test_a_second_run_is_locked_out_until_the_first_is_done(tmp_path):
    with (
        CursorFile.open(tmp_path / "cursor.json"),
        pytest.raises(Locked, match=r"cursor\.json is in use by another run"),
    ):
        CursorFile.open(tmp_path / "cursor.json")
    CursorFile.open(tmp_path / "cursor.json").close()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        '{"version": 1, "walks": {"m1"',
        "[]",
        "7",
        '{"walks": {}, "values": {}}',
        '{"version": "1", "walks": {}, "values": {}}',
        '{"version": 1, "walks": [], "values": {}}',
        '{"version": 1, "walks": {}, "values": {}, "landing": {"writer": 5}}',
        '{"version": 0, "walks": {}, "values": {}}',
        "\udcff",
    ],
)
def test_a_damaged_file_is_moved_aside_and_reported(tmp_path, content):
    path = tmp_path / "cursor.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with CursorFile.open(path, clock=lambda: 0.0) as cursor:
        aside = tmp_path / "cursor.json.damaged-19700101T000000Z"
        assert aside.read_bytes() == content.encode(errors="surrogateescape")
        assert not path.exists()
        assert (cursor.walks, cursor.values, cursor.landed) == ({}, {}, None)
        (problem,) = cursor.problems
        assert str(path) in problem
        assert aside.name in problem


def test_a_file_of_a_newer_version_is_left_alone(tmp_path):
    path = tmp_path / "cursor.json"
    content = json.dumps({"version": 99, "walks": {"m1": 1}})
    path.write_text(content)
    with pytest.raises(UsageError, match="newer version"):
        CursorFile.open(path)
    assert path.read_text() == content
    with pytest.raises(UsageError):  # and the lock was let go
        CursorFile.open(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "cursor.json").mkdir()
    with pytest.raises(PolylakeError, match=r"cursor\.json"):
        CursorFile.open(tmp_path / "cursor.json")


def test_dying_at_any_step_of_a_save_leaves_the_old_or_the_new_state(tmp_path):
    class Death(BaseException):
        pass

    path = tmp_path / "cursor.json"
    with CursorFile.open(path) as cursor:
        cursor.save([CursorChange({"m1": 1})])
    seen = set()
    for fatal in range(8):
        steps: list[Step] = []

        def observe(step: Step, steps: list[Step] = steps, fatal: int = fatal) -> None:
            steps.append(step)
            if len(steps) > fatal:
                raise Death

        with CursorFile.open(path, observe=observe) as cursor:
            try:
                cursor.save([CursorChange({"m1": fatal + 2})])
                done = True
            except Death:
                done = False
        with CursorFile.open(path) as cursor:
            assert cursor.problems == []
            seen.add(cursor.walks["m1"] == fatal + 2)
            assert cursor.walks["m1"] == fatal + 2 or not done
    assert seen == {True, False}


def test_a_save_that_fails_changes_nothing_in_memory(tmp_path):
    with CursorFile.open(tmp_path / "cursor.json") as cursor:
        cursor.save([CursorChange({"m1": 1})])
        with pytest.raises(TypeError):
            cursor.save([CursorChange({"m1": object()})])
        assert cursor.walks == {"m1": 1}
        assert "1" in (tmp_path / "cursor.json").read_text()
