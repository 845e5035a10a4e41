"""What silver makes of trades: each rule with a few rows."""

from __future__ import annotations

from bronze_lake import NOON, at, trade

from fetcher.polymarket.trade_layout import MOST


def page(walk, oldest, newest, *, page=0, rows=1, fetched=1000.0, **more):
    return {
        "kind": "page",
        "dataset": "trades",
        "walk_id": walk,
        "page_no": page,
        "rows_served": rows,
        "ts_oldest": NOON + oldest,
        "ts_newest": NOON + newest,
        "fetched_at": at(fetched),
        **more,
    }


def walked(walk, *, outcome="end", fetched=1000.0):
    return {
        "kind": "walk",
        "dataset": "trades",
        "walk_id": walk,
        "outcome": outcome,
        "fetched_at": at(fetched),
    }


def absent(walk, second, *, market="c1", fetched=1000.0):
    return {
        "kind": "absent",
        "dataset": "trades",
        "walk_id": walk,
        "key": "0x" + market.rjust(64, "0"),
        "ts_oldest": NOON + second,
        "ts_newest": NOON + second,
        "fetched_at": at(fetched),
    }


def folded(walk, oldest, newest, *, stored, confirmed, fetched=1000.0):
    return {
        "kind": "folded",
        "dataset": "trades",
        "walk_id": walk,
        "key": "0x" + "c1".rjust(64, "0"),
        "rows_stored": stored,
        "rows_confirmed": confirmed,
        "ts_oldest": NOON + oldest,
        "ts_newest": NOON + newest,
        "fetched_at": at(fetched),
    }


def test_an_empty_lake_gives_a_warehouse_with_every_table_empty(warehouse):
    warehouse.ingest()
    assert warehouse.ask("select count(*) from silver.TradeFact") == [(0,)]
    assert warehouse.ask("select count(*) from silver.MarketDim") == [(0,)]


def test_two_equal_fills_of_one_walk_are_two(bronze, warehouse):
    bronze.commit("trades", [trade(row=0), trade(row=1)])
    assert warehouse.fills("occurrence") == [(1,), (2,)]


def test_a_fill_seen_by_two_walks_counts_once(bronze, warehouse):
    bronze.commit("trades", [trade(walk="m1"), trade(walk="m2", fetched=2000)])
    assert warehouse.fills("occurrence, walk_id") == [(1, "m1")]


def test_the_greatest_count_of_any_walk_stands(bronze, warehouse):
    bronze.commit("trades", [trade(walk="m1", row=0), trade(walk="m1", row=1)])
    bronze.commit("trades", [trade(walk="m2", row=n, fetched=2000) for n in range(3)])
    assert warehouse.fills("occurrence") == [(1,), (2,), (3,)]


def test_the_same_holds_when_the_walks_come_in_two_runs(bronze, warehouse):
    bronze.commit("trades", [trade(walk="m1", row=0), trade(walk="m1", row=1)])
    warehouse.ingest()
    bronze.commit("trades", [trade(walk="m2", row=n, fetched=2000) for n in range(3)])
    assert warehouse.fills("occurrence, walk_id") == [
        (1, "m1"),
        (2, "m1"),
        (3, "m2"),
    ]


def test_labels_that_come_later_make_no_second_fill(bronze, warehouse):
    bronze.commit("trades", [trade(walk="m1", outcome_index=999, event_slug="")])
    warehouse.ingest()
    bronze.commit(
        "trades",
        [
            trade(
                walk="m2", fetched=2000, outcome_index=1, outcome="No", title="Will it?"
            )
        ],
    )
    assert warehouse.fills("occurrence") == [(1,)]
    assert warehouse.ask(
        "select outcome_index, outcome from silver.MarketTokenDim"
    ) == [(1, "No")]
    assert warehouse.ask("select title from silver.MarketKey") == [("Will it?",)]


def test_hex_is_lower_case_and_numbers_are_compared_to_a_millionth(bronze, warehouse):
    upper = trade(hash="AB", wallet="CD", market="EF", size=10.0)
    bronze.commit("trades", [upper])
    bronze.commit(
        "trades",
        [trade(hash="ab", wallet="cd", market="ef", size=10.0000001, walk="m2")],
    )
    [(hash_, wallet, market, size)] = warehouse.fills(
        "transaction_hash, trader_address, condition_id, size"
    )
    assert (hash_[-2:], wallet[-2:], market[-2:]) == ("ab", "cd", "ef")
    assert size == 10.0, "the number that was seen first, as it was served"


