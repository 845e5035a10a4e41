"""Prices in silver: the latest word on each point, however bronze came."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from bronze_lake import NOON, at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_rebuild_law import Silver, written

EXAMPLES = int(os.environ.get("POLYLAKE_EXAMPLES", "5"))
RUNS = """
    select token_id, resolution_seconds, price, epoch(observed_at)::bigint - ?,
        epoch(observed_until)::bigint - ?
    from silver.PriceHistoryFact
    inner join silver.MarketTokenDim using (token_key) order by all
"""
STEPS = 1024  # no run is longer
BLOCK = 60 * (STEPS - NOON // 60 % STEPS)  # the first second of the next ones


def point(second=0, *, token="11", market="c1", step=60, price=0.5, fetched=1000,
          walk="p1", page=0, row=0):  # fmt: skip
    return {
        "token_id": token,
        "condition_id": "0x" + market.rjust(64, "0"),
        "timestamp": NOON + second,
        "price": price,
        "resolution_seconds": step,
        "fetched_at": at(fetched),
        "walk_id": walk,
        "page_no": page,
        "row_no": row,
    }


def window(*, token="11", page=0, walk="p1", fetched=1000, points=1, **more):
    return {
        "token_id": token,
        "condition_id": "0x" + "c1".rjust(64, "0"),
        "asked_from": NOON,
        "asked_to": NOON + 3600,
        "fidelity_asked": 1,
        "fidelity_obtained": 1 if points else None,
        "points": points,
        "is_empty": not points,
        "fetched_at": at(fetched),
        "asked_at": at(fetched),
        "walk_id": walk,
        "page_no": page,
        "row_no": 0,
        **more,
    }


def runs(warehouse):
    return warehouse.ask(RUNS.replace("?", str(NOON)))


def taken_in(bronze, warehouse, *commits):
    for rows in commits:
        bronze.commit("prices", rows)
        warehouse.ingest()
    return [run[2:] for run in runs(warehouse)]


def test_a_point_that_came_twice_is_in_one_run(bronze, warehouse):
    twice = [point(), point(row=1), point(fetched=2000, walk="p2")]
    bronze.commit("prices", [*twice, point(60)])
    summary = warehouse.ingest()
    assert runs(warehouse) == [("11", 60, 0.5, 0, 60)]
    assert summary.datasets["prices"].rows_new == 1


def test_a_run_ends_where_the_price_changes(bronze, warehouse):
    some = [point(), point(60), point(120, price=0.6), point(180)]
    assert taken_in(bronze, warehouse, some) == [
        (0.5, 0, 60),
        (0.5, 180, 180),
        (0.6, 120, 120),
    ]


def test_a_run_has_a_point_in_each_of_its_steps(bronze, warehouse):
    some = [point(1), point(119), point(120), point(240), point(359)]
    assert taken_in(bronze, warehouse, some) == [(0.5, 1, 120), (0.5, 240, 359)]


def test_no_run_is_longer_than_what_is_told_anew_at_once(bronze, warehouse):
    some = [point(BLOCK + 60 * n) for n in range(-2, 2)]
    whole = [(0.5, BLOCK - 120, BLOCK - 60), (0.5, BLOCK, BLOCK + 60)]
    assert taken_in(bronze, warehouse, some[:3], some[3:]) == whole


def test_points_between_two_runs_join_them(bronze, warehouse):
    ends, middle = [point(), point(60), point(180), point(240)], [point(120)]
    assert taken_in(bronze, warehouse, ends) == [(0.5, 0, 60), (0.5, 180, 240)]
    assert taken_in(bronze, warehouse, middle) == [(0.5, 0, 240)]


def test_a_later_word_inside_of_a_run_splits_it(bronze, warehouse):
    held = [point(second) for second in (0, 60, 120, 180)]
    later = [point(60, price=0.6, fetched=2000, walk="p2")]
    assert taken_in(bronze, warehouse, held, later) == [
        (0.5, 0, 0),
        (0.5, 120, 180),
        (0.6, 60, 60),
    ]


def test_an_earlier_word_inside_of_a_run_changes_nothing(bronze, warehouse):
    held = [point(second, fetched=2000, walk="p2") for second in (0, 60, 120)]
    earlier = [point(60, price=0.6)]
    assert taken_in(bronze, warehouse, held, earlier) == [(0.5, 0, 120)]


def test_a_run_that_two_days_share_is_told_anew_from_both(bronze, warehouse):
    midnight = 43_200
    held = [point(midnight + 60 * n) for n in range(-2, 3)]
    later = [point(midnight, price=0.6, fetched=2000, walk="p2")]
    assert taken_in(bronze, warehouse, held, later) == [
        (0.5, midnight - 120, midnight - 60),
        (0.5, midnight + 60, midnight + 120),
        (0.6, midnight, midnight),
    ]


def test_new_points_after_the_last_ones_touch_no_run_but_the_last(bronze, warehouse):
    taken_in(bronze, warehouse, [point(60 * n, price=n % 2) for n in range(20)])
    bronze.commit("prices", [point(60 * 20, price=1.0)])
    summary = warehouse.ingest()
    assert summary.datasets["prices"].rows_new == 1
    assert runs(warehouse)[-1] == ("11", 60, 1.0, 60 * 19, 60 * 20)


@pytest.mark.parametrize("first", [0, 1])
def test_of_a_point_that_changed_the_latest_word_stands(bronze, warehouse, first):
    words = [point(price=0.4), point(price=0.6, fetched=2000, walk="p2")]
    bronze.commit("prices", [words[first]])
    warehouse.ingest()
    bronze.commit("prices", [words[1 - first]])
    warehouse.ingest()
    assert runs(warehouse) == [("11", 60, 0.6, 0, 0)]
    assert warehouse.ask(
        "select walk_id from silver.PriceHistoryFact"
        " inner join silver.WalkFact using (walk_key)"
    ) == [("p2",)]


def test_resolutions_and_tokens_are_told_apart(bronze, warehouse):
    some = [point(), point(step=300), point(token="12"), point(step=0, price=1.0)]
    bronze.commit("prices", some)
    warehouse.ingest()
    assert runs(warehouse) == [
        ("11", 0, 1.0, 0, 0),
        ("11", 60, 0.5, 0, 0),
        ("11", 300, 0.5, 0, 0),
        ("12", 60, 0.5, 0, 0),
    ]


def test_a_day_that_is_taken_in_whole_again_changes_nothing(bronze, warehouse):
    names = bronze.commit("prices", [point(), point(60)])
    warehouse.ingest()
    names += bronze.commit("prices", [point(120)])
    both = [point(), point(60), point(120)]
    bronze.commit("prices", both, replacing=names, data_change=False)
    bronze.commit("prices", [point(86_400)])
    summary = warehouse.ingest()
    assert [run[3:] for run in runs(warehouse)] == [(0, 120), (86_400, 86_400)]
    assert summary.datasets["prices"].rows_new == 2


def test_windows_are_kept_once_each_with_what_came(bronze, warehouse):
    some = [
        window(),
        window(page=1, points=0),
        window(token="12", mirror_error=0.02, mirror_points=9),
    ]
    bronze.commit("price_windows", some)
    warehouse.ingest()
    bronze.commit("price_windows", [some[0]])
    warehouse.ingest()
    assert warehouse.ask(
        "select token_id, page_no, points, is_empty, fidelity_obtained_minutes,"
        " mirror_error, epoch(asked_to - asked_from) from silver.PriceWindowFact"
        " inner join silver.MarketTokenDim using (token_key) order by all"
    ) == [
        ("11", 0, 1, False, 1, None, 3600),
        ("11", 1, 0, True, None, None, 3600),
        ("12", 0, 1, False, 1, 0.02, 3600),
    ]


def test_a_market_that_only_prices_name_is_shown(bronze, warehouse):
    bronze.commit("prices", [point()])
    warehouse.ingest()
    assert warehouse.ask(
        "select condition_id, token_id, price, is_mirrored, question from gold.prices"
    ) == [("0x" + "c1".rjust(64, "0"), "11", 0.5, False, None)]


SECONDS = (0, 1, 60, 61, 120, 180, 300, 600, BLOCK - 60, BLOCK, BLOCK + 61, 86_400)
ROW = st.builds(
    point,
    st.sampled_from(SECONDS),
    token=st.sampled_from(["11", "12"]),
    step=st.sampled_from([60, 60, 300, 0]),
    price=st.sampled_from([0.4, 0.5, 0.5, None]),
    fetched=st.integers(1, 4),
    walk=st.sampled_from(["p1", "p2"]),
    page=st.integers(0, 1),
    row=st.integers(0, 9),
)


@st.composite
def windows(draw):
    """Answers as they come: some points one after the other, mostly of one price."""
    first, count = draw(st.integers(0, 8)), draw(st.integers(1, 8))
    fetched, token = draw(st.integers(1, 4)), draw(st.sampled_from(["11", "12"]))
    step, late = draw(st.sampled_from([60, 60, 300])), draw(st.integers(0, 2))
    walk = draw(st.sampled_from(["p1", "p2"]))
    begin = draw(st.sampled_from([0, BLOCK - 240, 43_200 - 240]))
    return [
        point(
            begin + step * n + late * (n % 2), token=token, step=step, walk=walk,
            fetched=fetched, page=draw(st.integers(0, 3)), row=n,
            price=draw(st.sampled_from([0.5, 0.5, 0.5, 0.6])),
        )
        for n in range(first, first + count)
        if draw(st.integers(0, 5))
    ]  # fmt: skip


class PriceSilver(Silver):
    def contents(self):
        return self._db.execute(
            "select token_id, resolution_seconds, price,"
            " epoch(observed_at)::bigint - $noon,"
            " epoch(observed_until)::bigint - $noon,"
            " epoch(fetched_at)::bigint - $noon, walk_id, page_no, row_no"
            " from silver.PriceHistoryFact"
            " inner join silver.MarketTokenDim using (token_key)"
            " inner join silver.WalkFact using (walk_key)"
            " order by token_id, resolution_seconds, observed_at",
            {"noon": NOON},
        ).fetchall()


def told(rows):
    """The runs of all these points, by the words of PriceHistoryFact's header."""
    words = {}
    for row in rows:
        place = (row["token_id"], row["resolution_seconds"], row["timestamp"])
        word = (row["fetched_at"], row["walk_id"], row["page_no"], row["row_no"])
        if place not in words or words[place][0] < word:
            words[place] = (word, row["price"])
    found = []
    for (token, step, second), (word, price) in sorted(words.items()):
        last = found[-1] if found else [None] * 5
        if step and (token, step, price) == tuple(last[:3]):
            now, before = second // step, (last[4] + NOON) // step
            if now - before <= 1 and now // STEPS == before // STEPS:
                last[4] = second - NOON
                continue
        fetched_at = int(word[0].timestamp()) - NOON
        at = second - NOON
        found.append([token, step, price, at, at, fetched_at, *word[1:]])
    return [tuple(run) for run in found]


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    st.lists(
        st.one_of(windows(), windows(), st.lists(ROW, max_size=6)).filter(bool),
        min_size=1, max_size=5,
    ),
    st.integers(1, 3),
)  # fmt: skip
def test_any_cut_into_ingests_gives_the_runs_of_all_points(commits, every):
    seen = {}
    for rows in commits:  # a row of a page is one row, whoever asks
        for row in rows:
            place = (row["walk_id"], row["page_no"], row["row_no"], row["fetched_at"])
            row |= seen.setdefault(place, dict(row))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        often, once = PriceSilver(root), PriceSilver(root)
        everything, waiting = defaultdict(list), defaultdict(list)
        for number, rows in enumerate(commits, start=1):
            files = list(written(root, number, "prices", rows))
            everything["prices"] += files
            waiting["prices"] += files
            if number % every == 0 or number == len(commits):
                often.run(waiting, intake_rows=3)
                waiting.clear()
        assert often.contents() == told(row for rows in commits for row in rows)
        once.run(everything, intake_rows=1000)
        assert often.contents() == once.contents()
        once.run(everything, intake_rows=1000)
        assert often.contents() == once.contents()
