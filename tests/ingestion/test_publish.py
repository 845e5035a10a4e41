"""Publishing by turns: readers never wait, nothing breaks, nothing foreign is lost."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from bronze_lake import BronzeLake, trade
from small_warehouse import begun_warehouse

import ingestion.run
from ingestion.load import Loader
from ingestion.run import LakeChanged
from ingestion.taken import fingerprint
from lake.locks import held
from settings.errors import Locked
from warehouse.connect import NotAWarehouse
from warehouse.models import Model

COUNT = "select count(*) from gold.trades"

READER = """
import sys, duckdb
db = duckdb.connect(sys.argv[1], read_only=True)
for _ in sys.stdin:
    print(db.execute("select count(*) from gold.trades").fetchall()[0][0], flush=True)
"""

KILLED = """
import sys
from pathlib import Path
from ingestion.run import ingest
def report(line):
    print(line, flush=True)
    sys.stdin.readline()
lake, warehouse = map(Path, sys.argv[1:])
ingest(lake, warehouse, intake_rows=1, report=report, report_seconds=0)
"""


class Reader:
    """A notebook in another process that keeps the warehouse open."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", READER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def count(self) -> int:
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def slots(warehouse):
    return [warehouse.path.parent / ".warehouse" / f"{name}.duckdb" for name in "ab"]


def turn_of(warehouse):
    [slot] = [s for s in slots(warehouse) if s.exists() and s.samefile(warehouse.path)]
    return slot.stem


def rows_read(warehouse):
    """Ingest, and return what the log says was read of trades: all of it."""
    lines = []
    warehouse.ingest(report=lines.append)
    [line] = [line for line in lines if line.startswith("trades and ")]
    return line.partition("new rows, ")[2]


def add(bronze, number):
    bronze.commit("trades", [trade(second=number, walk=f"m{number}")])


@pytest.fixture(scope="module")
def begun(tmp_path_factory, laid_out):
    """Lakes as they are after one ingest and after two, of a trade each."""
    lakes = []
    for runs in (1, 2):
        lake = BronzeLake(tmp_path_factory.mktemp(f"after_{runs}") / "data")
        warehouse = begun_warehouse(lake, laid_out)
        for number in range(1, runs + 1):
            add(lake, number)
            warehouse.ingest()
        lakes.append(lake)
    return lakes


@pytest.fixture
def begin(begun, bronze, warehouse):
    """Begin with so many trades taken in, one a run: a copy, hard links as well."""
    return lambda runs: bronze.become(begun[runs - 1])


def test_a_reader_holds_its_file_open_through_two_ingests(bronze, warehouse, begin):
    begin(1)
    with Reader(warehouse.path) as reader:
        assert reader.count() == 1
        for number in (2, 3, 4):
            add(bronze, number)
            assert warehouse.ingest().published
            assert reader.count() == 1, "a reader keeps the state it opened"
            assert warehouse.ask(COUNT) == [(number,)]


def test_a_reader_in_the_same_process_keeps_its_state_too(bronze, warehouse, begin):
    begin(1)
    with duckdb.connect(str(warehouse.path), read_only=True) as db:
        for number in (2, 3, 4):
            add(bronze, number)
            warehouse.ingest()
            assert db.execute(COUNT).fetchall() == [(1,)]


def test_the_two_files_take_turns(bronze, warehouse):
    turns = []
    for number in range(4):
        add(bronze, number)
        warehouse.ingest()
        turns.append(turn_of(warehouse))
        assert warehouse.ask(COUNT) == [(number + 1,)]
    assert turns == ["a", "b", "a", "b"]


def test_nothing_new_publishes_nothing(bronze, warehouse, begin):
    begin(1)
    before = warehouse.path.stat()
    assert not warehouse.ingest().published
    after = warehouse.path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_published_file_is_whole_and_read_only(bronze, warehouse, begin):
    begin(1)
    assert warehouse.path.stat().st_mode & 0o777 == 0o444
    assert not list(warehouse.path.parent.rglob("*.wal"))
    assert not list(warehouse.path.parent.rglob("publishing"))
    with duckdb.connect(str(warehouse.path), read_only=True) as db:
        assert db.execute(COUNT).fetchall() == [(1,)], "without our code"


def test_what_a_dead_run_left_behind_is_removed(bronze, warehouse, begin):
    begin(1)
    folder = warehouse.path.parent / ".warehouse"
    for name in ("publishing", "copying.duckdb", "building.duckdb"):
        (folder / name).write_bytes(b"left behind")
    add(bronze, 2)
    warehouse.ingest()
    assert sorted(p.name for p in folder.iterdir()) == ["a.duckdb", "b.duckdb", "lock"]


