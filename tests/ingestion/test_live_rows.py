"""What silver makes of what was captured live: each thing once, in its last word."""

from __future__ import annotations

from decimal import Decimal

from heard import book, covered, event, fault, held, poll, tick, window

EVENTS = (
    "select event_type, token_id, is_bid, price, size from silver.BookEventFact"
    " inner join silver.BookEventTypeDim using (event_code)"
    " left join silver.MarketTokenDim using (token_key) order by event_no, row_no"
)


def test_every_row_of_an_event_is_kept_however_small(bronze, warehouse):
    change = event(2, side="SELL", price=0.6, size=0.01, best_bid=0.4, best_ask=0.6)
    bronze.commit("book_events", [*book(1, [(0.4, 5.0)], [(0.61, 7.0)]), change])
    warehouse.ingest()
    assert warehouse.ask(EVENTS) == [
        ("book", "101", True, 0.4, 5.0),
        ("book", "101", False, 0.61, 7.0),
        ("price_change", "101", False, 0.6, 0.01),
    ]


def test_an_event_that_comes_again_changes_nothing(bronze, warehouse):
    heard = [*book(1, [(0.4, 5.0)], []), event(3, side="BUY", price=0.4, size=0.0)]
    bronze.commit("book_events", heard)
    warehouse.ingest()
    bronze.commit("book_events", [*heard, event(2, side="BUY", price=0.3, size=1.0)])
    warehouse.ingest()
    assert [row[3] for row in warehouse.ask(EVENTS)] == [0.4, 0.3, 0.4]


def test_an_event_that_one_file_has_twice_is_one(bronze, warehouse):
    heard = event(1, side="BUY", price=0.4, size=5.0)
    bronze.commit("book_events", [heard, event(2, token="102"), heard])
    warehouse.ingest()
    assert len(warehouse.ask(EVENTS)) == 2


def test_types_that_nobody_knows_keep_their_names(bronze, warehouse):
    strange = event(1, "new_thing", token=None, raw="{}")
    bronze.commit("book_events", [strange, event(2, None, token=None, market=None)])
    warehouse.ingest()
    bronze.commit("book_events", [event(3, "another"), event(4, "new_thing")])
    warehouse.ingest()
    kinds = [(kind, token) for kind, token, *_ in warehouse.ask(EVENTS)]
    assert kinds == [
        ("new_thing", None),
        ("unknown", None),
        ("another", "101"),
        ("new_thing", "101"),
    ]


def test_a_token_that_comes_without_its_market_stays_in_it(bronze, warehouse):
    ask = "select token_id, left(condition_id, 4) from silver.MarketTokenDim order by 1"
    bronze.commit("book_events", [event(1, market=""), event(1, token="102", row=1)])
    warehouse.ingest()
    assert warehouse.ask(ask) == [("101", ""), ("102", "0x00")]
    bronze.commit("book_events", [event(2), event(2, token="102", market="", row=1)])
    warehouse.ingest()
    assert warehouse.ask(ask) == [("101", "0x00"), ("102", "0x00")]


def test_a_hash_comes_back_as_it_was_said(bronze, warehouse):
    said = ["ab" * 20, "AB" * 20, "x" * 40, None, ""]
    rows = [event(n, hash=text, row=n) for n, text in enumerate(said)]
    bronze.commit("book_events", rows)
    warehouse.ingest()
    shown = warehouse.ask(
        "select coalesce(lower(hex(hash_bytes)), hash_text) from silver.BookEventFact"
        " order by event_no"
    )
    assert [text for (text,) in shown] == said


def test_a_book_that_was_asked_for_is_kept_level_by_level(bronze, warehouse):
    levels = book(1, [(0.4, 5.0)], [(0.6, 7.0)], reason="resync", difference="0.4: 4")
    bronze.commit("book_snapshots", levels)
    bronze.commit("book_snapshots", levels)
    warehouse.ingest()
    assert warehouse.ask(
        "select reason, is_bid, price, difference from silver.BookSnapshotFact"
    ) == [("resync", True, 0.4, "0.4: 4"), ("resync", False, 0.6, "0.4: 4")]


