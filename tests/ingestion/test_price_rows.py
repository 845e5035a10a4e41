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
POINTS = """
    select token_id, epoch(observed_at)::bigint - ?, resolution_seconds, price
    from silver.PriceHistoryFact
    inner join silver.MarketTokenDim using (token_key) order by all
"""


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


def points(warehouse):
    return warehouse.ask(POINTS.replace("?", str(NOON)))


def test_a_point_that_came_twice_is_one(bronze, warehouse):
    twice = [point(), point(row=1), point(fetched=2000, walk="p2")]
    bronze.commit("prices", [*twice, point(60)])
    summary = warehouse.ingest()
    assert points(warehouse) == [("11", 0, 60, 0.5), ("11", 60, 60, 0.5)]
    assert summary.datasets["prices"].rows_new == 2


@pytest.mark.parametrize("first", [0, 1])
def test_of_a_point_that_changed_the_latest_word_stands(bronze, warehouse, first):
    words = [point(price=0.4), point(price=0.6, fetched=2000, walk="p2")]
    bronze.commit("prices", [words[first]])
    warehouse.ingest()
    bronze.commit("prices", [words[1 - first]])
    warehouse.ingest()
    assert points(warehouse) == [("11", 0, 60, 0.6)]
    assert warehouse.ask(
        "select walk_id from silver.PriceHistoryFact"
        " inner join silver.WalkFact using (walk_key)"
    ) == [("p2",)]


def test_resolutions_and_tokens_are_told_apart(bronze, warehouse):
    some = [point(), point(step=300), point(token="12"), point(step=0, price=1.0)]
    bronze.commit("prices", some)
    warehouse.ingest()
    assert points(warehouse) == [
        ("11", 0, 0, 1.0),
        ("11", 0, 60, 0.5),
        ("11", 0, 300, 0.5),
        ("12", 0, 60, 0.5),
    ]


def test_a_day_that_is_taken_in_whole_again_changes_nothing(bronze, warehouse):
    names = bronze.commit("prices", [point(), point(60)])
    warehouse.ingest()
    names += bronze.commit("prices", [point(120)])
    both = [point(), point(60), point(120)]
    bronze.commit("prices", both, replacing=names, data_change=False)
    bronze.commit("prices", [point(86_400)])
    summary = warehouse.ingest()
    assert len(points(warehouse)) == 4
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


ROW = st.builds(
    point,
    st.sampled_from([0, 60, 86_400]),
    token=st.sampled_from(["11", "12"]),
    step=st.sampled_from([60, 300]),
    price=st.sampled_from([0.4, 0.5]),
    fetched=st.integers(1, 4),
    walk=st.sampled_from(["p1", "p2"]),
    page=st.integers(0, 1),
    row=st.integers(0, 2),
)


class PriceSilver(Silver):
    def contents(self):
        return self._db.execute(
            "select token_id, walk_id, PriceHistoryFact.* exclude (token_key, walk_key)"
            " from silver.PriceHistoryFact"
            " inner join silver.MarketTokenDim using (token_key)"
            " inner join silver.WalkFact using (walk_key) order by all"
        ).fetchall()


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    st.lists(
        st.lists(ROW, min_size=1, max_size=6, unique_by=lambda r: (
            r["fetched_at"], r["walk_id"], r["page_no"], r["row_no"])),
        min_size=1, max_size=4,
    ),
    st.integers(1, 3),
)  # fmt: skip
def test_any_cut_into_runs_gives_what_one_rebuild_gives(commits, every):
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
        once.run(everything, intake_rows=1000)
        assert often.contents() == once.contents()
