"""The law: nothing that a walk saw is lost and nothing is made up, whatever happens."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_exchange import Exchange, Walk
from small_lake import FILLS, SmallLake

from lake.landing import read_rows
from lake.storage import Step

EXAMPLES = int(os.environ.get("POLYLAKE_EXAMPLES", "10"))

second = st.integers(80, 81)
trade = st.tuples(
    st.just("trade"),
    st.sampled_from("mmn"),
    second,
    st.sampled_from("aab"),
    st.integers(0, 3),
)
start = st.tuples(
    st.just("start"),
    st.sampled_from(["f", "m", "m", "u"]),
    st.sampled_from([("m",), ("n",), ("m", "n")]),
)
step = st.tuples(
    st.just("step"),
    st.integers(0, 3),
    st.sampled_from([1, 1, 2, 4]),
    st.integers(0, 19),
)
withdraw = st.tuples(st.just("withdraw"), st.integers(0, 9))
action = st.one_of(
    trade,
    start,
    step,
    step,
    step,
    withdraw,
    st.tuples(st.just("flush")),
    st.tuples(st.just("fold")),
    st.tuples(st.just("fold")),
    st.tuples(st.just("rerun")),
    st.tuples(st.just("crash"), st.integers(0, 40)),
)
# Drawn as a whole: rarely would single actions bring two walks over the same rows to
# their ends with something in between.
finish = st.tuples(st.just("finish"), st.integers(1, 4))
round_of_walks = st.tuples(
    st.lists(start, min_size=1, max_size=3),
    st.lists(action, min_size=3, max_size=12),
    finish,
    st.lists(st.one_of(trade, withdraw), max_size=3),
    st.lists(st.sampled_from([("fold",), ("rerun",), ("crash", 25)]), max_size=1),
).map(lambda parts: [*parts[0], *parts[1], parts[2], *parts[3], *parts[4]])
first_trades = st.lists(trade, min_size=4, max_size=12)


class Crash(BaseException):
    """The machine dies here: nobody cleans up."""


class History:
    """A lake beside the exchange, and all walks over it so far."""

    def __init__(self, root: Path, **options) -> None:
        self.fuse: int | None = None
        self.lake = SmallLake(root, observe=self.burn)
        self.options = options
        self.exchange = Exchange()
        self.walks: list[Walk] = []
        self.open()

    def burn(self, step: Step) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Crash(str(step))

    def open(self) -> None:
        self.cursor = self.lake.cursor()
        assert not self.cursor.problems
        self.writer = self.lake.writer(self.cursor, **self.options)
        self.writer.__enter__()
        for walk in self.walks:
            walk.resume(self.cursor.walks, self.cursor.values)

    def close(self, error: type[BaseException] | None = None) -> None:
        try:
            self.writer.__exit__(error, error and error(), None)
        finally:
            self.cursor.close()

    def do(self, name: str, *how) -> None:
        if name == "trade":
            self.exchange.trade(*how)
        elif name == "withdraw":
            self.exchange.withdraw(*how)
        elif name == "start":
            letter, scope = how
            scope = ("*",) if letter == "f" else scope
            self.walks.append(Walk(f"{letter}{len(self.walks):03d}", scope))
        elif name == "step":
            index, size, luck = how
            going = [walk for walk in self.walks if not walk.ended]
            if going:
                walk = going[index % len(going)]
                self.writer.put(walk.next_page(self.exchange, size, refused=luck == 0))
        elif name == "finish":
            for walk in self.walks:
                while not walk.ended:
                    self.writer.put(walk.next_page(self.exchange, *how, refused=False))
        elif name == "flush":
            self.writer.flush()
        elif name == "fold":
            self.writer.fold()
        elif name == "rerun":
            self.close()
            self.open()
        elif name == "crash":
            self.crash(*how)

    def crash(self, steps: int) -> None:
        """Die that many durable steps into what the writer does next."""
        self.fuse = steps
        try:
            self.writer.fold()
            self.close()
        except (Crash, RuntimeError):
            self.fuse = 0  # the dead do nothing more
            with suppress(Crash, RuntimeError):
                self.close(Crash)
        self.fuse = None
        self.open()

    def check(self) -> None:
        rows = self.lake.bronze("fills")
        places = Counter(rows.select("walk_id", "page_no", "row_no").iter_rows())
        assert set(places.values()) <= {1}, "a row of a page is stored twice"

        names = ["hash", "market", "timestamp", "size"]
        counts = (
            rows.group_by("walk_id", *names).len().group_by(names).agg(pl.max("len"))
        )
        stored = {tuple(row[:4]): row[4] for row in counts.iter_rows()}
        most = self.exchange.most_served()
        for walk in self.walks:
            if walk.complete:
                for identity, count in walk.seen().items():
                    assert stored.get(identity, 0) >= count, (walk, identity)
        for identity, count in stored.items():
            assert count <= most[identity], identity

        folded = self.lake.bronze("walks").filter(kind="folded")
        carried = self.carried()
        for walk in self.walks:
            mine = folded.filter(walk_id=walk.walk_id)
            in_bronze = rows.filter(walk_id=walk.walk_id).height
            assert mine["rows_stored"].sum() == in_bronze, walk
            served = sum(walk.seen().values())
            known = in_bronze + mine["rows_confirmed"].sum() + carried[walk.walk_id]
            assert known == served, walk

    def carried(self) -> Counter:
        landed = self.cursor.landed
        folder = self.lake.root / "lake/_landing/fills" / landed.writer
        return Counter(
            walk_id
            for path in folder.glob("carry-*.arrow")
            for walk_id in read_rows(
                self.lake.storage, f"_landing/fills/{landed.writer}/{path.name}", FILLS
            )["walk_id"].to_pylist()
        )


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(first_trades, st.lists(round_of_walks, min_size=2, max_size=4))
def test_bronze_holds_the_most_that_any_walk_saw_and_never_more(trades, rounds):
    actions = [action for one in rounds for action in one]
    root = Path(tempfile.mkdtemp(prefix="law"))
    try:
        history = History(root)
        for one in (*trades, *actions):
            history.do(*one)
        history.close()
        history.check()
        history.open()  # ends what can not go on
        history.close()
        history.check()
    finally:
        shutil.rmtree(root)