def test_combos_and_odd_hashes_keep_their_text(bronze, warehouse):
    odd = trade() | {"condition_id": "0x" + "e" * 62, "transaction_hash": "0xabc"}
    bronze.commit("trades", [odd])
    warehouse.ingest()
    assert warehouse.ask("select condition_id, transaction_hash from gold.trades") == [
        ("0x" + "e" * 62, "0xabc")
    ]


def test_order_in_a_second_runs_against_the_pages(bronze, warehouse):
    bronze.commit(
        "trades",
        [
            trade(hash="a3", page=0, row=0),
            trade(hash="a2", page=0, row=1),
            trade(hash="a1", page=1, row=0),
            trade(second=1, hash="a4", page=0, row=0, walk="m0"),
        ],
    )
    assert warehouse.fills("right(transaction_hash, 2), order_in_second") == [
        ("a1", 1),
        ("a2", 2),
        ("a3", 3),
        ("a4", 1),
    ]


def test_a_late_fill_renumbers_its_second(bronze, warehouse):
    bronze.commit("trades", [trade(hash="a3", row=0), trade(hash="a1", row=1)])
    warehouse.ingest()
    bronze.commit(
        "trades",
        [
            trade(hash="a3", row=0, walk="m2", fetched=2000),
            trade(hash="a2", row=1, walk="m2", fetched=2000),
            trade(hash="a1", row=2, walk="m2", fetched=2000),
        ],
    )
    assert warehouse.fills("order_in_second, right(transaction_hash, 2)") == [
        (1, "a1"),
        (2, "a2"),
        (3, "a3"),
    ]


def test_fills_that_the_longest_walk_lacks_follow_it(bronze, warehouse):
    bronze.commit("trades", [trade(hash="a9", walk="u1")])
    bronze.commit(
        "trades", [trade(hash="a2", walk="m2"), trade(hash="a1", walk="m2", row=1)]
    )
    assert warehouse.fills("order_in_second, right(transaction_hash, 2)") == [
        (1, "a1"),
        (2, "a2"),
        (3, "a9"),
    ]


def test_pages_of_the_old_api_give_no_order(bronze, warehouse):
    bronze.commit("trades", [trade(walk="v1")])
    bronze.commit("trades", [trade(walk="v1", second=1), trade(walk="m1", second=1)])
    assert warehouse.fills("order_in_second") == [(1,), (None,)]


def test_a_fill_that_two_walks_passed_without_it_is_withdrawn(bronze, warehouse):
    bronze.commit("trades", [trade(walk="m1", fetched=1000)])
    bronze.commit("walks", [page("m1", 0, 0), walked("m1")])
    bronze.commit("walks", [absent("m2", 0), page("m2", -9, 9, fetched=2000)])
    assert warehouse.fills("withdrawn_at") == [(None,)]
    bronze.commit("walks", [absent("f3", 0), page("f3", -9, 9, fetched=3000)])
    assert warehouse.fills("withdrawn_at") == [(at(3000).replace(tzinfo=None),)]
    assert warehouse.ask("select count(*) from gold.trades") == [(0,)]


def test_a_withdrawn_fill_that_is_seen_again_stands(bronze, warehouse):
    bronze.commit("trades", [trade(walk="m1", fetched=1000)])
    for walk, fetched in (("m2", 2000), ("m3", 3000)):
        bronze.commit("walks", [absent(walk, 0), page(walk, -9, 9, fetched=fetched)])
    assert warehouse.fills("withdrawn_at is null") == [(False,)]
    bronze.commit(
        "walks",
        [
            folded("m4", -5, 5, stored=0, confirmed=3),
            page("m4", -5, 5, fetched=4000),
        ],
    )
    assert warehouse.fills("withdrawn_at is null") == [(True,)]


