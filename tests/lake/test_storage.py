from __future__ import annotations

from pathlib import Path

import pytest

from lake.storage import LocalStorage, Step, StorageError


class Stopped(BaseException):
    """The machine stops here."""


def stop_before(number: int):
    """Observe steps, and stop before the one of this number."""
    seen: list[Step] = []

    def observe(step: Step) -> None:
        if len(seen) == number:
            raise Stopped
        seen.append(step)

    return observe


def write_half(storage: LocalStorage, name: str, error: Exception) -> None:
    with storage.create(name) as file:
        file.write(b"half")
        raise error


def test_a_file_is_durable_before_it_has_its_name_and_the_name_after_it(tmp_path: Path):
    steps: list[Step] = []
    storage = LocalStorage(tmp_path, observe=steps.append)
    storage.write("a.json", b"1")
    assert [(step.kind, step.name) for step in steps] == [
        ("write", ".a.json.unfinished"),
        ("sync", ".a.json.unfinished"),
        ("rename", ".a.json.unfinished"),
        ("sync_folder", ""),
    ]


@pytest.mark.parametrize("stop", range(5))
def test_wherever_writing_stops_the_old_or_the_new_content_is_there_whole(
    tmp_path: Path, stop: int
):
    LocalStorage(tmp_path).write("box/a.json", b"old")
    storage = LocalStorage(tmp_path, observe=stop_before(stop))
    try:
        storage.write("box/a.json", b"new")
    except Stopped:
        pass
    else:
        assert stop == 4
    assert storage.read("box/a.json") == (b"new" if stop >= 3 else b"old")
    assert storage.files("box") == ["box/a.json"]


def test_a_block_that_raises_leaves_nothing(tmp_path: Path):
    storage = LocalStorage(tmp_path)
    with pytest.raises(ZeroDivisionError):
        write_half(storage, "box/a", ZeroDivisionError())
    assert storage.files("box") == []
    assert storage.unfinished("box") == []


def test_what_a_dead_writer_left_is_listed_only_when_asked_for(tmp_path: Path):
    storage = LocalStorage(tmp_path, observe=stop_before(2))
    with pytest.raises(Stopped):
        storage.write("a", b"1")
    assert storage.files("") == []
    assert storage.unfinished("") == [".a.unfinished"]


def test_new_folders_and_each_folder_of_a_move_are_synced_once(tmp_path: Path):
    LocalStorage(tmp_path).write("from/a", b"1")
    LocalStorage(tmp_path).write("from/b", b"2")
    steps: list[Step] = []
    storage = LocalStorage(tmp_path, observe=steps.append)
    storage.move([("from/a", "to/deep/a"), ("from/b", "to/deep/b")])
    assert [(step.kind, step.to or step.name) for step in steps] == [
        ("make_folder", "to"),
        ("make_folder", "to/deep"),
        ("rename", "to/deep/a"),
        ("rename", "to/deep/b"),
        ("sync_folder", "to/deep"),
    ]
    assert storage.files("to/deep") == ["to/deep/a", "to/deep/b"]


def test_what_is_gone_can_be_removed_and_what_never_was_can_be_listed(tmp_path: Path):
    storage = LocalStorage(tmp_path)
    storage.remove(["nothing"])
    storage.remove_folder("nothing")
    assert storage.files("nothing") == storage.folders("nothing") == []
    assert storage.unfinished("nothing") == []


def test_a_disk_that_refuses_is_named_with_its_reason(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    storage = LocalStorage(tmp_path)
    with pytest.raises(StorageError, match=r"/file: File exists"):
        storage.write("file/a", b"1")


def test_a_full_disk_leaves_the_old_content_and_no_half(tmp_path: Path):
    storage = LocalStorage(tmp_path)
    storage.write("a", b"old")
    with pytest.raises(StorageError, match="No space left on device"):
        write_half(storage, "a", OSError(28, "No space left on device"))
    assert storage.read("a") == b"old"
    assert storage.unfinished("") == []
