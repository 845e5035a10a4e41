from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.lake import Lake
from lake.live_files import Changes, new_file
from lake.walk_state import Counts, Coverage, Walked, WalkState
from lake.walk_tables import SCHEMA, TABLES, take_in
from lake.walks import WALKS

START = datetime(2025, 1, 1, tzinfo=UTC)
MARKET = "0x" + "ab" * 32
OTHER = "0x" + "cd" * 32


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def row(kind: str, key: str | None = MARKET, **values: Any) -> dict[str, Any]:
    known = {"kind": kind, "dataset": "trades", "key": key, "fetched_at": at(0)}
    return {**{column.name: None for column in WALKS.columns}, **known, **values}


def subject(
    key: str,
    minute: int,
    outcome: str = "end",
    walk: str | None = None,
    detail: str | None = None,
):
    return row(
        "subject",
        key,
        walk_id=walk or f"m{minute}",
        started_at=at(minute),
        fetched_at=at(minute + 1),
        outcome=outcome,
        detail=detail,
    )


def due(key: str, minute: int, reason: str = "feed_gap"):
    return row("due", key, fetched_at=at(minute), detail=reason)


def folded(key: str, oldest: int | None, newest: int | None):
    return row("folded", key, walk_id="m1", ts_oldest=oldest, ts_newest=newest)


def coverage(minute: int, oldest: int, newest: int):
    return row(
        "coverage",
        None,
        walk_id="f1",
        fetched_at=at(minute),
        ts_oldest=oldest,
        ts_newest=newest,
    )