def test_walks_that_saw_fewer_of_equal_fills_withdraw_the_last_one(bronze, warehouse):
    def walk(name, rows, fetched):
        bronze.commit(
            "trades", [trade(walk=name, row=n, fetched=fetched) for n in range(rows)]
        )
        bronze.commit("walks", [page(name, 0, 0, fetched=fetched), walked(name)])

    walk("m1", 2, 1000)
    walk("m2", 1, 2000)
    walk("m3", 1, 3000)
    assert warehouse.fills("occurrence, withdrawn_at is null") == [
        (1, True),
        (2, False),
    ]


def test_a_user_walk_withdraws_nothing(bronze, warehouse):
    bronze.commit("trades", [trade(walk="m1"), trade(walk="m1", hash="a2", row=1)])
    for name, fetched in (("u2", 2000), ("u3", 3000)):
        bronze.commit("trades", [trade(walk=name, fetched=fetched)])
        bronze.commit("walks", [page(name, 0, 0, fetched=fetched), walked(name)])
    assert warehouse.fills("withdrawn_at") == [(None,), (None,)]


def test_a_walked_wallet_is_no_market(bronze, warehouse):
    wallet = "0x" + "ab" * 20
    subject = {
        "kind": "subject",
        "dataset": "trades",
        "strategy": "user",
        "walk_id": "u1",
        "key": wallet,
        "outcome": "end",
        "rows_served": 1,
        "fetched_at": at(1000.0),
    }
    bronze.commit("trades", [trade(walk="u1")])
    bronze.commit("walks", [page("u1", 0, 0), walked("u1"), subject])
    warehouse.ingest()
    listed = "select condition_id from gold.market_completeness"
    assert warehouse.ask(listed) == [("0x" + "c1".rjust(64, "0"),)]


def test_the_oldest_second_of_a_walk_that_broke_off_withdraws_nothing(
    bronze, warehouse
):
    bronze.commit("trades", [trade(walk="m1"), trade(walk="m1", hash="a2", row=1)])
    for name, fetched in (("m2", 2000), ("m3", 3000)):
        bronze.commit("trades", [trade(walk=name, fetched=fetched)])
        bronze.commit(
            "walks",
            [
                page(name, 0, 5, fetched=fetched),
                walked(name, outcome="cursor_refused"),
            ],
        )
    assert warehouse.fills("withdrawn_at") == [(None,), (None,)]


def match(**more):
    """A taker's row and two makers' rows of one match."""
    return [
        trade(wallet="b1", side="BUY", size=10, row=0, **more),
        trade(wallet="b2", side="SELL", size=4, row=1, **more),
        trade(wallet="b3", side="SELL", size=6, row=2, **more),
    ]


def taker(**more):
    return trade(wallet="b1", side="BUY", size=10, walk="m9", **more)


TAKERS = "right(trader_address, 2), is_taker, is_taker_source"


def test_the_taker_is_derived_where_its_size_is_the_sum_of_its_makers(
    bronze, warehouse
):
    bronze.commit("trades", match())
    assert warehouse.fills(TAKERS) == [
        ("b1", True, "derived"),
        ("b2", False, "derived"),
        ("b3", False, "derived"),
    ]


def test_one_maker_leaves_the_taker_unknown(bronze, warehouse):
    bronze.commit("trades", [trade(), trade(wallet="b2", side="SELL", row=1)])
    assert warehouse.fills("is_taker, is_taker_source") == [(None, None)] * 2


def test_the_taker_walk_tells_the_taker(bronze, warehouse):
    bronze.commit("trades", [trade(), trade(wallet="b2", side="SELL", row=1)])
    bronze.commit("taker_trades", [trade(walk="m9")])
    assert warehouse.fills(TAKERS) == [
        ("b1", True, "taker_walk"),
        ("b2", False, "taker_walk"),
    ]


def test_taker_rows_may_come_in_a_later_run(bronze, warehouse):
    bronze.commit("trades", match())
    warehouse.ingest()
    bronze.commit("taker_trades", [trade(wallet="b2", side="SELL", size=4, walk="m9")])
    assert warehouse.fills(TAKERS) == [
        ("b1", False, "taker_walk"),
        ("b2", True, "taker_walk"),
        ("b3", False, "taker_walk"),
    ]


