"""The judgement itself, against the same rules written out one row at a time."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from small_lake import FILLS, fills

from lake.batch import Progress
from lake.coding import Coding
from lake.confirm import Stretch, absent, judged, newly_spoken_for, scopes, spoken_for

CHAIN = FILLS.chain
row = st.tuples(
    st.sampled_from(["f1", "m2", "m3", "u4"]),  # walk
    st.sampled_from(["0xA", "0xa", "b"]),
    st.sampled_from("mn"),
    st.integers(80, 82),
    st.sampled_from([1.0, 2.0]),
)


def table(rows: list[tuple]) -> pa.Table:
    return pa.concat_tables(
        [FILLS.schema.empty_table(), *(fills(r[0], 0, [r[1:]]) for r in rows)]
    )


def model(served: list[tuple], held: list[tuple], whole: dict) -> set[tuple]:
    """Return the confirmed (walk, market, second), in plain words."""

    def identity(r: tuple) -> tuple:
        return (r[1].lower(), *r[2:])

    fragments: dict[str, Counter] = {}
    for r in held:
        fragments.setdefault(r[0], Counter())[identity(r)] += 1
    confirmed = set()
    for walk, market, second in sorted({(r[0], r[2], r[3]) for r in served}):
        here = Counter(
            identity(r) for r in served if (r[0], r[2], r[3]) == (walk, market, second)
        )
        most: Counter = Counter()
        for fragment in fragments.values():
            most |= Counter(
                {i: n for i, n in fragment.items() if i[1:3] == (market, second)}
            )
        again = any((r[0], r[2], r[3]) == (walk, market, second) for r in held)
        low, high = whole.get(walk, (1, 0))
        same = here == most if low <= second <= high else here <= most
        if same and not again:
            confirmed.add((walk, market, second))
        else:
            fragments[walk] = fragments.get(walk, Counter()) + here
    return confirmed


@settings(deadline=None)
@given(
    st.lists(row, min_size=1, max_size=14),
    st.lists(row, max_size=14),
    st.dictionaries(st.sampled_from(["f1", "m2", "m3"]), st.just((80, 81)), max_size=3),
)
def test_judged_is_the_rule_written_out(served, held, whole):
    coding = Coding(table(served), CHAIN)
    walks, groups = coding.texts("walk_id"), coding.texts("group")
    ranges = pl.DataFrame(
        [(walk, *low_high) for walk, low_high in whole.items()],
        schema={"text": pl.String, "low": pl.Int64, "high": pl.Int64},
        orient="row",
    )
    verdict = judged(
        coding.rows,
        coding.like(table(held)),
        walks.join(ranges, on="text").drop("text"),
    )
    found = (
        verdict.filter("confirmed")
        .join(walks, on="walk_id")
        .join(groups, on="group", suffix="_of_group")
        .select("text", "text_of_group", "clock")
    )
    assert set(found.iter_rows()) == model(served, held, whole)
    assert len(verdict) == len({(r[0], r[2], r[3]) for r in served})


def progress(walk_id: str = "m1", **changes) -> Progress:
    state = {"scope": ("0xM",), "top": 100, "reached": 60} | changes
    return Progress("fills", walk_id, **state)


def test_a_walk_speaks_for_whole_seconds_from_its_top_to_above_what_it_reached():
    assert spoken_for(progress()) == Stretch("m1", ("0xm",), 61, 100)
    assert spoken_for(progress(ended=True)) == Stretch("m1", ("0xm",), 61, 100)
    assert spoken_for(progress(ended=True, complete_to=0)).low == 0
    assert spoken_for(progress(reached=None, ended=True, complete_to=0)).low == 0


def test_some_walks_speak_for_nothing():
    assert spoken_for(progress("u1")) is None
    assert spoken_for(progress("v1")) is None
    assert spoken_for(progress(scope=())) is None
    assert spoken_for(progress(top=None)) is None
    assert spoken_for(progress(reached=None)) is None
    assert spoken_for(progress(reached=100)) is None


def test_each_second_is_newly_spoken_for_once():
    states = [
        progress(reached=None),
        progress(reached=90),
        progress(reached=90),
        progress(reached=70),
        progress(reached=70, ended=True, complete_to=0),
    ]
    seconds: list[int] = []
    for before, now in zip([None, *states], states, strict=False):
        stretch = newly_spoken_for(before, now)
        if stretch:
            seconds += range(stretch.low, stretch.high + 1)
    assert sorted(seconds) == list(range(101))


def pairs(*rows: tuple, names: tuple[str, ...] = ("group", "clock")) -> pl.DataFrame:
    kinds = {"walk_id": pl.String, "group": pl.String, "clock": pl.Int64}
    return pl.DataFrame(
        rows, schema={name: kinds[name] for name in names}, orient="row"
    )


def test_absent_is_what_a_walk_covers_and_bronze_has_and_the_walk_did_not_see():
    narrow, wide = scopes(
        [Stretch("m1", ("m", "n"), 50, 90), Stretch("f2", ("*",), 80, 85)]
    )
    served = pairs(
        ("m1", "m", 90), ("f2", "o", 85), names=("walk_id", "group", "clock")
    )
    held = pairs(("m", 90), ("m", 91), ("n", 50), ("o", 85), ("o", 80), ("o", 79))
    assert set(absent(narrow, wide, served, held).iter_rows()) == {
        ("m1", "n", 50),
        ("f2", "o", 80),
    }


def test_sizes_are_compared_in_millionths():
    coding = Coding(table([("m1", "b", "m", 80, 0.1 + 0.2)]), CHAIN)
    held = coding.like(
        table([("m0", "b", "m", 80, 0.3), ("m0", "b", "m", 80, 0.300001)])
    )
    assert coding.rows["size"].to_list() == [300_000]
    assert held["size"].to_list() == [300_000, 300_001]
