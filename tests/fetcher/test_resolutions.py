"""How markets were settled: asked until it is final, in proportion to what changed."""

from __future__ import annotations

import json

import polars as pl
import pytest
from trades_rig import home_beside

from sandbox.testing import Box

DAY = 86_400


def asked(box: Box) -> int:
    """How often the route was asked since the last time."""
    routes = box.requests()["routes"]
    box.forget_requests()
    return sum(n for route, n in routes.items() if "resolutions" in route)


@pytest.fixture
def home(tmp_path):
    with home_beside(tmp_path, size="tiny", cdn=False) as home:
        assert home.fetch(mode="markets").exit_code == 0
        yield home


def states(home, selector: str = "condition") -> dict[str, dict]:
    """The latest row of each market."""
    rows = home.rows("resolutions").filter(selector=selector).sort("fetched_at")
    return {row["asked_condition_id"]: row for row in rows.to_dicts()}


def listed(home) -> pl.DataFrame:
    return home.box.truth()["markets"].filter(~pl.col("combo"))


def test_every_settled_market_has_the_payouts_that_it_paid(home):
    summary = home.fetch(mode="resolutions")
    assert (summary.exit_code, summary.failures) == (0, [])
    known = states(home)
    true = {row["condition_id"]: row for row in listed(home).to_dicts()}
    silent = set(true) - set(known)
    assert {true[one]["kind"] for one in silent} <= {"amm"}
    assert len(known) > 20
    for condition, row in known.items():
        paid = json.loads(row["payouts"]) if row["payouts"] else None
        expected = [round(share * 1e6) for share in true[condition]["payouts"]]
        assert paid == (expected if true[condition]["closed"] else None)
    assert any(
        json.loads(row["payouts"] or "[]") == [500_000] * 2 for row in known.values()
    )


def test_a_final_market_is_not_asked_again_and_an_open_one_when_it_changes(home):
    home.fetch(mode="resolutions")
    assert asked(home.box) > 1
    before = home.rows("resolutions").height
    home.fetch(mode="resolutions")
    first = asked(home.box)
    assert (
        first <= 1 + len([s for s in states(home).values() if not s["payouts"]]) // 20
    )
    assert home.rows("resolutions").height == before
    home.box.advance(3 * DAY)
    home.fetch(mode="markets")
    home.fetch(mode="resolutions")
    closed = listed(home).filter(pl.col("closed") & ~pl.col("hidden"))
    known = states(home)
    unsettled = [
        one
        for one in closed["condition_id"]
        if not known.get(one, {}).get("payouts", 1)
    ]
    assert unsettled == []
    assert asked(home.box) <= 4


def test_fresh_asks_everything_and_stores_nothing_again(home):
    home.fetch(mode="resolutions")
    rows, requests = home.rows("resolutions").height, asked(home.box)
    home.fetch(mode="resolutions", fresh=True)
    assert len(listed(home)) // 20 <= asked(home.box) <= requests
    assert home.rows("resolutions").height == rows


def test_a_disputed_market_tells_both_proposals_with_69_for_none(home):
    home.fetch(mode="resolutions")
    disputed = {k: r for k, r in states(home).items() if r["was_disputed"]}
    told = states(home, "question")
    assert set(told) == set(disputed)
    assert {row["status"] for row in told.values()} == {"disputed", "resolved"}
    for condition, row in told.items():
        assert row["condition_id"] is None
        assert row["last_update_timestamp"].isdigit()
        assert disputed[condition]["last_update_timestamp"].endswith("Z")
        assert (row["price"] == "69") == (row["status"] == "disputed")
        assert row["proposed_price"] not in ("69", row["price"])


def test_ids_of_62_digits_that_are_refused_are_asked_for_as_of_64(home):
    home.fetch(mode="resolutions")
    of_v2 = listed(home).filter(pl.col("version") == "v2")["condition_id"].to_list()
    assert of_v2
    assert all(len(one) == 64 for one in of_v2)
    assert set(of_v2) <= set(states(home))


def test_after_failures_only_what_has_not_answered_is_asked_again(home):
    config = home.folder / "config.toml"
    config.write_text(config.read_text() + "\n[http]\nmax_attempts = 1\n")
    home.box.fault("500", path="/v2/resolutions", skip=1, times=1)
    summary = home.fetch(mode="resolutions")
    assert summary.exit_code == 1
    assert "resolutions of" in summary.failures[0].what
    some = set(states(home))
    before = len(home.walks("subject", "resolutions"))
    assert home.fetch(mode="resolutions").exit_code == 0
    assert set(states(home)) > some
    again = [row["key"] for row in home.walks("subject", "resolutions")[before:]]
    assert again
    assert not set(again) & some


def test_a_market_that_is_named_is_the_only_one_asked(home):
    one = listed(home).filter(pl.col("closed") & (pl.col("kind") == "binary"))
    condition = one["condition_id"][0]
    home.fetch(mode="resolutions", markets=(condition,))
    assert list(states(home)) == [condition]


def test_a_window_takes_the_markets_that_ended_in_it(home):
    closed = listed(home).filter(
        pl.col("closed") & (pl.col("kind") != "amm") & ~pl.col("hidden")
    )
    cut = int(closed["closed_at"].median())
    home.fetch(mode="resolutions", until=cut)
    known = set(states(home))
    later = set(closed.filter(pl.col("closed_at") >= cut)["condition_id"])
    assert known
    assert not known & later


def test_v1_has_no_resolutions_and_that_is_said(tmp_path, caplog):
    with home_beside(tmp_path, "v1", size="tiny") as home:
        home.fetch(mode="markets")
        assert home.fetch(mode="resolutions").exit_code == 0
        assert home.lake.files("resolutions") == []
    assert "no such route" in caplog.text


@pytest.mark.parametrize("status", [404, 410])
def test_a_route_that_is_gone_is_one_failure_and_nothing_is_lost(tmp_path, status):
    folder = tmp_path / "payloads"
    folder.mkdir()
    (folder / "gone").write_text('{"error": "not found", "code": "not_found"}')
    (folder / "routes.toml").write_text(
        f'[[route]]\npath = "/data/v2/resolutions"\nfile = "gone"\nstatus = {status}\n'
    )
    with home_beside(tmp_path / "home", size="tiny", payloads=folder) as home:
        home.fetch(mode="markets")
        summary = home.fetch(mode="resolutions")
        assert summary.exit_code == 1
        (failure,) = summary.failures
        assert f"answered {status}" in failure.why
        assert home.cursor().values.get("resolutions") is None