def test_taker_rows_may_come_in_an_earlier_run(bronze, warehouse):
    bronze.commit("taker_trades", [taker()])
    warehouse.ingest()
    assert warehouse.ask("select count(*) from silver.TakerPending") == [(1,)]
    bronze.commit("trades", match())
    assert warehouse.fills(TAKERS) == [
        ("b1", True, "taker_walk"),
        ("b2", False, "taker_walk"),
        ("b3", False, "taker_walk"),
    ]
    assert warehouse.ask("select count(*) from silver.TakerPending") == [(0,)]


def test_of_equal_fills_the_first_are_the_takers(bronze, warehouse):
    bronze.commit("trades", [trade(row=n) for n in range(3)])
    bronze.commit("taker_trades", [trade(walk="m9", row=n) for n in range(2)])
    assert warehouse.fills("occurrence, is_taker") == [
        (1, True),
        (2, True),
        (3, False),
    ]


def test_a_match_that_balances_is_not_listed_and_a_lone_row_is(bronze, warehouse):
    bronze.commit("trades", match())
    bronze.commit("trades", match(hash="a2", second=5)[:2])
    warehouse.ingest()
    listed = "select fills, net_shares::double from silver.UnbalancedMatch"
    assert warehouse.ask(listed) == [(2, 6.0)]
    bronze.commit("trades", match(hash="a2", second=5, walk="m2", fetched=2000))
    warehouse.ingest()
    assert warehouse.ask(listed) == []


def test_a_mint_balances_over_both_tokens(bronze, warehouse):
    bronze.commit(
        "trades",
        [
            trade(side="BUY", token="101", size=10),
            trade(side="BUY", token="102", size=10, wallet="b2", row=1, price=0.5),
        ],
    )
    warehouse.ingest()
    assert warehouse.ask("select * from silver.UnbalancedMatch") == []


def test_tallies_count_what_went_in(bronze, warehouse):
    bronze.commit("trades", match())
    warehouse.ingest()
    bronze.commit("trades", match(walk="m2", fetched=2000)[:1])
    warehouse.ingest()
    assert warehouse.ask(
        "select rows_held, shares_held::double from silver.MarketTally"
    ) == [(3, 20.0)]
    assert warehouse.ask(
        "select walk_id, rows_taken_in from silver.WalkTally "
        "inner join silver.WalkFact on WalkTally.walk_key = WalkFact.walk_key "
        "order by all"
    ) == [("m1", 3), ("m2", 1)]


def test_rows_that_come_again_in_a_compacted_file_change_nothing(bronze, warehouse):
    first = bronze.commit("trades", match())
    takers = bronze.commit("taker_trades", [taker()])
    warehouse.ingest()
    before = warehouse.ask("from silver.TradeFact order by all")
    tallies = warehouse.ask("from silver.WalkTally order by all")
    late = bronze.commit("trades", match(hash="a2", second=9))
    late_taker = bronze.commit("taker_trades", [taker(hash="a2", second=9)])
    bronze.commit(
        "trades",
        [*match(), *match(hash="a2", second=9)],
        replacing=[*first, *late],
        data_change=False,
    )
    bronze.commit(
        "taker_trades",
        [taker(), taker(hash="a2", second=9)],
        replacing=[*takers, *late_taker],
        data_change=False,
    )
    warehouse.ingest()
    after = warehouse.ask("from silver.TradeFact order by all")
    assert set(before) < set(after)
    assert len(after) == 6
    assert sum(row[3] for row in tallies) == 4
    assert warehouse.ask("select sum(rows_taken_in) from silver.WalkTally") == [(8,)]


def test_a_batch_with_very_many_new_wallets_keeps_them_all(bronze, warehouse):
    many = 130_000  # above DuckDB's row group: see test_duckdb_traps.py
    bronze.commit("trades", [trade(wallet=f"{n:x}", row=n) for n in range(many)])
    warehouse.ingest()
    assert warehouse.ask("select count(*) from gold.trades") == [(many,)]


def test_the_largest_fills_that_are_kept_can_be_added_up(bronze, warehouse):
    large = {"size": MOST, "price": MOST}
    for second in (0, 5):
        bronze.commit(
            "trades",
            [
                trade(second, **(large | negative), row=row, wallet=f"b{row % 2}")
                for row, negative in enumerate([{}, {}, {"size": -MOST}, {}])
            ],
        )
        warehouse.ingest()
    assert warehouse.ask("select sum(trades) from gold.trader_stats") == [(8,)]
