"""What silver and gold make of how markets were settled."""

from __future__ import annotations

import json

import pytest
from bronze_lake import NOON, at

UNSET, WHOLE = "69", str(10**18)


def condition(name):
    return "0x" + name.rjust(64, "0")


def gamma(name, prices=None, *, status="resolved", closed=True, **more):
    return {
        "id": str(int(name, 16)),
        "condition_id": condition(name),
        "question": f"Market {name}?",
        "outcomes": json.dumps(["Yes", "No"]),
        "outcome_prices": prices and json.dumps(prices),
        "clob_token_ids": json.dumps([name + "1", name + "2"]),
        "uma_resolution_status": status,
        "closed": closed,
        "walk_id": "l1",
        "page_no": 0,
        "row_no": 0,
        "fetched_at": at(1000),
        **more,
    }


def book(name, *winners, closed=True, split=False, fetched=1000, order=(1, 2)):
    tokens = [
        {"token_id": f"{name}{n}", "outcome": ("Yes", "No")[n - 1], "winner": won}
        for n, won in zip(order, winners, strict=True)
    ]
    return {
        "condition_id": condition(name).upper().replace("X", "x"),
        "tokens": json.dumps(tokens),
        "closed": closed,
        "is_50_50_outcome": split,
        "walk_id": "l2",
        "page_no": 0,
        "row_no": 0,
        "fetched_at": at(fetched),
    }


def told(name, status="resolved", payouts=None, *, fetched=1000, updated=500, **more):
    return {
        "asked_condition_id": condition(name),
        "condition_id": condition(name),
        "selector": "condition",
        "status": status,
        "payouts": payouts and json.dumps(payouts),
        "was_disputed": False,
        "last_update_timestamp": f"{at(updated):%Y-%m-%dT%H:%M:%SZ}",
        "resolved_at": payouts and f"{at(updated):%Y-%m-%dT%H:%M:%SZ}",
        "transaction_hash": "",
        "log_index": "",
        "walk_id": "r1",
        "page_no": 0,
        "row_no": 0,
        "fetched_at": at(fetched),
        **more,
    }


ENDING = (
    "select winning_outcome_index, payouts, source, sources_agree, is_split"
    " from gold.market_resolutions"
)
YES, NO, HALF = [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]
NOBODY = (None, None, None, None, None)


@pytest.mark.parametrize(
    ("listed", "booked", "paid", "ending"),
    [
        (["1", "0"], (True, False), [10**6, 0], (0, YES, "resolutions", True, False)),
        (["0", "1"], (False, True), None, (1, NO, "clob", True, False)),
        (["0", "1"], None, None, (1, NO, "gamma", None, False)),
        (None, None, [0, 10**6], (1, NO, "resolutions", None, False)),
        (["1", "0"], (False, True), None, (None, None, None, False, None)),
        (["1", "0"], None, [0, 10**6], (1, NO, "resolutions", False, False)),
        (["0.5", "0.5"], None, [500_000] * 2, (None, HALF, "resolutions", True, True)),
        (["0.5", "0.5"], None, None, (None, HALF, "gamma", None, True)),
        (["0", "0"], (False, False), None, NOBODY),
        (["0.58", "0.42"], None, None, NOBODY),
        (["0.58", "0.42"], None, [584_331, 415_669],
         (None, [0.584331, 0.415669], "resolutions", None, True)),
    ],
)  # fmt: skip
def test_an_ending_is_what_the_best_source_says_and_nothing_is_invented(
    bronze, warehouse, listed, booked, paid, ending
):
    bronze.commit("markets", [gamma("c1", listed)])
    if booked is not None:
        bronze.commit("clob_markets", [book("c1", *booked)])
    if paid is not None:
        bronze.commit("resolutions", [told("c1", payouts=paid)])
    warehouse.ingest()
    assert warehouse.ask(ENDING) == [ending]


def test_the_order_books_winner_is_found_by_its_token_whatever_its_order(
    bronze, warehouse
):
    bronze.commit("markets", [gamma("c1", None)])
    bronze.commit("clob_markets", [book("c1", True, False, order=(2, 1))])
    warehouse.ingest()
    assert warehouse.ask(ENDING) == [(1, NO, "clob", None, False)]


def test_a_split_that_the_order_book_flags_has_no_winner(bronze, warehouse):
    bronze.commit("clob_markets", [book("c1", False, False, split=True)])
    warehouse.ingest()
    assert warehouse.ask(ENDING) == [(None, HALF, "clob", None, True)]


def test_a_market_that_is_open_everywhere_is_not_among_the_ended(bronze, warehouse):
    bronze.commit("markets", [gamma("c1", ["0.9", "0.1"], closed=False, status=None)])
    bronze.commit("clob_markets", [book("c1", False, False, closed=False)])
    bronze.commit("resolutions", [told("c1", "proposed")])
    warehouse.ingest()
    assert warehouse.ask(ENDING) == []


def test_only_the_last_word_of_the_order_book_counts(bronze, warehouse):
    bronze.commit("clob_markets", [book("c1", True, False, fetched=3000)])
    warehouse.ingest()
    bronze.commit("clob_markets", [book("c1", False, False, fetched=2000)])
    warehouse.ingest()
    assert warehouse.ask(ENDING) == [(0, YES, "clob", None, False)]


