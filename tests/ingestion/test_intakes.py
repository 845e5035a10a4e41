"""How what is new is cut: by rows, and by days where anything is known."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingestion.intake import INTAKE_DAYS, intakes
from lake.live_files import Changes, LiveFile

START = date(2021, 1, 1)
LIMIT = 100
news = st.lists(
    st.tuples(st.integers(0, 2_000), st.integers(1, 60)), min_size=1, unique=True
)


def changes(found: list[tuple[int, int]]) -> dict[str, Changes]:
    files = tuple(
        LiveFile(f"dt={START + timedelta(days)}/{rows}.parquet", 1, rows, {}, {})
        for days, rows in found
    )
    return {"trades": Changes("log", 1, files)}


@given(news)
def test_a_first_intake_spans_as_many_years_as_its_rows_allow(found):
    cut = list(intakes(changes(found), {"trades": set()}, intake_rows=LIMIT))
    assert sum(one.rows for one in cut) == sum(rows for _, rows in found)
    for one, after in pairwise(cut):
        first = min(file.day for file in after.files["trades"])
        day = sum(f.rows for f in after.files["trades"] if f.day == first)
        assert one.rows + day > LIMIT


@given(news)
def test_where_anything_is_known_few_rows_do_not_span_years(found):
    known = {"trades": {"dt=2021-01-01/known.parquet"}}
    for one in intakes(changes(found), known, intake_rows=LIMIT):
        days = [date.fromisoformat(file.day) for file in one.files["trades"]]
        assert max(days) - min(days) < timedelta(INTAKE_DAYS)