def test_a_log_left_by_someone_who_wrote_is_moved_aside_and_reported(
    bronze, warehouse, begin
):
    begin(1)
    wal = warehouse.path.with_name("warehouse.duckdb.wal")
    wal.write_bytes(b"someone's changes")
    add(bronze, 2)
    summary = warehouse.ingest()
    assert warehouse.ask(COUNT) == [(2,)]
    assert not wal.exists()
    [kept] = wal.parent.glob("warehouse.duckdb.wal.stale-*")
    assert kept.read_bytes() == b"someone's changes"
    assert any(kept.name in problem for problem in summary.problems)


def test_a_second_run_at_the_same_time_is_refused(bronze, warehouse):
    lock = warehouse.path.parent / ".warehouse" / "lock"
    with held(lock, what="it"), pytest.raises(Locked):
        warehouse.ingest()


def checksum(block: bytes) -> int:
    """DuckDB's checksum of a block whose length is a multiple of eight."""
    result = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        result ^= (word * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    return result


def newer(path: Path) -> bytes:
    """A sound DuckDB file of a version that is yet to come."""
    duckdb.connect(str(path)).close()
    content = bytearray(path.read_bytes())
    path.unlink()
    content[12:20] = struct.pack("<Q", 9_999)
    content[0:8] = struct.pack("<Q", checksum(bytes(content[8:4096])))
    return bytes(content)


def foreign(path: Path) -> bytes:
    """Someone's own DuckDB database."""
    with duckdb.connect(str(path)) as db:
        db.execute("create table mine (number int)")
    content = path.read_bytes()
    path.unlink()
    return content


@pytest.mark.parametrize("rebuild", [False, True])
@pytest.mark.parametrize(
    "make",
    [newer, foreign, lambda _: b"", lambda _: b"a text\n" * 999, lambda _: b"SQLite"],
    ids=["newer", "foreign", "empty", "text", "short"],
)
def test_a_file_that_is_no_warehouse_of_ours_is_named_and_left(
    bronze, warehouse, tmp_path, make, rebuild
):
    content = make(tmp_path / "other.duckdb")
    add(bronze, 1)
    warehouse.path.write_bytes(content)
    with pytest.raises(NotAWarehouse, match="left as it is") as refused:
        warehouse.ingest(rebuild=rebuild)
    assert str(warehouse.path) in str(refused.value)
    assert warehouse.path.read_bytes() == content


def test_a_newer_file_is_refused_for_its_version(warehouse, bronze, tmp_path):
    add(bronze, 1)
    warehouse.path.write_bytes(newer(tmp_path / "other.duckdb"))
    with pytest.raises(NotAWarehouse, match="9999"):
        warehouse.ingest()


def test_a_run_killed_between_batches_goes_on_where_it_was(bronze, warehouse):
    for day in range(4):
        bronze.commit("trades", [trade(second=day * 86_400, walk=f"m{day}")])
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(bronze.root), str(warehouse.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        ) as process:
            assert process.stdout.readline(), "a batch is taken in"
            process.kill()
    summary = warehouse.ingest()
    assert warehouse.ask(COUNT) == [(4,)]
    assert warehouse.ask("select sum(rows_held) from silver.MarketTally") == [(4,)]
    assert warehouse.ask("select sum(rows_taken_in) from silver.WalkTally") == [(4,)]
    assert summary.datasets["trades"].rows_seen == 2, "what was taken in stays"


def test_a_run_that_fails_leaves_the_published_file_as_it_was(
    bronze, warehouse, monkeypatch, begin
):
    begin(1)
    add(bronze, 2)

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(Loader, "_settle", fail)
        with pytest.raises(OSError, match="disk full"):
            warehouse.ingest()
    assert warehouse.ask(COUNT) == [(1,)]
    warehouse.ingest()
    assert warehouse.ask(COUNT) == [(2,)]


def test_a_damaged_file_whose_turn_it_is_is_replaced(bronze, warehouse, begin):
    begin(2)
    slots(warehouse)[0].chmod(0o644)
    slots(warehouse)[0].write_bytes(b"torn")
    add(bronze, 3)
    assert warehouse.ingest().problems
    assert warehouse.ask(COUNT) == [(3,)]


@pytest.mark.parametrize("content", [b"torn", None])
def test_a_damaged_published_file_of_ours_is_built_anew(
    bronze, warehouse, content, begin
):
    begin(1)
    whole = warehouse.path.read_bytes()
    flipped = bytes(255 - byte for byte in whole[4096:]) if content is None else b""
    warehouse.path.chmod(0o644)
    warehouse.path.write_bytes(whole[:4096] + flipped if content is None else content)
    summary = warehouse.ingest()
    assert "is damaged and is built anew" in summary.problems[0]
    assert warehouse.ask(COUNT) == [(1,)]


@pytest.mark.parametrize("gone", ["a", "b", "published", "all"])
def test_files_that_are_gone_are_made_again(bronze, warehouse, gone, begin):
    begin(2)
    for slot in slots(warehouse):
        if gone in (slot.stem, "all"):
            slot.unlink()
    if gone in ("published", "all"):
        warehouse.path.unlink()
    add(bronze, 3)
    warehouse.ingest()
    assert warehouse.ask(COUNT) == [(3,)]
    add(bronze, 4)
    warehouse.ingest()
    assert warehouse.ask(COUNT) == [(4,)]


def test_a_warehouse_moved_without_its_second_file_goes_on(
    bronze, warehouse, tmp_path, begin
):
    begin(2)
    content = warehouse.path.read_bytes()
    for path in (*slots(warehouse), warehouse.path):
        path.unlink()
    warehouse.path.write_bytes(content)
    add(bronze, 3)
    assert rows_read(warehouse) == "1 read", "a copy, and what is new"
    assert warehouse.ask(COUNT) == [(3,)]


def test_a_file_far_behind_is_replaced_by_a_copy(bronze, warehouse, monkeypatch, begin):
    monkeypatch.setattr(ingestion.run, "_COPY_MINIMUM", 0)
    monkeypatch.setattr(ingestion.run, "_COPY_SHARE", 1 << 40)
    begin(2)
    add(bronze, 3)
    assert rows_read(warehouse) == "1 read"
    assert warehouse.ask(COUNT) == [(3,)]


def test_rebuild_gives_the_same_beside_a_reader(bronze, warehouse, begin):
    begin(2)
    before = warehouse.ask("from gold.trades order by all")
    with Reader(warehouse.path) as reader:
        assert reader.count() == 2
        summary = warehouse.ingest(rebuild=True)
        assert reader.count() == 2
    assert summary.rebuilt
    assert summary.published
    assert warehouse.ask("from gold.trades order by all") == before
    add(bronze, 3)
    assert not warehouse.ingest().rebuilt
    assert warehouse.ask(COUNT) == [(3,)]


def test_a_warehouse_of_another_layout_is_built_anew(bronze, warehouse, begin):
    begin(1)
    warehouse.path.chmod(0o644)
    with duckdb.connect(str(warehouse.path)) as db:
        db.execute("update ingest.Layout set tables = 'of old'")
    assert warehouse.ingest().rebuilt
    assert warehouse.ask(COUNT) == [(1,)]


def test_tables_are_of_another_layout_when_any_step_differs_but_no_comment():
    def made_by(take_in):
        return fingerprint(
            [Model("Fact", "", {"define": "create", "take_in": take_in})]
        )

    assert made_by("select 1") == made_by("-- one\n  select\n1")
    assert made_by("select 1") != made_by("select 2")


def test_views_of_another_release_are_made_anew(bronze, warehouse, begin):
    begin(1)
    warehouse.path.chmod(0o644)
    with duckdb.connect(str(warehouse.path)) as db:
        db.execute("update ingest.Layout set views = 'of old'")
        db.execute("create view gold.of_old as select 1 as one")
    summary = warehouse.ingest()
    assert summary.published
    assert not summary.rebuilt
    assert warehouse.ask(
        "select count(*) from duckdb_views() where view_name = 'of_old'"
    ) == [(0,)]


def test_a_lake_that_is_gone_is_said_and_the_warehouse_stays(bronze, warehouse, begin):
    begin(1)
    bronze.root.joinpath("trades").rename(bronze.root / "elsewhere")
    with pytest.raises(LakeChanged, match="--rebuild"):
        warehouse.ingest()
    assert warehouse.ask(COUNT) == [(1,)]


def test_a_lake_made_anew_is_taken_in_from_the_start(bronze, warehouse, begin):
    begin(2)
    bronze.root.joinpath("trades").rename(bronze.root / "elsewhere")
    add(bronze, 7)
    assert warehouse.ingest().rebuilt
    assert warehouse.ask(COUNT) == [(1,)]