def test_both_shapes_of_a_time_and_the_oracles_prices_are_read(bronze, warehouse):
    prices = {"proposed_price": WHOLE, "reproposed_price": UNSET, "price": "0"}
    by_question = told("c1", "disputed", selector="question", row_no=1, **prices)
    by_question |= {"last_update_timestamp": str(NOON + 700), "condition_id": None}
    early = told("c1", "posed", row_no=2, price=str(-(2**255)))
    bronze.commit("resolutions", [told("c1", "disputed"), by_question, early])
    warehouse.ingest()
    assert warehouse.ask(
        "select is_question, epoch(updated_at)::bigint, proposed_price,"
        " reproposed_price, settled_price from silver.ResolutionFact order by row_no"
    ) == [
        (False, NOON + 500, None, None, None),
        (True, NOON + 700, 1.0, None, 0.0),
        (False, NOON + 500, None, None, None),
    ]


def test_nonsense_is_null_and_stops_nothing(bronze, warehouse):
    bronze.commit(
        "resolutions",
        [
            told("c1", payouts=["half", 1], last_update_timestamp="soon"),
            told("c2") | {"payouts": "[]", "row_no": 1},
            told("c3") | {"payouts": "not json", "row_no": 2},
            told(
                "c5", payouts=[-5, 1_000_005], last_update_timestamp="9" * 17, row_no=3
            ),
            told("c6") | {"payouts": "[1e400]", "selector": None, "row_no": 4},
        ],
    )
    bronze.commit("clob_markets", [book("c4", True, True) | {"tokens": "{"}])
    warehouse.ingest()
    assert warehouse.ask(
        "select payouts, updated_at is null from silver.ResolutionFact order by row_no"
    ) == [(None, True), (None, False), (None, False), (None, True), (None, False)]
    assert warehouse.ask(ENDING) == [NOBODY]


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_time_that_nobody_can_mean_is_no_time_of_settlement(bronze, warehouse, year):
    never = f"{year}-01-01T00:00:00Z"
    paid = told(
        "c1", payouts=[10**6, 0], resolved_at=never, last_update_timestamp=never
    )
    bronze.commit("resolutions", [paid])
    bronze.commit("markets", [gamma("c1", closed_time="2026-01-05 00:00:00+00")])
    warehouse.ingest()
    assert warehouse.ask(
        "select payouts, strftime(resolved_at, '%Y-%m-%d') from gold.market_resolutions"
    ) == [(YES, "2026-01-05")]
    assert warehouse.ask(
        "select distinct happened_at, expected_settlement_at"
        " from gold.resolution_timeline"
    ) == [(None, None)]


def test_the_steps_to_an_end_stand_in_their_order(bronze, warehouse):
    bronze.commit(
        "markets",
        [
            gamma(
                "c1",
                ["1", "0"],
                uma_resolution_statuses=json.dumps(
                    ["proposed", "disputed", "proposed"]
                ),
            )
        ],
    )
    bronze.commit(
        "resolutions",
        [
            told("c1", "disputed", updated=300, fetched=400, was_disputed=True),
            told("c1", "proposed", updated=100, fetched=200, row_no=1),
            told("c1", "proposed", updated=100, fetched=250, row_no=2),
            told("c1", payouts=[10**6, 0], updated=900, fetched=999, was_disputed=True),
            told("c1", "resolved", fetched=1000, selector="question", row_no=3)
            | {"proposed_price": "0", "reproposed_price": WHOLE},
        ],
    )
    warehouse.ingest()
    assert warehouse.ask(
        "select step_no, status, epoch(happened_at)::bigint - 1767268800,"
        " epoch(observed_at)::bigint - 1767268800, was_disputed,"
        " first_proposed_price, second_proposed_price, payouts"
        " from gold.resolution_timeline where source = 'resolutions' order by step_no"
    ) == [
        (1, "proposed", 100, 200, False, 0.0, 1.0, None),
        (2, "disputed", 300, 400, True, 0.0, 1.0, None),
        (3, "resolved", 900, 999, True, 0.0, 1.0, YES),
    ]
    assert warehouse.ask(
        "select status, observed_at is not null from gold.resolution_timeline"
        " where source = 'gamma' order by step_no"
    ) == [
        ("proposed", False),
        ("disputed", False),
        ("proposed", False),
        ("resolved", True),
    ]


def test_a_rebuild_gives_the_same_resolutions(bronze, warehouse):
    states = [
        told("c1", "proposed", fetched=100),
        told("c2", "posed", fetched=100, row_no=1),
        told("c1", payouts=[0, 10**6], fetched=300),
        told("c3", payouts=[10**6, 0], fetched=200, walk_id="r2"),
    ]
    query = (
        "select condition_id, walk_id, ResolutionFact.* exclude (market_key, walk_key)"
        " from silver.ResolutionFact inner join silver.MarketKey using (market_key)"
        " inner join silver.WalkFact using (walk_key) order by all"
    )
    for number, row in enumerate(reversed(states)):
        bronze.commit("resolutions", [row])
        won = row["status"] == "posed"
        bronze.commit("clob_markets", [book("c1", won, False, fetched=1000 + number)])
        warehouse.ingest()
    often = (
        warehouse.ask(query),
        warehouse.ask("from gold.market_resolutions order by 1"),
    )
    warehouse.ingest(rebuild=True)
    once = (
        warehouse.ask(query),
        warehouse.ask("from gold.market_resolutions order by 1"),
    )
    assert often == once
    assert len(once[0]) == 4
