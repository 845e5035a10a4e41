"""What silver and gold make of the boards of traders and of open interest."""

from __future__ import annotations

from bronze_lake import at


def place(rank, wallet, *, captured=1000, walk="r1", page=0, row=0, **more):
    return {
        "time_period": "week",
        "category": "OVERALL",
        "sort_by": "PNL",
        "rank": rank,
        "user_id": "0x" + wallet.rjust(40, "0").upper().replace("X", "x"),
        "pnl": 100.0 - rank,
        "captured_at": at(captured),
        "has_moved": False,
        "version": "v2",
        "fetched_at": at(captured + page),
        "walk_id": walk,
        "page_no": page,
        "row_no": row,
        **more,
    }


def reading(market, value, *, fetched=1000, age=None, walk="r1", row=0):
    name = market if market == "GLOBAL" else "0x" + market.rjust(64, "0")
    return {
        "condition_id": name,
        "value": value,
        "age_seconds": age,
        "fetched_at": at(fetched),
        "walk_id": walk,
        "page_no": 0,
        "row_no": row,
    }


BOARD = (
    "select board_rank, right(proxy_wallet, 2), pnl_usd, volume_shares, volume_usd,"
    " has_moved, version from gold.leaderboard_latest order by 1"
)


def test_the_last_capture_of_a_board_is_the_board(bronze, warehouse):
    bronze.commit("leaderboard", [place(1, "aa"), place(2, "bb", row=1)])
    warehouse.ingest()
    later = {"captured": 5000, "walk": "r2"}
    bronze.commit("leaderboard", [place(1, "cc", volume=7.0, **later)])
    warehouse.ingest()
    assert warehouse.ask(BOARD) == [(1, "cc", 99.0, 7.0, None, False, "v2")]
    assert warehouse.ask("select count(*) from silver.LeaderboardFact") == [(3,)]


def test_shares_of_one_version_and_dollars_of_the_other_stay_apart(bronze, warehouse):
    bronze.commit("leaderboard", [place(1, "aa", volume=7.0)])
    other = {"category": "SPORTS", "version": "v1", "walk": "r2"}
    bronze.commit("leaderboard", [place(2, "aa", vol=3.5, **other)])
    warehouse.ingest()
    assert warehouse.ask(BOARD) == [
        (1, "aa", 99.0, 7.0, None, False, "v2"),
        (2, "aa", 98.0, None, 3.5, False, "v1"),
    ]


def test_a_wallet_that_a_moved_board_shows_twice_stands_at_its_first_place(
    bronze, warehouse
):
    rows = [place(1, "aa"), place(2, "bb", row=1), place(3, "bb", page=1)]
    bronze.commit("leaderboard", [row | {"has_moved": True} for row in rows])
    warehouse.ingest()
    assert [row[:2] for row in warehouse.ask(BOARD)] == [(1, "aa"), (2, "bb")]
    assert {row[5] for row in warehouse.ask(BOARD)} == {True}


def test_open_interest_is_shown_over_time_with_the_last_reading_marked(
    bronze, warehouse
):
    bronze.commit(
        "open_interest", [reading("c1", 10.0), reading("GLOBAL", 99.0, row=1)]
    )
    warehouse.ingest()
    bronze.commit(
        "open_interest", [reading("c1", 4.0, fetched=2000, age=300, walk="r2")]
    )
    warehouse.ingest()
    assert warehouse.ask(
        "select right(condition_id, 2), open_interest_usd, change_usd, is_latest,"
        " epoch(fetched_at - as_of)::int from gold.open_interest"
        " order by condition_id, fetched_at"
    ) == [
        ("c1", 10.0, None, False, 0),
        ("c1", 4.0, -6.0, True, 300),
        ("AL", 99.0, None, True, 0),
    ]


def test_a_reading_of_no_market_is_not_one_of_the_whole_exchange(bronze, warehouse):
    nameless = reading("GLOBAL", 5.0, row=1) | {"condition_id": None}
    bronze.commit("open_interest", [nameless])
    warehouse.ingest()
    assert warehouse.ask("from gold.open_interest") == []


def test_a_rebuild_gives_the_same_boards_and_readings(bronze, warehouse):
    for n in (3, 1, 2):
        bronze.commit("leaderboard", [place(1, "aa", captured=n, walk=f"r{n}")])
        bronze.commit(
            "open_interest",
            [
                reading("c1", n, fetched=n, walk=f"s{n}"),
                reading("GLOBAL", n, fetched=n, walk=f"s{n}", row=1),
            ],
        )
        warehouse.ingest()
        warehouse.ingest()
    queries = (
        "select * exclude (walk_key), walk_id from silver.LeaderboardFact"
        " inner join silver.WalkFact using (walk_key) order by all",
        "from gold.open_interest order by all",
        BOARD,
    )
    often = [warehouse.ask(query) for query in queries]
    warehouse.ingest(rebuild=True)
    assert often == [warehouse.ask(query) for query in queries]
    assert [len(rows) for rows in often] == [3, 6, 1]
