from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from readings import Readings

from lake.log_table import LogError
from lake.repair import is_whole, repair
from lake.storage import Step

TEARS = {
    "empty": lambda whole: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "zeros": lambda whole: bytes(len(whole)),
    "zeros at the end": lambda whole: whole[:100] + bytes(len(whole) - 100),
    "a zero page inside": lambda whole: whole[:40] + bytes(60) + whole[100:],
    "one byte short": lambda whole: whole.rstrip(b"\n")[:-1],
    "only its first line": lambda whole: whole.splitlines(keepends=True)[0],
    "without its last line": lambda whole: b"".join(
        whole.splitlines(keepends=True)[:-1]
    ),
}
torn = pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS.keys())


@pytest.fixture
def readings(tmp_path: Path) -> Readings:
    readings = Readings(tmp_path)
    for number in range(1, 4):
        file = readings.file(f"a{number}", [("m", number, 0)])
        readings.log.commit([file], transactions=[("w", number)])
    return readings


def entry(readings: Readings, version: int) -> Path:
    return readings.folder / f"{version:020d}.json"


@torn
def test_a_torn_last_entry_is_removed_and_its_work_can_be_done_again(
    readings: Readings, tear
):
    path = entry(readings, 3)
    path.write_bytes(tear(path.read_bytes()))
    again = readings.again()
    assert again.live() == ["a1", "a2"]
    assert again.log.snapshot().transaction_version("w") == 2
    assert not path.exists()
    file = again.file("a3", [("m", 3, 0)])
    assert again.log.commit([file], transactions=[("w", 3)]) == 3
    assert again.rows() == [("m", 1, 0), ("m", 2, 0), ("m", 3, 0)]
    table = str(readings.root / "readings")
    assert pl.scan_delta(table).collect().height == 3


@torn
def test_a_commit_repairs_first(readings: Readings, tear):
    path = entry(readings, 3)
    path.write_bytes(tear(path.read_bytes()))
    again = readings.again()
    file = again.file("b", [("m", 9, 0)])
    assert again.log.commit([file], transactions=[("w", 3)]) == 3
    assert again.live() == ["a1", "a2", "b"]


@torn
def test_a_torn_first_entry_is_no_log_at_all(tmp_path: Path, tear):
    readings = Readings(tmp_path)
    readings.log.commit(transactions=[("w", 1)])
    entry(readings, 1).unlink()
    path = entry(readings, 0)
    path.write_bytes(tear(path.read_bytes()))
    assert readings.log.snapshot().version is None
    readings.add("a", [("m", 1, 1)])
    assert readings.rows() == [("m", 1, 1)]


@pytest.mark.parametrize("tear", ["empty", "half", "zeros"])
@pytest.mark.parametrize("hinted", [True, False])
def test_a_torn_checkpoint_does_no_harm_and_can_be_made_again(
    readings: Readings, tear: str, hinted: bool
):
    readings.log.checkpoint()
    path = readings.folder / f"{3:020d}.checkpoint.parquet"
    path.write_bytes(TEARS[tear](path.read_bytes()))
    if not hinted:
        (readings.folder / "_last_checkpoint").unlink()
    again = readings.again()
    assert again.live() == ["a1", "a2", "a3"]
    assert again.log.snapshot().transaction_version("w") == 3
    assert again.log.checkpoint()
    for number in range(3):
        entry(readings, number).unlink()  # so that the new one must be good
    assert readings.again().live() == ["a1", "a2", "a3"]


@pytest.mark.parametrize("hint", [b"", b'{"version":', b"{}", b'{"version":2}', b"7"])
def test_a_hint_at_no_checkpoint_does_no_harm(readings: Readings, hint: bytes):
    readings.log.checkpoint()
    (readings.folder / f"{3:020d}.checkpoint.parquet").unlink()
    (readings.folder / "_last_checkpoint").write_bytes(hint)
    assert readings.again().live() == ["a1", "a2", "a3"]
    readings.again().add("b", [("m", 9, 0)])
    assert readings.again().log.checkpoint()
    assert readings.again().live() == ["a1", "a2", "a3", "b"]


def test_of_a_sound_log_nothing_is_removed(readings: Readings):
    readings.log.checkpoint()
    assert repair(readings.storage, "readings/_delta_log") == []


