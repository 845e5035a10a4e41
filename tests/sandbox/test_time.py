"""What moving time brings: fills, markets, closings, late rows, stale pages."""

import polars as pl

PATH = "/data/v2/trades"
DAY = 86_400


def test_a_frozen_clock_gives_the_same_answer_for_ever(tiny):
    assert tiny.get(PATH).content == tiny.get(PATH).content


def test_advancing_brings_fills_and_truth_moves_along(start, identities):
    asker = start(size="small", cdn=False)
    before = asker.trades()
    asker.box.advance(DAY)
    after = asker.trades()
    assert not identities(before) - identities(after)
    assert len(after) > len(before)
    truth = asker.box.truth()["fills"].filter("servable")
    floor = 1_790_812_800
    assert identities(after) == identities(truth.filter(pl.col("timestamp") >= floor))


def test_markets_appear_and_move_from_open_to_closed(start):
    asker = start(size="small", cdn=False)
    opened = {row["id"] for row in asker.markets()}
    closed = {row["id"] for row in asker.markets(closed="true")}
    asker.box.advance(2 * DAY)
    later = {row["id"] for row in asker.markets(closed="true")}
    assert later - closed
    assert (later - closed) & opened
    assert closed <= later
    assert ({row["id"] for row in asker.markets()} | later) - opened - closed


def test_a_market_that_closes_in_mid_walk_makes_no_other_one_skip(start):
    asker = start(size="small", cdn=False)
    rows = asker.markets(limit=100)
    page = asker.json("/gamma/markets/keyset", limit=20)
    asker.box.advance(DAY)
    still_open = {row["id"] for row in asker.markets(limit=100)}
    rest = asker.markets(limit=20, after_cursor=page["next_cursor"])
    seen = {row["id"] for row in page["markets"]} | {row["id"] for row in rest}
    assert {row["id"] for row in rows} & still_open <= seen


def test_rows_appear_only_once_the_index_has_them(start):
    asker = start(size="small", cdn=False, lag_seconds=3600)
    truth = asker.box.truth()["fills"]
    waiting = truth.filter(pl.col("reason") == "not_indexed_yet")
    assert waiting.height
    assert (waiting["timestamp"] > asker.box.now() - 3601).all()
    asker.box.advance(3601)
    now_served = asker.box.truth()["fills"].join(
        waiting.select("sequence"), on="sequence", how="semi"
    )
    assert set(now_served["reason"]) <= {"", "dust_floor", "amm_era"}


def test_late_rows_come_below_rows_already_served(start, identities):
    asker = start(size="small", cdn=False, late_rows=0.2)
    before = asker.trades()
    asker.box.advance(7200)
    new = identities(asker.trades()) - identities(before)
    newest = max(row["timestamp"] for row in before)
    assert any(row[5] < newest - 600 for row in new)


def test_withdrawn_rows_vanish(start, identities):
    asker = start(size="small", cdn=False, withdrawn_rows=0.2)
    before = identities(asker.trades())
    asker.box.advance(7200)
    assert before - identities(asker.trades())
    assert "withdrawn" in set(asker.box.truth()["fills"]["reason"])


def test_an_injected_match_comes_late_and_is_part_of_the_truth(start, identities):
    asker = start(size="tiny", cdn=False)
    before = identities(asker.trades())
    answer = asker.box.admin("inject", kind="late", seconds=3600, count=2)
    new = identities(asker.trades()) - before
    assert sum(new.values()) == 4
    fills = asker.box.truth()["fills"].filter("servable")
    injected = fills.filter(pl.col("sequence").is_in(answer["sequences"]))
    assert identities(injected) == new


def test_an_injected_withdrawal_takes_served_rows_away(start, identities):
    asker = start(size="tiny", cdn=False)
    before = identities(asker.trades())
    asker.box.admin("inject", kind="withdrawn", seconds=600, count=3)
    assert sum((before - identities(asker.trades())).values()) == 3


def test_a_dropped_row_is_missing_while_the_totals_still_count_it(start, identities):
    asker = start(size="tiny", cdn=False)
    fills = asker.box.truth()["fills"]
    row = fills.filter("servable", "is_taker").row(-1, named=True)
    market = asker.box.truth()["markets"].filter(
        pl.col("condition_id") == row["condition_id"]
    )
    event = market["event_id"][0]
    volume = asker.json("/data/v2/live-volume", event_id=event)
    before = identities(asker.trades(condition=row["condition_id"]))
    asker.box.admin("drop-row", sequence=row["sequence"])
    lost = before - identities(asker.trades(condition=row["condition_id"]))
    assert lost == identities([row])
    assert asker.json("/data/v2/live-volume", event_id=event) == volume
    after = asker.box.truth()["fills"].filter(pl.col("sequence") == row["sequence"])
    assert after["reason"].to_list() == ["dropped"]


def test_a_cached_first_page_is_stale_and_says_its_age(start):
    asker = start(size="small")
    first = asker.get(PATH, limit=50)
    asker.box.advance(290)
    stale = asker.get(PATH, limit=50)
    assert stale.content == first.content
    assert stale.headers["age"] == "290"
    assert stale.headers["x-trace-id"] == first.headers["x-trace-id"]
    asker.box.advance(10)
    fresh = asker.get(PATH, limit=50)
    assert "age" not in fresh.headers
    assert fresh.headers["x-trace-id"] != first.headers["x-trace-id"]
    assert fresh.content != first.content


def test_another_query_string_is_another_cache_entry(start):
    asker = start(size="small")
    asker.get(PATH, limit=50)
    asker.box.advance(200)
    assert "age" not in asker.get(PATH, limit=51).headers


def test_the_date_header_is_the_simulated_time(tiny):
    assert tiny.get(PATH).headers["Date"] == "Sat, 21 Nov 2026 12:00:00 GMT"


def test_old_cursors_are_refused_after_the_keys_were_rotated(start):
    asker = start(size="tiny")
    cursor = asker.json(PATH, limit=5)["pagination"]["next_cursor"]
    assert asker.get(PATH, cursor=cursor).ok
    asker.box.admin("purge")
    asker.box.admin("rotate-keys")
    assert asker.get(PATH, cursor=cursor).json()["error"] == "invalid cursor"
    new = asker.json(PATH, limit=5, taker_only="true")["pagination"]["next_cursor"]
    assert asker.get(PATH, cursor=new).ok
