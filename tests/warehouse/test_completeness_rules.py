"""What it takes to be called complete, and what each reason stands for."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from exchange import NOON, Exchange, delete_fill, minutes, put, status
from hypothesis import given, settings
from hypothesis import strategies as st

LATER = NOON + timedelta(hours=2)
NEXT_DAY = NOON + timedelta(days=1)
LONG_AGO = datetime.fromisoformat("2021-05-01 00:00:00")


@pytest.fixture
def exchange():
    return Exchange()


def walked(exchange, market, at=LATER, total_at=None):
    """One walk of the market to its end, with the total read before and after."""
    exchange.total(market, at - minutes(2))
    exchange.walk(market, at=at)
    exchange.total(market, total_at or at + minutes(2))
    return exchange.filled()


def test_a_market_held_whole_whose_total_agrees_is_complete(exchange):
    market = exchange.market()
    exchange.match(market, "10", "5.5", ("3.25", "mint"))
    exchange.match(market, "0.01")
    assert status(walked(exchange, market), market) == ("complete", "")


def test_a_market_that_never_traded_is_complete_once_walked(exchange):
    market = exchange.market()
    assert status(walked(exchange, market), market) == ("complete", "")


def test_a_market_that_its_answered_event_does_not_name_never_traded(exchange):
    market = exchange.market(event_id="shared", volume=None)
    sibling = exchange.market(event_id="shared")
    exchange.walk(market, at=LATER)
    exchange.total(sibling, LATER)
    assert status(exchange.filled(), market) == ("complete", "")


def test_without_any_total_a_whole_market_is_unknown(exchange):
    market = exchange.unlisted()
    exchange.match(market, "10")
    exchange.walk(market, at=LATER)
    assert status(exchange.filled(), market) == ("unknown", "")


# Taking away a row


def three_matches(exchange):
    market = exchange.market()
    fills = [
        *exchange.match(market, "10", "5.5", at=NOON),
        *exchange.match(market, "0.02", at=NOON + minutes(1)),
        *exchange.match(market, ("7", "mint"), "7", at=NOON + minutes(2)),
    ]
    return market, fills


@pytest.mark.parametrize("row", range(8))
def test_any_row_taken_from_bronze_is_noticed_after_a_rebuild(exchange, row):
    market, fills = three_matches(exchange)
    walked(exchange, market)
    exchange.lose_from_bronze(fills[row])
    assert status(exchange.filled(), market) == ("partial", "missing_rows")


@pytest.mark.parametrize("row", range(8))
def test_any_row_taken_from_the_fact_table_is_noticed(exchange, row):
    market, fills = three_matches(exchange)
    db = walked(exchange, market)
    delete_fill(db, fills[row])
    assert status(db, market) == ("partial", "missing_rows")


@pytest.mark.parametrize("row", range(8))
def test_any_row_that_the_service_keeps_to_itself_is_noticed(exchange, row):
    market, fills = three_matches(exchange)
    exchange.hidden.add(fills[row])
    assert status(walked(exchange, market), market) == ("partial", "missing_rows")


@pytest.mark.parametrize("row", range(8))
def test_a_row_kept_from_two_walks_is_a_hole_of_the_exchange(exchange, row):
    market, fills = three_matches(exchange)
    exchange.hidden.add(fills[row])
    walked(exchange, market)
    db = walked(exchange, market, at=NEXT_DAY)
    assert status(db, market) == ("partial", "exchange_hole")


def test_a_whole_match_kept_from_two_walks_is_a_hole_of_the_exchange(exchange):
    market, fills = three_matches(exchange)
    exchange.hidden |= set(fills[:3])
    assert status(walked(exchange, market), market) == ("partial", "missing_rows")
    db = walked(exchange, market, at=NEXT_DAY)
    assert status(db, market) == ("partial", "exchange_hole")


def test_of_two_walks_our_own_clock_tells_which_was_first(exchange):
    market, fills = three_matches(exchange)
    exchange.hidden.add(fills[0])
    exchange.walk(market, at=LATER)
    earlier_there = LATER - minutes(0.1)  # a frozen clock, read twice
    exchange.walk(market, at=earlier_there, fetched_at=NEXT_DAY)
    exchange.total(market, LATER)
    assert status(exchange.filled(), market) == ("partial", "exchange_hole")


def test_a_loss_that_a_later_walk_has_mended_is_forgotten(exchange):
    market, fills = three_matches(exchange)
    walked(exchange, market)
    exchange.lose_from_bronze(fills[0])
    assert status(walked(exchange, market, at=NEXT_DAY), market) == ("complete", "")


def test_a_row_lost_after_a_walk_confirmed_it_is_noticed(exchange):
    market, fills = three_matches(exchange)
    walked(exchange, market)
    walked(exchange, market, at=NEXT_DAY)
    exchange.lose_from_bronze(fills[0])
    assert status(exchange.filled(), market) == ("partial", "missing_rows")


def test_a_row_that_was_served_and_set_aside_is_noticed(exchange):
    market, _ = three_matches(exchange)
    db = walked(exchange, market)
    db.execute("update silver.WalkPage set rows_served = rows_served + 1")
    assert status(db, market) == ("partial", "missing_rows")


def test_a_takers_row_that_no_row_answers_is_a_missing_row(exchange):
    market, _ = three_matches(exchange)
    db = walked(exchange, market)
    put(
        db,
        "TakerPending",
        market_key=market,
        token_key=1,
        trader_key=1,
        transaction_hash=b"x" * 32,
        occurrence=1,
        traded_at=NOON,
    )
    assert status(db, market) == ("partial", "missing_rows")


def test_a_changed_size_is_noticed(exchange):
    market, fills = three_matches(exchange)
    db = walked(exchange, market)
    db.execute(
        "update silver.TradeFact set size = size + 0.01 where row_no = ?",
        [fills[0].number],
    )
    assert status(db, market) == ("partial", "missing_rows")


def test_a_row_put_in_twice_is_one_too_many(exchange):
    market, _ = three_matches(exchange)
    db = walked(exchange, market)
    db.execute("insert into silver.TradeFact from silver.TradeFact limit 1")
    assert status(db, market) == ("partial", "excess_rows")


def test_holding_more_than_the_exchange_counts_is_excess(exchange):
    market, _ = three_matches(exchange)
    exchange.walk(market, at=LATER)
    exchange.total(market, LATER, shares=20.0)
    assert status(exchange.filled(), market) == ("partial", "excess_rows")


@st.composite
def traded(draw):
    """An exchange with one market, some matches, no dust; and one of their rows."""
    exchange = Exchange()
    market = exchange.market()
    sizes = st.integers(10_000, 50_000_000).map(lambda micro: f"{micro / 1e6:.6f}")
    maker = st.one_of(sizes, st.tuples(sizes, st.just("mint")))
    for makers in draw(st.lists(st.lists(maker, min_size=1, max_size=4), min_size=1)):
        seconds = draw(st.integers(0, 7_000))
        exchange.match(
            market,
            *makers,
            at=NOON + timedelta(seconds=seconds),
            token=draw(st.integers(0, 1)),
            is_buy=draw(st.booleans()),
        )
    return exchange, market, draw(st.sampled_from(exchange.fills))


@settings(max_examples=12, deadline=None)
@given(traded(), st.sampled_from(["bronze", "fact", "service"]))
def test_complete_means_that_no_single_row_can_be_taken_away(case, where):
    exchange, market, fill = case
    db = walked(exchange, market, at=NEXT_DAY)
    assert status(db, market) == ("complete", "")
    if where == "fact":
        delete_fill(db, fill)
    elif where == "bronze":
        exchange.lose_from_bronze(fill)
        db = exchange.filled()
    else:
        exchange.hidden.add(fill)
        exchange.walks.clear()
        exchange.walk(market, at=NEXT_DAY)
        db = exchange.filled()
    found = status(db, market)
    if where == "service" and fill.size < Decimal("0.02"):
        assert found in {("partial", "missing_rows"), ("partial", "dust_floor")}
    else:
        assert found == ("partial", "missing_rows")


# Dust


def test_a_match_that_lacks_a_fill_below_the_floor_is_partial_for_dust(exchange):
    market = exchange.market()
    exchange.match(market, "10", "0.004")
    assert status(walked(exchange, market), market) == ("partial", "dust_floor")


def test_a_match_of_dust_alone_is_seen_in_the_total(exchange):
    market = exchange.market()
    exchange.match(market, "10")
    exchange.match(market, "0.004")
    assert status(walked(exchange, market), market) == ("partial", "dust_floor")


def test_a_match_of_many_makers_may_lack_more_dust(exchange):
    market = exchange.market()
    exchange.match(market, *["1"] * 36, "0.008", "0.008", "0.009")
    assert status(walked(exchange, market), market) == ("partial", "dust_floor")


def test_dust_in_the_total_of_a_busy_market_is_dust(exchange):
    market = exchange.market()
    exchange.match(market, "10", at=LATER - minutes(20))
    exchange.match(market, "0.004", at=LATER - minutes(20))
    exchange.walk(market, at=LATER)
    exchange.total(market, LATER)
    assert status(exchange.filled(), market) == ("partial", "dust_floor")


def test_dust_does_not_hide_a_row_that_could_have_been_served(exchange):
    market = exchange.market()
    fills = exchange.match(market, "10", "0.02", "0.004")
    exchange.hidden.add(fills[1])
    assert status(walked(exchange, market), market) == ("partial", "missing_rows")


def test_totals_that_the_exchange_rounds_to_cents_still_agree(exchange):
    market = exchange.market()
    exchange.match(market, "10.004")
    exchange.walk(market, at=LATER)
    exchange.total(market, LATER, shares=10.0)
    assert status(exchange.filled(), market) == ("complete", "")


# Walks


def test_a_market_nobody_walked_is_unknown(exchange):
    market = exchange.market(volume=12.0)
    assert status(exchange.filled(), market) == ("unknown", "never_walked")


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (None, "walk_unfinished"),
        ("cursor_refused", "walk_unfinished"),
        ("dropped", "walk_unfinished"),
        ("floor", "windowed"),
        ("window", "windowed"),
        ("cap", "offset_cap"),
    ],
)
def test_a_walk_that_did_not_come_to_the_end_is_partial(exchange, outcome, reason):
    market, _ = three_matches(exchange)
    exchange.walk(market, at=LATER, outcome=outcome)
    exchange.total(market, LATER)
    assert status(exchange.filled(), market) == ("partial", reason)


def test_a_failed_walk_does_not_undo_an_earlier_one(exchange):
    market, _ = three_matches(exchange)
    walked(exchange, market)
    exchange.walk(market, at=NEXT_DAY, outcome="cursor_refused")
    assert status(exchange.filled(), market) == ("complete", "")


def test_in_a_packed_walk_only_the_market_that_lost_a_row_is_partial(exchange):
    market, fills = three_matches(exchange)
    other = exchange.market()
    exchange.match(other, "3")
    exchange.walk(market, other, at=LATER)
    exchange.total(market, LATER)
    exchange.total(other, LATER)
    exchange.lose_from_bronze(fills[4])
    db = exchange.filled()
    assert status(db, market) == ("partial", "missing_rows")
    assert status(db, other) == ("complete", "")


# Feed and walk together


def test_fills_that_only_the_feed_brought_keep_a_market_complete(exchange):
    market, _ = three_matches(exchange)
    exchange.walk(market, at=LATER)
    exchange.match(market, "4", at=LATER + minutes(30))
    exchange.feed(NEXT_DAY, covered_from=LATER - minutes(1), since=NOON)
    exchange.total(market, NEXT_DAY)
    assert status(exchange.filled(), market) == ("complete", "")


def test_a_feed_that_begins_after_the_walk_leaves_a_gap(exchange):
    market, _ = three_matches(exchange)
    exchange.walk(market, at=LATER)
    exchange.feed(NEXT_DAY, covered_from=LATER + minutes(5), since=NOON)
    exchange.total(market, NEXT_DAY)
    assert status(exchange.filled(), market) == ("partial", "walk_unfinished")


def test_a_market_made_after_the_feed_began_needs_no_walk(exchange):
    market = exchange.market(created_at=LATER)
    exchange.match(market, "4", at=LATER + minutes(30))
    exchange.feed(NEXT_DAY, covered_from=NOON, since=NOON)
    exchange.total(market, NEXT_DAY)
    assert status(exchange.filled(), market) == ("complete", "")


def test_a_fill_that_the_feed_left_out_is_missing(exchange):
    market, _ = three_matches(exchange)
    exchange.walk(market, at=LATER)
    fills = exchange.match(market, "4", at=LATER + minutes(30))
    exchange.hidden |= set(fills)
    exchange.feed(NEXT_DAY, covered_from=LATER - minutes(1), since=NOON)
    exchange.total(market, NEXT_DAY - minutes(5))
    assert status(exchange.filled(), market) == ("partial", "missing_rows")


def test_a_row_that_the_feed_lost_leaves_all_in_doubt_until_a_total_vouches(exchange):
    quiet, busy = exchange.market(), exchange.market()
    for market in (quiet, busy):
        exchange.match(market, "3")
        exchange.total(market, LATER - minutes(1))
        exchange.walk(market, at=LATER)
        exchange.match(busy, "4", at=LATER + minutes(30))
    exchange.feed(NEXT_DAY, covered_from=LATER - minutes(1), since=LATER)
    exchange.total(busy, NEXT_DAY)
    db = exchange.filled()
    db.execute(
        "update silver.WalkPage set rows_served = rows_served + 1 where walk_key = 3"
    )
    assert status(db, quiet) == ("unknown", "missing_rows")
    assert status(db, busy) == ("complete", "")


# Late rows


def late_match(exchange, market, *makers):
    """A match at noon that the service shows a day later only, by the feed."""
    exchange.match(market, *makers)
    exchange.feed(NEXT_DAY, covered_from=LATER - minutes(1), since=NOON)


def test_a_total_read_before_a_late_row_was_indexed_is_no_excess(exchange):
    market, _ = three_matches(exchange)
    walked(exchange, market)
    late_match(exchange, market, "4")
    assert status(exchange.filled(), market) == ("complete", "")


def test_what_was_held_when_a_total_was_read_is_still_excess(exchange):
    market, _ = three_matches(exchange)
    exchange.walk(market, at=LATER)
    exchange.total(market, LATER, shares=20.0)
    late_match(exchange, market, "4")
    assert status(exchange.filled(), market) == ("partial", "excess_rows")


def test_a_late_row_does_not_open_a_gap_again_that_a_walk_has_mended(exchange):
    market, fills = three_matches(exchange)
    walked(exchange, market)
    exchange.lose_from_bronze(fills[0])
    walked(exchange, market, at=LATER + minutes(60))
    late_match(exchange, market, "4")
    assert status(exchange.filled(), market) == ("complete", "")


@pytest.mark.parametrize("row", range(2))
def test_half_of_a_late_match_is_noticed(exchange, row):
    market, _ = three_matches(exchange)
    walked(exchange, market)
    exchange.hidden.add(exchange.match(market, "4")[row])
    exchange.feed(NEXT_DAY, covered_from=LATER - minutes(1), since=NOON)
    assert status(exchange.filled(), market) == ("partial", "missing_rows")


# Live markets


def test_a_market_that_trades_while_it_is_walked_is_complete_as_of_before(exchange):
    market, _ = three_matches(exchange)
    exchange.total(market, LATER - minutes(3))
    exchange.match(market, "4", at=LATER - minutes(2))
    exchange.walk(market, at=LATER)
    exchange.match(market, "9", at=LATER + minutes(1))
    exchange.total(market, LATER + minutes(2))
    db = exchange.filled()
    assert status(db, market) == ("complete", "")
    as_of = db.execute("select as_of from gold.market_completeness").fetchall()
    assert as_of == [(LATER - minutes(3),)]


def test_later_trading_does_not_hide_a_match_that_is_missing(exchange):
    market, fills = three_matches(exchange)
    exchange.hidden |= set(fills[:3])
    exchange.total(market, LATER - minutes(20))
    exchange.match(market, "50", at=LATER - minutes(10))
    exchange.walk(market, at=LATER)
    exchange.match(market, "9", at=LATER + minutes(1))
    exchange.total(market, LATER + minutes(2))
    assert status(exchange.filled(), market) == ("partial", "missing_rows")


def test_a_market_seen_only_while_it_traded_on_is_unknown(exchange):
    market, _ = three_matches(exchange)
    exchange.match(market, "4", at=LATER - minutes(4))
    exchange.walk(market, at=LATER)
    exchange.match(market, "9", at=LATER + minutes(1))
    exchange.total(market, LATER + minutes(2))
    assert status(exchange.filled(), market) == ("unknown", "walk_unfinished")


def test_a_quiet_market_that_falls_short_of_its_only_total_is_partial(exchange):
    market, fills = three_matches(exchange)
    exchange.hidden |= set(fills[:3])
    exchange.walk(market, at=LATER)
    exchange.total(market, LATER + minutes(2))
    assert status(exchange.filled(), market) == ("partial", "missing_rows")


def test_half_a_match_beyond_what_is_covered_is_no_loss(exchange):
    market, _ = three_matches(exchange)
    exchange.total(market, LATER - minutes(5))
    fills = exchange.match(market, "4", at=LATER - minutes(0.5))
    exchange.hidden.add(fills[0])
    exchange.walk(market, at=LATER)
    assert status(exchange.filled(), market) == ("complete", "")


def test_a_total_that_lags_behind_by_minutes_is_not_excess(exchange):
    market, _ = three_matches(exchange)
    exchange.match(market, "4", at=LATER - minutes(4))
    exchange.walk(market, at=LATER)
    exchange.total(
        market, LATER, shares=float(exchange.shares(market, NOON + minutes(9)))
    )
    assert status(exchange.filled(), market) == ("complete", "")


def test_withdrawn_fills_count_on_neither_side(exchange):
    market, _ = three_matches(exchange)
    gone = exchange.match(market, "4")
    walked(exchange, market)
    exchange.withdrawn |= set(gone)
    shares = float(exchange.shares(market, LATER)) - 4
    exchange.totals = [(market, NEXT_DAY, shares)]
    assert status(exchange.filled(), market) == ("complete", "")


# History that no query reaches


def test_a_market_older_than_three_years_lacks_what_the_window_hides(exchange):
    market = exchange.market(created_at=LONG_AGO)
    exchange.match(market, "4")
    exchange.walk(market, at=LATER)
    exchange.total(market, LATER, shares=100.0)
    assert status(exchange.filled(), market) == ("partial", "service_window")


def test_an_old_market_whose_total_agrees_is_complete(exchange):
    market = exchange.market(created_at=LONG_AGO)
    exchange.match(market, "4")
    assert status(walked(exchange, market), market) == ("complete", "")


def test_a_market_of_the_amm_era_lacks_what_was_traded_with_the_amm(exchange):
    market = exchange.market(
        created_at=LONG_AGO, market_maker_address="0xabc", volume=500.0
    )
    exchange.walk(market, at=LATER)
    exchange.total(market, LATER, shares=0.0)
    assert status(exchange.filled(), market) == ("partial", "amm_era")


# Gamma's total, where the Data API names none


def test_gammas_total_serves_where_there_is_no_other(exchange):
    market = exchange.market(volume=10.03)
    exchange.match(market, "10")
    exchange.walk(market, at=LATER)
    db = exchange.filled()
    assert status(db, market) == ("complete", "")
    source = db.execute("select expected_source from gold.market_completeness")
    assert source.fetchall() == [("gamma_volume",)]


# What ingest, which put the fills in, need not read again


def test_what_ingest_has_put_in_stands_for_the_fills_while_none_is_lost(exchange):
    whole, short, waiting, traded, empty = (exchange.market() for _ in range(5))
    gone = exchange.match(traded, "3.5", ("1.25", "mint"), at=NOON)
    for market in (whole, short, waiting, traded):
        exchange.match(market, "10.000001", "0.5", at=NOON + minutes(3))
    exchange.withdrawn |= set(gone)
    exchange.total(short, LATER - minutes(2), shares=25.0)
    for market in (whole, short, traded, empty):
        exchange.walk(market, at=LATER)
        exchange.total(market, LATER + minutes(2), shares=25.0 * (market == short))
    exchange.match(whole, "2", at=LATER + minutes(60))
    exchange.walk(whole, at=NEXT_DAY)
    db = exchange.filled()

    def said(*, by_ingest: bool) -> list[tuple]:
        db.execute(f"set variable tallies_stand_for_fills = {by_ingest}")
        judged = "select * from gold.market_completeness order by all"
        totals = "select * exclude (last_traded_at) from gold.market_totals"
        return db.execute(judged).fetchall() + db.execute(totals).fetchall()

    before = said(by_ingest=False)
    assert len({row[-2:] for row in before[:5]}) > 2
    assert set(said(by_ingest=True)) == set(before)
    delete_fill(db, exchange.held[0])
    assert set(said(by_ingest=False)) != set(before)