def test_entries_of_other_programs_count_as_whole(readings: Readings):
    note = json.dumps({"commitInfo": {"operation": "WRITE"}}).encode()
    txn = json.dumps({"txn": {"appId": "x", "version": 1}}).encode()
    assert is_whole(note + b"\n" + txn)
    assert is_whole(txn + b"\n")
    assert not is_whole(note + b"\n")
    assert not is_whole(note + b"\n" + txn[:-3])


def test_what_cannot_be_repaired_is_said_with_the_path(readings: Readings):
    entry(readings, 2).write_bytes(b"{")
    with pytest.raises(LogError, match=r"0002\.json is damaged.*from a backup"):
        readings.again().live()


def test_a_checkpoint_has_its_name_only_when_it_is_durable(readings: Readings):
    # A hole in it can open without a word, with other files.
    steps: list[Step] = []
    readings.again(steps.append).log.checkpoint()
    kinds = [step.kind for step in steps if "checkpoint.parquet" in step.name]
    assert kinds == ["sync", "rename"]
    last = steps.index(next(s for s in steps if s.kind == "rename"))
    assert steps[last + 1] == Step("sync_folder", "readings/_delta_log")
    assert [s.to for s in steps if s.kind == "rename"][1:] == [
        "readings/_delta_log/_last_checkpoint"
    ]


def test_checkpoints_build_on_each_other(readings: Readings):
    for number in range(4, 8):
        assert readings.log.checkpoint()
        assert not readings.log.checkpoint()
        readings.add(f"a{number}", [("m", number, 0)])
    assert not readings.log.checkpoint(after=2)
    assert readings.log.checkpoint(after=1)
    for version in range(8):
        entry(readings, version).unlink(missing_ok=version < 7)
    assert readings.live() == [f"a{number}" for number in range(1, 8)]
    assert readings.log.snapshot().transaction_version("w") == 3
    assert readings.storage.folders("_state") == []


class Stopped(BaseException):
    """The machine stops here."""


@pytest.mark.parametrize("stop", range(6))
def test_wherever_a_commit_stops_doing_it_again_makes_it_once(
    readings: Readings, stop: int
):
    steps: list[Step] = []

    def observe(step: Step) -> None:
        if len(steps) == stop:
            raise Stopped
        steps.append(step)

    file = readings.file("b", [("m", 4, 0)])
    dying = readings.again(observe)
    try:
        dying.log.commit([file], transactions=[("w", 4)])
    except Stopped:
        assert stop < 5
    again = readings.again()
    assert again.live() == ["a1", "a2", "a3"] + (["b"] if stop > 2 else [])
    again.log.commit([file], transactions=[("w", 4)])
    assert again.live() == ["a1", "a2", "a3", "b"]
    assert again.rows() == [("m", n, 0) for n in (1, 2, 3, 4)]


def test_what_was_summed_up_twice_and_is_old_is_removed(readings: Readings):
    """One commit a minute for years would be millions of entries."""

    def lying() -> list[int]:
        return sorted(int(path.name[:20]) for path in readings.folder.glob("0*.json"))

    for number in range(4, 7):
        readings.log.checkpoint(keep_seconds=0)
        readings.add(f"a{number}", [("m", number, 0)])
    assert lying()[0] == 4  # the last checkpoints are of 4 and 5
    assert readings.log.checkpoint(keep_seconds=0)
    assert lying() == [5, 6]
    expected = [f"a{number}" for number in range(1, 7)]
    assert readings.again().live() == expected
    assert readings.again().log.snapshot().transaction_version("w") == 3

    newest = readings.folder / f"{6:020d}.checkpoint.parquet"
    newest.write_bytes(newest.read_bytes()[:-10])  # it can be made again
    assert readings.again().live() == expected
    readings.again().add("b", [("m", 9, 0)])
    assert readings.again().log.checkpoint(keep_seconds=0)
    (readings.folder / "_last_checkpoint").unlink()
    assert readings.again().live() == [*expected, "b"]
    assert pl.scan_delta(readings.folder.parent).collect().height == 7

    known = readings.again().log.changes(0)
    assert len(known.whole) == 7  # an old reader takes all of it again
    assert not known.restarted


def test_young_entries_stay_for_readers_that_are_behind(readings: Readings):
    for number in range(4, 7):
        readings.log.checkpoint(keep_seconds=3_600)
        readings.add(f"a{number}", [("m", number, 0)])
    assert len(readings.log.changes(0).added) == 6
