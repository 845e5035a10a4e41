"""A file or a row that is gone is noticed, and repaired by walking again."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from bronze import DATASETS
from fetcher.commands import verified
from fetcher.options import Options
from fetcher.repair import mark_due
from fetcher.run import Run
from fetcher.verify import verify
from lake.batch import Batch, Progress
from lake.cursor import CursorFile
from lake.damage import notes, set_aside
from lake.lake import Lake
from settings import load

NOON = datetime(2025, 11, 21, 12, tzinfo=UTC)
SECOND = 1_763_000_000
MARKETS = ("0xa", "0xb")


def table(name: str, rows: list[dict]) -> pa.Table:
    schema = DATASETS[name].schema
    empty = dict.fromkeys(schema.names)
    return pa.Table.from_pylist([empty | row for row in rows], schema=schema)


def trade(walk_id: str, number: int) -> dict:
    return {
        "transaction_hash": f"0x{number:064x}",
        "proxy_wallet": "0x1",
        "condition_id": MARKETS[number % 2],
        "token_id": "1",
        "side": "BUY",
        "timestamp": SECOND + number,
        "size": 1.0,
        "price": 0.5,
        "fetched_at": NOON,
        "walk_id": walk_id,
        "page_no": 0,
        "row_no": number,
    }


def walk(walk_id: str, rows: int, *, served: int, started_at: datetime = NOON) -> Batch:
    """A walk over both markets, in one page, that came to the end."""
    shared = {
        "dataset": "trades",
        "walk_id": walk_id,
        "strategy": "market",
        "started_at": started_at,
        "fetched_at": started_at,
    }
    told = [
        shared | {"kind": "page", "page_no": 0, "rows_served": served},
        shared | {"kind": "walk", "outcome": "end", "rows_served": served},
    ]
    told += [
        shared | {"kind": "subject", "key": key, "outcome": "end", "rows_served": 0}
        for key in MARKETS
    ]
    trades = [trade(walk_id, number) for number in reversed(range(rows))]
    progress = Progress(
        "trades", walk_id, MARKETS, SECOND + 100, SECOND, ended=True, complete_to=0
    )
    return Batch(
        {"trades": table("trades", trades), "walks": table("walks", told)},
        progress=(progress,),
    )


@pytest.fixture
def lake(tmp_path):
    with Lake.open(tmp_path / "data", DATASETS) as lake:
        yield lake


@pytest.fixture
def store(lake, tmp_path):
    def put(*batches: Batch) -> None:
        path = tmp_path / "cursor.json"
        with CursorFile.open(path) as cursor, lake.writer(cursor) as writer:
            for batch in batches:
                writer.put(batch)

    return put


def problems(lake, *, deep: bool = False) -> list[str]:
    report = verify(lake, deep=deep, stop=threading.Event())
    return [f"{one.what} {one.why}" for one in report.problems]


@pytest.mark.parametrize("deep", [False, True])
def test_a_lake_that_is_whole_has_no_problems(lake, store, deep):
    store(walk("m1", 8, served=8), walk("m2", 8, served=8))
    assert problems(lake, deep=deep) == []


def test_a_file_that_is_gone_is_named(lake, store):
    store(walk("m1", 8, served=8))
    path = lake.files("trades")[0]
    path.unlink()
    (said,) = problems(lake)
    assert path.name in said
    assert "not there" in said


def test_a_file_that_was_cut_is_named(lake, store):
    store(walk("m1", 8, served=8))
    path = lake.files("trades")[0]
    path.write_bytes(path.read_bytes()[:-10])
    (said,) = problems(lake)
    assert "bytes" in said


def test_a_damaged_page_is_found_by_reading_all(lake, store):
    store(walk("m1", 8, served=8))
    path = lake.files("trades")[0]
    content = bytearray(path.read_bytes())
    content[20:120] = bytes(100)
    path.write_bytes(content)
    assert problems(lake) == []
    (said,) = problems(lake, deep=True)
    assert "cannot be read" in said


def test_a_walk_that_was_served_more_than_is_held_is_named(lake, store):
    store(walk("m1", 8, served=9))
    (said,) = problems(lake)
    assert "walk m1 was served 9 rows, but 8 are held" in said


def test_rows_that_vanished_with_their_file_are_found_by_reading_all(lake, store):
    store(walk("m1", 8, served=8))
    (file,) = lake.snapshot("trades").files
    lake.log("trades").commit([], [file.name], transactions=[], data_change=True)
    assert problems(lake) == []
    (said,) = problems(lake, deep=True)
    assert "walk m1 stored 8 rows that are not in bronze any more" in said


def test_a_flipped_bit_anywhere_in_a_file_is_found_by_reading_all(lake, store):
    store(walk("m1", 8, served=8))
    path = lake.files("trades")[0]
    content = path.read_bytes()
    unseen = []
    for place in range(0, len(content), 61):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        if not problems(lake, deep=True):
            unseen.append(place)
    assert not unseen


def test_rows_that_are_gone_are_not_forgiven_by_a_walk_that_confirmed_them(lake, store):
    store(walk("m1", 8, served=8))
    store(walk("m2", 8, served=8, started_at=datetime(2025, 11, 22, tzinfo=UTC)))
    (file,) = lake.snapshot("trades").files  # m2 brought nothing new
    lake.log("trades").commit([], [file.name])
    (said,) = problems(lake, deep=True)
    assert "walk m1 stored 8 rows that are not in bronze any more" in said


def test_a_walk_is_forgiven_once_its_markets_were_walked_again(lake, store):
    store(walk("m1", 8, served=9))
    later = datetime(2025, 11, 22, tzinfo=UTC)
    store(walk("m2", 8, served=8, started_at=later))
    assert problems(lake) == []


def test_a_repair_marks_the_markets_of_walks_that_lack_rows(lake, store, tmp_path):
    store(walk("m1", 8, served=9), walk("m2", 8, served=8))
    with CursorFile.open(tmp_path / "cursor.json") as cursor:
        writer = lake.writer(cursor)
        run = Run(lake, writer, cursor, None, None, None, load(), Options(), "r")
        with writer:
            mark_due(run)
            due = lake.walk_state().due("trades")
    assert set(due) == set(MARKETS)


@pytest.fixture
def settings(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("")
    return load(config)  # its paths are those of `lake` and `store`


def checked(settings) -> list[str]:
    told = verified(settings, deep=False, stop=threading.Event())
    assert told.exit_code == bool(told.json["problems"])
    return [one["name"] for one in told.json["set_aside"]]


def test_what_is_damaged_is_set_aside_and_its_markets_are_due(lake, store, settings):
    store(walk("m1", 8, served=8))
    (path,) = lake.files("trades")
    path.write_bytes(b"nothing")
    assert checked(settings) == [str(path.relative_to(path.parent.parent))]
    assert lake.files("trades") == []
    (note,) = notes(lake)
    assert lake.storage.read(note.lies_in) == b"nothing"
    assert set(lake.walk_state().due("trades")) == set(MARKETS)
    assert checked(settings) == []
    assert problems(lake, deep=True) == []  # the loss is noted, and not found again


def test_a_lost_file_of_walks_lets_go_of_what_was_derived_from_it(
    lake, store, settings
):
    store(walk("m1", 8, served=8))
    assert lake.walk_state().counts("trades").to_end == len(MARKETS)
    lake.close()
    for path in lake.files("walks"):
        path.unlink()
    assert len(checked(settings)) == 2
    assert lake.walk_state().counts("trades").to_end == 0


def test_a_file_that_is_whole_again_is_not_set_aside(lake, store):
    store(walk("m1", 8, served=8))
    (path,) = lake.files("trades")
    content = path.read_bytes()
    path.write_bytes(b"nothing")
    report = verify(lake, deep=False, stop=threading.Event())
    path.write_bytes(content)
    assert set_aside(lake, report.damaged) == []
    assert lake.files("trades") == [path]


def test_checking_ends_when_it_is_told_to(lake, store):
    store(walk("m1", 8, served=8))
    stop = threading.Event()
    stop.set()
    assert verify(lake, deep=True, stop=stop).files == 0
