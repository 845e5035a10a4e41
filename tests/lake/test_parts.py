"""How what landed is cut into parts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pyarrow as pa
from small_lake import FILLS, fills, page

from lake.parts import parts

HOUR = 3_600
DAY = 24 * HOUR


def cut(
    tmp_path, tables: list[pa.Table], *, read=lambda rows: rows, **sizes
) -> list[pa.Table]:
    """Cut the tables into parts; `read` is given what is read of each, each time."""
    plain = replace(FILLS, chain=None)

    def source(table: pa.Table) -> Callable[..., pa.Table]:
        return lambda columns=None: read(table.select(columns or table.column_names))

    limits = {"most": 1_000, "most_bytes": 1 << 20} | sizes
    found = parts(
        plain,
        [source(table) for table in tables],
        rows=sum(table.num_rows for table in tables),
        scratch=tmp_path / "spill",
        **limits,
    )
    return [part.rows for part in found]


def test_a_heavy_day_is_cut_along_its_markets_and_not_along_its_hours(tmp_path):
    tables = [
        page("w", number, [("a", name, second, 1) for name in "mno"]).rows["fills"]
        for number, second in enumerate((10, 7_200, 50_000))
    ]
    found = cut(tmp_path, tables, most=3)
    names = [set(rows["market"].to_pylist()) for rows in found]
    assert names == [{"m"}, {"n"}, {"o"}]
    assert sum(rows.num_rows for rows in found) == 9


def test_the_larger_the_rows_the_fewer_make_a_part(tmp_path):
    tables = [
        page("w", day, [("a" * 1_000, "m", day * 86_400, 1)] * 4).rows["fills"]
        for day in range(6)
    ]
    assert len(cut(tmp_path, tables, most_bytes=9_000)) == 3
    assert len(cut(tmp_path, tables)) == 1


def test_a_part_is_as_large_as_asked_or_a_single_second_of_a_market(tmp_path):
    rng = random.Random(7)
    moments = (
        lambda: rng.randrange(4 * DAY),
        lambda: DAY + rng.randrange(DAY),  # a heavy day
        lambda: DAY + 5 * HOUR + rng.randrange(100),  # a heavy hour
        lambda: DAY + 5 * HOUR + 77,  # a heavy second
    )
    markets = ["0xAB", "0xab", "n", "o"]
    drawn = [("a", rng.choice(markets), rng.choice(moments)(), 1) for _ in range(2_000)]
    tables = [fills("w", n, drawn[n * 100 : n * 100 + 100]) for n in range(20)]
    found = [rows.to_pylist() for rows in cut(tmp_path, tables, most=60)]
    seconds = [{(r["market"].lower(), r["timestamp"]) for r in rows} for rows in found]
    for rows, those in zip(found, seconds, strict=True):
        assert len(rows) <= 60 or len(those) == 1
    parts_of = Counter(one for those in seconds for one in those)
    assert max(parts_of.values()) == 1
    days = [{second // DAY for _, second in those} for those in seconds]
    for earlier, later in pairwise(days):
        assert max(earlier) <= min(later)
    assert sum(map(len, found)) == 2_000


def test_planning_keeps_no_rows(tmp_path):
    names = [f"0x{number:064x}" for number in range(5)]
    rows = [(f"{row}", names[row % 5], row * 70, 1) for row in range(1_000)]
    tables = [fills("w", number, rows) for number in range(30)]
    held = []

    def read(rows: pa.Table) -> pa.Table:
        held.append(pa.total_allocated_bytes())
        return rows.take(list(range(rows.num_rows)))

    cut(tmp_path, tables, read=read, most=2_000)
    assert len(held) > 3 * len(tables)
    assert max(held) - held[0] < 2 * tables[0].nbytes