class Walks:
    """A lake whose `walks` get rows."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake.open(root, {"walks": WALKS})
        self.files = 0

    def add(self, *rows: dict[str, Any]) -> None:
        self.files += 1
        name = f"dt=2025-01-01/w{self.files}.parquet"
        table = pa.Table.from_pylist(list(rows), schema=WALKS.schema)
        self.lake.storage.make_folder("walks/dt=2025-01-01")
        path = self.lake.path_of("walks", name)
        pq.write_table(table.sort_by("kind"), path)
        size = path.stat().st_size
        file = new_file(name, pq.read_metadata(path), size=size, columns=["kind"])
        self.lake.log("walks").commit([file])

    @property
    def state(self) -> WalkState:
        return self.lake.walk_state()

    def state_behind(self) -> WalkState:
        """The state as it was when it was last asked for."""
        self.lake.close()
        return WalkState(self.lake.root / "_state" / "walks.sqlite")

    def changes(self, version: int | None, log_id: str | None) -> Changes:
        return self.lake.changes("walks", version, log_id=log_id)

    def everything(self) -> Any:
        keys = [MARKET, OTHER, "0xdeed", "a slug"]
        return (
            [self.state.walked(name, keys) for name in ("trades", "taker_trades")],
            self.state.due("trades"),
            self.state.coverage("trades"),
            self.state.counts("trades"),
        )


@pytest.fixture
def walks(tmp_path: Path) -> Iterator[Walks]:
    walks = Walks(tmp_path)
    yield walks
    walks.lake.close()


def test_of_what_was_never_walked_nothing_is_known(walks: Walks):
    assert walks.state.walked("trades", [MARKET]) == {}
    assert walks.state.never_ended("trades", [MARKET, OTHER]) == [MARKET, OTHER]
    assert walks.state.hulls("trades", [MARKET]) == {}
    assert walks.state.due("trades") == {}
    assert walks.state.coverage("trades") is None
    assert walks.state.counts("trades") == Counts(0, 0, 0, 0)


def test_the_latest_walk_to_the_end_and_the_latest_at_all_are_known(walks: Walks):
    walks.add(subject(MARKET, 5), subject(MARKET, 2), subject(MARKET, 9, "dropped"))
    walks.add(
        folded(MARKET, 50, 70), folded(MARKET, 30, 40), folded(MARKET, None, None)
    )
    assert walks.state.walked("trades", [MARKET, OTHER]) == {
        MARKET: Walked(MARKET, at(5), "m5", at(9), "m9", "dropped", 30, 70, None)
    }
    assert walks.state.hulls("trades", [MARKET, OTHER]) == {MARKET: (30, 70)}
    assert walks.state.walked("taker_trades", [MARKET]) == {}


@pytest.mark.parametrize(
    "key",
    [
        "101012114079991560798798475178546659828953058589715676284483008151303696232136",
        "9" * 78,
        "12",
        "007",
        "0x" + "ab" * 31,
        "2026-01-01",
        "1e5",
    ],
)
def test_a_key_is_the_same_text_to_its_last_digit(walks: Walks, key: str):
    walks.add(subject(key, 5), due(key, 9))
    assert list(walks.state.walked("trades", [key, key + "0"])) == [key]
    assert walks.state.due("trades") == {key: "feed_gap"}
    assert walks.state.never_ended("trades", [key]) == []


def test_a_market_without_a_walk_to_the_end_is_named(walks: Walks):
    walks.add(subject(MARKET, 1), subject(OTHER, 1, "cursor_refused"))
    asked = [OTHER, "0xnew", MARKET]
    assert walks.state.never_ended("trades", asked) == [OTHER, "0xnew"]
    many = [f"0x{number:064x}" for number in range(12_000)]
    assert walks.state.never_ended("trades", [*many, MARKET]) == many


def test_a_due_market_stays_due_until_a_walk_started_since_came_to_the_end(
    walks: Walks,
):
    walks.add(subject(MARKET, 4), due(MARKET, 5), due(OTHER, 5, "totals"))
    assert walks.state.due("trades") == {MARKET: "feed_gap", OTHER: "totals"}
    walks.add(subject(MARKET, 6, "cap"))
    assert walks.state.walked("trades", [MARKET])[MARKET].due == "feed_gap"
    walks.add(subject(MARKET, 7))
    assert walks.state.due("trades") == {OTHER: "totals"}
    assert walks.state.walked("trades", [MARKET])[MARKET].due is None
    walks.add(due(MARKET, 6))  # it was known late
    assert walks.state.due("trades") == {OTHER: "totals"}
    assert walks.state.counts("trades") == Counts(2, 1, 1, 1)


def test_a_market_is_whole_when_its_last_end_is_that_of_its_history(walks: Walks):
    def whole() -> list[int]:
        counts = walks.state.counts("trades")
        one = walks.state.walked("trades", [MARKET])[MARKET]
        return [counts.to_end, counts.whole, int(one.is_whole)]

    walks.add(subject(MARKET, 1, detail="service_window"))
    assert whole() == [1, 0, 0]
    walks.add(subject(MARKET, 2))
    assert whole() == [1, 1, 1]
    walks.add(due(MARKET, 3))
    assert whole() == [1, 0, 0]
    walks.add(subject(MARKET, 4), subject(MARKET, 5, "floor"))
    assert whole() == [1, 1, 1]
    walks.add(subject(MARKET, 6, "cap", walk="v6"))
    assert whole() == [1, 0, 0]


def test_a_walked_wallet_is_counted_as_no_market(walks: Walks):
    walks.add(subject("0xfeed", 1, walk="u1"), subject("0xcafe", 1), subject(MARKET, 1))
    assert walks.state.counts("trades") == Counts(2, 2, 0, 2)
    assert walks.state.unusual("trades") == ["0xcafe"]
    assert list(walks.state.walked("trades", ["0xfeed"])) == ["0xfeed"]


def test_the_coverage_is_what_was_said_last(walks: Walks):
    walks.add(coverage(3, 100, 300), coverage(2, 100, 200))
    walks.add(coverage(1, 50, 900))
    assert walks.state.coverage("trades") == Coverage(100, 300, at(3), "f1")


keys = st.sampled_from([MARKET, "a slug"])
minutes = st.integers(0, 1)
seconds = st.integers(0, 9)
KINDS = {
    "subject": st.builds(
        subject,
        keys,
        minutes,
        st.sampled_from(["end", "cap"]),
        st.sampled_from(["m1", "m2"]),
        st.sampled_from([None, "service_window"]),
    ),
    "due": st.builds(due, keys, minutes, st.sampled_from(["feed_gap", "totals"])),
    "folded": st.builds(folded, keys, seconds, seconds),
    "coverage": st.builds(coverage, minutes, st.integers(0, 2), st.integers(3, 5)),
    "page": st.just(row("page", None)),
}
events = st.one_of(*KINDS.values())
histories = st.lists(st.lists(events, min_size=1, max_size=4), min_size=1, max_size=5)


@settings(max_examples=6, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_a_state_kept_up_step_by_step_equals_one_made_anew(
    tmp_path_factory: pytest.TempPathFactory,
    history: Sequence[Sequence[dict[str, Any]]],
    chance: Any,
):
    steps = Walks(tmp_path_factory.mktemp("steps"))
    for commit in history:
        steps.add(*commit)
        steps.lake.walk_state()
    at_once = Walks(tmp_path_factory.mktemp("once"))
    rows = [event for commit in history for event in commit]
    chance.shuffle(rows)
    at_once.add(*rows, *rows[:2])
    assert steps.everything() == at_once.everything()
    steps.lake.close()
    (steps.lake.root / "_state" / "walks.sqlite").unlink()
    assert steps.everything() == at_once.everything()
    steps.lake.close()
    at_once.lake.close()


def taken_in(folder: Path, commits: Sequence[Sequence[dict[str, Any]]]) -> list[Any]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    path = folder / "walks.parquet"
    for commit in commits:
        rows = pa.Table.from_pylist(list(commit), schema=WALKS.schema)
        pq.write_table(rows, path)
        take_in(connection, path)
    found = [connection.execute(f"select * from {table}") for table in TABLES]
    state = [sorted(rows.fetchall(), key=repr) for rows in found]
    connection.close()
    return state


@pytest.mark.parametrize("kind", ["subject", "due", "folded", "coverage"])
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_neither_the_order_of_rows_nor_their_repetition_matters(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
):
    rows = data.draw(st.lists(KINDS[kind], min_size=2, max_size=5))
    chance = data.draw(st.randoms(use_true_random=False))
    folder = tmp_path_factory.getbasetemp()
    shuffled = chance.sample(rows, len(rows))
    cut = len(rows) // 2
    one_by_one = taken_in(folder, [[row] for row in rows])
    assert taken_in(folder, [shuffled]) == one_by_one
    assert taken_in(folder, [shuffled[cut:], shuffled[:cut], rows]) == one_by_one


def test_a_compacted_day_is_taken_in_again_without_harm(walks: Walks):
    walks.add(subject(MARKET, 1))
    before = walks.everything()
    for minute in range(2, 6):
        walks.add(subject(OTHER, minute))
    assert list(walks.lake.compact())
    walks.lake.remove_replaced("walks", grace_seconds=-60)
    after = walks.everything()
    assert after[0][0][MARKET] == before[0][0][MARKET]
    assert after[0][0][OTHER].to_end_at == at(5)


def test_dying_while_rows_are_taken_in_changes_nothing(walks: Walks):
    class Stopped(BaseException):
        pass

    walks.add(subject(MARKET, 1))
    before = walks.everything()
    walks.add(subject(MARKET, 2))
    walks.add(subject(MARKET, 3))
    state, paths = walks.state_behind(), []

    def dying(file: Any) -> Path:
        paths.append(file)
        if len(paths) == 2:
            raise Stopped
        return walks.lake.path_of("walks", file.name)

    with pytest.raises(Stopped):
        state.catch_up(walks.changes, dying)
    assert state.walked("trades", [MARKET]) == before[0][0]
    state.close()
    assert walks.state.walked("trades", [MARKET])[MARKET].to_end_at == at(3)


def test_files_that_vanish_while_they_are_read_are_asked_for_again(walks: Walks):
    walks.add(subject(MARKET, 1))
    state = walks.state_behind()
    vanished: list[Path] = []

    def gone_once(file: Any) -> Path:
        if not vanished:
            vanished.append(Path("/nonexistent"))
            return vanished[0]
        return walks.lake.path_of("walks", file.name)

    assert state.catch_up(walks.changes, gone_once) == 1
    assert state.never_ended("trades", [MARKET]) == []
    state.close()


@pytest.mark.parametrize("damage", [b"no database at all", b""])
def test_a_damaged_state_is_made_anew(walks: Walks, damage: bytes):
    walks.add(subject(MARKET, 1))
    before = walks.everything()
    walks.lake.close()
    (walks.lake.root / "_state" / "walks.sqlite").write_bytes(damage)
    assert walks.everything() == before


def test_a_state_of_another_format_is_made_anew(walks: Walks):
    walks.add(subject(MARKET, 1))
    before = walks.everything()
    walks.lake.close()
    path = walks.lake.root / "_state" / "walks.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("drop table coverage")
    connection.execute("pragma user_version = 99")
    connection.commit()
    connection.close()
    assert walks.everything() == before


def test_a_lake_that_was_replaced_leaves_nothing_behind(walks: Walks, tmp_path: Path):
    walks.add(subject(MARKET, 1), coverage(1, 1, 2), due(OTHER, 1))
    walks.everything()
    other = Walks(tmp_path / "other")
    for minute in range(3):
        other.add(subject(OTHER, minute))
    state = walks.state
    state.catch_up(other.changes, lambda file: other.lake.path_of("walks", file.name))
    assert list(state.walked("trades", [MARKET, OTHER])) == [OTHER]
    assert state.coverage("trades") is None
    assert state.due("trades") == {}


def test_nothing_new_costs_no_write(walks: Walks):
    walks.add(subject(MARKET, 1))
    walks.state.counts("trades")
    files = sorted((walks.lake.root / "_state").iterdir())
    before = [path.stat().st_mtime_ns for path in files]
    walks.state.counts("trades")
    assert [path.stat().st_mtime_ns for path in files] == before