def test_what_was_listened_to_is_said_once(bronze, warehouse):
    said = [covered(0, "subscribed", "101"), covered(10, "alive", messages=7)]
    bronze.commit("book_coverage", said)
    warehouse.ingest()
    bronze.commit("book_coverage", [*said, covered(15, "broken", reason="silent")])
    warehouse.ingest()
    assert warehouse.ask(
        "select state, token_id, reason, messages from silver.BookCoverageFact"
        " left join silver.MarketTokenDim using (token_key) order by noted_at"
    ) == [
        ("subscribed", "101", None, None),
        ("alive", None, None, 7),
        ("broken", None, "silent", None),
    ]


TICKS = (
    "select price_exact, is_snapshot, epoch_ns(received_at) % 60000000000 // 1000000000"
    " from silver.CryptoPriceFact order by all"
)


def test_a_tick_that_a_snapshot_repeats_counts_once_as_heard_first(bronze, warehouse):
    exact = "118234.123456789012345678"
    again = tick(1, exact, message_type="snapshot", row_no=1)
    later = {"received_at_ns": again["received_at_ns"] + 5_000_000_000}
    bronze.commit("crypto_prices", [again | later])
    warehouse.ingest()
    bronze.commit("crypto_prices", [tick(1, exact), tick(1, "118235")])
    warehouse.ingest()
    assert warehouse.ask(TICKS) == [
        (Decimal(exact), False, 3),
        (Decimal(118235), False, 3),
    ]


def test_equal_prices_of_two_trades_are_two_ticks(bronze, warehouse):
    bronze.commit("crypto_prices", [tick(1, "5", trade_id=n, row_no=n) for n in (7, 8)])
    warehouse.ingest()
    assert len(warehouse.ask(TICKS)) == 2


def test_what_was_known_of_a_window_is_never_forgotten(bronze, warehouse):
    ask = "select state, strike, outcome, attempts, problem from silver.UpdownDim"
    known = window(10, "discovered", strike="118000.5", up_token_id="101")
    bronze.commit("updown_windows", [window(5, "missing", problem="404"), known])
    warehouse.ingest()
    assert warehouse.ask(ask) == [("discovered", Decimal("118000.5"), None, None, None)]
    told = window(990, "resolved", outcome="Up", attempts=3)
    bronze.commit("updown_windows", [told])
    warehouse.ingest()
    bronze.commit("updown_windows", [known, told])
    warehouse.ingest()
    assert warehouse.ask(ask) == [("resolved", Decimal("118000.5"), "Up", 3, None)]


def test_the_last_word_on_an_error_stands(bronze, warehouse):
    bronze.commit("service_errors", [fault("e1", 5), fault("e2", 7)])
    warehouse.ingest()
    bronze.commit("service_errors", [fault("e1", 5, 12, estimated_missed=40)])
    warehouse.ingest()
    bronze.commit("service_errors", [fault("e1", 5)])
    warehouse.ingest()
    assert warehouse.ask(
        "select error_id, date_diff('second', started_at, ended_at), estimated_missed"
        " from silver.ServiceErrorFact order by 1"
    ) == [("e1", 7, 40), ("e2", None, None)]


def test_polls_and_positions_are_kept_once(bronze, warehouse):
    polls = [poll(1, wallets=2), poll(11, "empty", wallets=0)]
    positions = [held(1, "aa", 30.0), held(1, "bb", 20.0, row_no=1)]
    for _ in range(2):
        bronze.commit("position_polls", polls)
        bronze.commit("position_snapshots", positions)
        warehouse.ingest()
    assert warehouse.ask(
        "select state, wallets from silver.PositionPollFact order by asked_at"
    ) == [("whole", 2), ("empty", 0)]
    assert warehouse.ask(
        "select right(trader_address, 2), size, value_usd"
        " from silver.PositionSnapshotFact order by 1"
    ) == [("aa", 30.0, 15.0), ("bb", 20.0, 10.0)]


def test_positions_of_less_than_a_dollar_stay_in_bronze_unless_they_are_wanted(
    bronze, warehouse
):
    ask = "select right(trader_address, 2) from silver.PositionSnapshotFact order by 1"
    small, unknown = (
        held(1, "aa", 1.9),
        held(1, "bb", 0.9, current_value=None, row_no=1),
    )
    bronze.commit("position_snapshots", [small, unknown, held(1, "cc", 2.0, row_no=2)])
    warehouse.ingest()
    assert warehouse.ask(ask) == [("cc",)]
    assert warehouse.ingest(dust_usd=0.0).rebuilt
    assert warehouse.ask(ask) == [("aa",), ("bb",), ("cc",)]
    assert not warehouse.ingest(dust_usd=0.0).rebuilt
