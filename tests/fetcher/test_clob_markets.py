"""The order book's list of markets is read whole, although its cursor is an offset."""

from __future__ import annotations

import json

import pytest
from catalogue_rig import Rig
from fake_gamma import T0, FakeClob, FakeGamma, clob_market

from fetcher.polymarket.clob_markets import fetch_clob_markets


def read(rig: Rig, clob: FakeClob, **options) -> set[int]:
    with rig.run(FakeGamma(), clob, clock=lambda: T0, **options) as run:
        fetch_clob_markets(run, pass_id="p")
    assert run.tally.failures() == []
    rows = rig.lake.rows("clob_markets")
    return {int(r["condition_id"], 16) for r in rows if r["condition_id"]}


@pytest.mark.parametrize("count", [0, 1, 50, 51, 333])
def test_every_market_is_stored_and_the_end_marker_is_never_asked_for(tmp_path, count):
    clob = FakeClob([clob_market(n) for n in range(count)])
    assert read(Rig(tmp_path), clob) == set(range(count))


@pytest.mark.parametrize("change", ["insert", "remove", "remove many"])
def test_rows_that_move_between_two_pages_lose_none(tmp_path, change):
    clob = FakeClob([clob_market(n) for n in range(300)])

    def move(number: int) -> None:
        if number == 3 and change == "insert":
            clob.rows[:0] = [clob_market(1_000 + n) for n in range(7)]
        elif number == 3:
            del clob.rows[: 5 if change == "remove" else 60]

    clob.before_page = move
    rig = Rig(tmp_path)
    assert read(rig, clob) >= set(range(300))
    assert len(rig.lake.rows("clob_markets")) == 300


def test_blank_condition_ids_null_tags_and_null_rates_are_kept(tmp_path):
    blank = clob_market(3, condition_id="", market_slug="old")
    clob = FakeClob([clob_market(1), blank])
    rig = Rig(tmp_path)
    read(rig, clob)
    rows = {row["market_slug"]: row for row in rig.lake.rows("clob_markets")}
    assert rows["old"]["condition_id"] == ""
    assert rows["old"]["tags"] is None
    assert json.loads(rows["old"]["rewards"])["rates"] is None


def test_who_won_is_stored_when_a_market_closes(tmp_path):
    rig, clob = Rig(tmp_path), FakeClob([clob_market(1)])
    read(rig, clob)
    clob.rows[0]["tokens"][0]["price"] = 0.7
    read(rig, clob)
    assert len(rig.lake.rows("clob_markets")) == 1
    clob.rows[0] |= {"closed": True}
    clob.rows[0]["tokens"][0] |= {"price": 1, "winner": True}
    read(rig, clob)
    last = rig.lake.rows("clob_markets")[-1]
    assert json.loads(last["tokens"])[0]["winner"] is True


def test_a_stopped_reading_goes_on_where_it_was(tmp_path):
    rig, clob = Rig(tmp_path), FakeClob([clob_market(n) for n in range(400)])
    read(rig, clob, on_put=lambda run: run.stop.set())
    assert len(clob.asked) == 1
    assert read(rig, clob) == set(range(400))
    assert len(clob.asked) <= 1 + 400 // 30 + 1
