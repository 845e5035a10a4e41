"""The model of a disk: what a sync makes safe, and what a power cut may leave."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .disk_calls import Call, Kind
from .disk_model import Disk, Way, entries, lay_out

LOT = random.Random(1)


def call(
    kind: Kind, path: str, *, to: str = "", inode: int = 0, data: bytes = b""
) -> Call:
    return Call(kind, path, to, inode, 0, len(data), data)


WRITTEN = [
    call(Kind.CREATE, "/.a", inode=1),
    call(Kind.WRITE, "/.a", inode=1, data=b"rows"),
]
SYNCED = [*WRITTEN, call(Kind.SYNC, "/.a", inode=1)]
RENAMED = [call(Kind.RENAME, "/.a", to="/a")]
FOLDER = [call(Kind.SYNC, "")]


def left(calls: list[Call], way: Way, start: tuple = ()) -> dict[str, bytes]:
    disk = Disk(list(start))
    for one in calls:
        disk.apply(one)
    return {path: content for path, (_, content) in disk.left(way, LOT).items()}


@pytest.mark.parametrize("way", Way)
def test_what_is_synced_with_its_name_survives(way: Way):
    assert left(SYNCED + RENAMED + FOLDER, way) == {"/a": b"rows"}


def test_a_name_without_a_sync_of_its_folder_may_be_gone_or_not():
    assert left(SYNCED + RENAMED, Way.GONE) == {}
    assert left(SYNCED + RENAMED, Way.NO_BYTES) == {"/a": b"rows"}


def test_bytes_that_were_not_synced_may_be_missing_under_a_name_that_is_there():
    assert left(WRITTEN + RENAMED + FOLDER, Way.GONE) == {"/a": b""}
    assert left(WRITTEN + RENAMED + FOLDER, Way.NO_NAMES) == {"/a": b"rows"}


def test_a_removal_that_was_not_synced_may_not_have_happened():
    calls = SYNCED + RENAMED + FOLDER + [call(Kind.UNLINK, "/a")]
    assert left(calls, Way.GONE) == {"/a": b"rows"}
    assert left(calls, Way.NO_BYTES) == {}


def test_a_file_in_a_folder_that_is_gone_is_gone():
    made = [call(Kind.MKDIR, "/f"), call(Kind.CREATE, "/f/a", inode=1)]
    assert left([*made, call(Kind.SYNC, "/f")], Way.GONE) == {}
    assert left([*made, call(Kind.SYNC, "/f"), *FOLDER], Way.GONE) == {
        "/f": b"",
        "/f/a": b"",
    }


def test_links_are_links_again(tmp_path: Path):
    disk = Disk([])
    for one in [*SYNCED, call(Kind.LINK, "/.a", to="/b"), *FOLDER]:
        disk.apply(one)
    lay_out(disk.left(Way.GONE, LOT), tmp_path)
    assert tmp_path.joinpath(".a").samefile(tmp_path / "b")
    assert Disk(entries(tmp_path)).differs_from(tmp_path) == []
