"""How what landed is cut into parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
from small_lake import FILLS, fills, page

from lake.parts import parts


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
