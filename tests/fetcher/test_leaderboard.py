"""The boards are taken whole, and one that moved meanwhile says so."""

from __future__ import annotations

import json
from itertools import product
from math import inf

import polars as pl
import pytest
from click.testing import CliRunner
from trades_rig import Home, home_beside

from fetcher.cli import fetch
from fetcher.polymarket.leaderboard import (
    BOARDS,
    CATEGORIES,
    PERIODS,
    SORTS,
    Page,
    moved,
)

ALONE = ("leaderboard",)
BOARD = ["time_period", "category", "sort_by"]


def with_pages(home: Home, rows: int, depth: int = 1000) -> Home:
    """Ask for so many names a request."""
    config = home.folder / "config.toml"
    config.write_text(
        config.read_text() + f"\n[leaderboard]\npage_rows = {rows}\ndepth = {depth}\n"
    )
    return home


@pytest.fixture
def home(tmp_path):
    with home_beside(tmp_path, size="tiny", cdn=False) as home:
        yield home


def one_board(home: Home, period="all", category="OVERALL", sort="PNL") -> pl.DataFrame:
    rows = home.rows("leaderboard").filter(
        time_period=period, category=category, sort_by=sort
    )
    last = rows.filter(pl.col("captured_at") == rows["captured_at"].max())
    return last.sort("rank")


def test_every_board_is_taken_and_is_that_of_the_ledger(home):
    summary = home.fetch(mode="leaderboard")
    assert (summary.exit_code, summary.failures) == (0, [])
    assert summary.counts["leaderboard"].jobs_done == len(BOARDS) == 88
    taken = set(home.rows("leaderboard").select(BOARD).unique().iter_rows())
    assert {("all", "OVERALL", "PNL"), ("all", "SPORTS", "VOLUME")} <= taken
    assert taken <= set(product(PERIODS, CATEGORIES, SORTS))
    ledger = home.box.truth()["ledger"]
    totals = ledger.group_by("proxy_wallet").agg(
        pl.col("pnl_usdc").sum(),
        (pl.col("bought_shares") + pl.col("sold_shares")).sum().alias("shares"),
    )
    board = one_board(home).join(
        totals, left_on="user_id", right_on="proxy_wallet", maintain_order="left"
    )
    assert board.height == totals.height
    assert board["rank"].to_list() == list(range(1, totals.height + 1))
    assert (board["pnl"] - board["pnl_usdc"]).abs().max() < 0.001
    assert (board["volume"] - board["shares"]).abs().max() < 1e-5
    assert board["vol"].null_count() == board.height  # dollars are v1's


def test_a_board_is_paged_to_its_end_or_its_depth(home):
    with_pages(home, 4, depth=10).fetch(mode="leaderboard")
    board = one_board(home)
    assert board["rank"].to_list() == list(range(1, 11))
    assert board["user_id"].n_unique() == 10
    assert not board["has_moved"].any()


def test_a_board_that_moves_is_marked_and_taken_once_more(tmp_path):
    with home_beside(tmp_path, size="tiny", board_moves=1) as home:
        with_pages(home, 7).fetch(mode="leaderboard")
        walks = [
            w for w in home.walks("walk", "leaderboard") if w["outcome"] == "moved"
        ]
        (walk,) = walks
        assert "stands on two pages" in walk["detail"]
        board = json.loads(walk["filter"])["board"]
        captures = home.rows("leaderboard").filter(
            pl.concat_str(BOARD, separator="/") == board
        )
        by_capture = captures.group_by("captured_at").agg(pl.col("has_moved").all())
        assert sorted(by_capture["has_moved"].to_list()) == [False, True]


def test_a_rank_that_is_no_number_does_not_stop_a_capture():
    pages = [Page(None, [{"user_id": name, "rank": inf}], None) for name in "ab"]
    assert moved(pages, "PNL", "v2") is None


def test_a_board_that_never_stands_still_is_due_again(tmp_path):
    with home_beside(tmp_path, size="tiny", board_moves=10_000) as home:
        with_pages(home, 7)
        home.fetch(mode="leaderboard")
        rows = home.rows("leaderboard").filter(category="OVERALL", time_period="all")
        assert rows["has_moved"].all()
        assert rows.select("captured_at", "sort_by").n_unique() == 4
        assert home.fetch(among=ALONE).counts["leaderboard"].jobs_done > 0


def test_whole_boards_rest_for_an_hour_unless_asked_for(home):
    home.fetch(among=ALONE)
    assert home.fetch(among=ALONE).counts["leaderboard"].jobs_done == 0
    assert home.fetch(mode="leaderboard").counts["leaderboard"].jobs_done == 88


def test_a_run_over_some_markets_leaves_the_boards_alone(home):
    assert "leaderboard" in home.fetch(among=("markets", *ALONE), limit=1).counts
    assert home.lake.files("leaderboard") == []


def test_v1_tells_dollars_and_ranks_as_text_fifty_a_page(tmp_path):
    with home_beside(tmp_path, "v1", size="small", cdn=False, age_days=150) as home:
        assert home.fetch(mode="leaderboard").exit_code == 0
        board = one_board(home, sort="VOLUME")
        ledger = home.box.truth()["ledger"]
        dollars = ledger.group_by("proxy_wallet").agg(
            (pl.col("bought_usdc") + pl.col("sold_usdc")).sum().alias("usd")
        )
        assert board.height == dollars.height > 50
        told = board.join(dollars, left_on="user_id", right_on="proxy_wallet")
        assert told.height == board.height
        assert (told["vol"] - told["usd"]).abs().max() < 0.001
        assert board["volume"].null_count() == board.height  # shares are v2's
        assert board["rank"].to_list() == list(range(1, board.height + 1))
        assert set(board["version"]) == {"v1"}


def test_an_empty_board_is_a_whole_one(home):
    home.fetch(mode="leaderboard")
    empty = {one.name for one in BOARDS if one.category == "MENTIONS"}
    subjects = home.walks("subject", "leaderboard")
    assert {s["key"] for s in subjects if s["outcome"] == "end"} >= empty
    assert home.rows("leaderboard").filter(category="MENTIONS").is_empty()


@pytest.mark.parametrize("status", [404, 410])
def test_a_route_that_is_gone_is_one_failure(tmp_path, status):
    folder = tmp_path / "payloads"
    folder.mkdir()
    (folder / "gone").write_text('{"error": "not found", "code": "not_found"}')
    (folder / "routes.toml").write_text(
        f'[[route]]\npath = "/data/v2/leaderboard"\nfile = "gone"\nstatus = {status}\n'
    )
    with home_beside(tmp_path / "home", size="tiny", payloads=folder) as home:
        summary = home.fetch(mode="leaderboard")
        assert [f"answered {status}" in one.why for one in summary.failures] == [True]


def test_a_plan_and_the_status_name_what_is_asked_about_markets(home):
    home.fetch(mode="markets")
    home.fetch(mode="resolutions")
    config = home.folder / "config.toml"

    def planned(*options: str) -> dict[str, int]:
        told = CliRunner().invoke(
            fetch, [*options, "plan", "--config", str(config), "--json"]
        )
        parts = json.loads(told.stdout)["datasets"]
        return {part["dataset"]: part["requests"] for part in parts}

    assert planned("--mode", "leaderboard") == {"leaderboard": 88}
    assert set(planned("--mode", "resolutions")) == {"resolutions"}
    assert set(planned("--mode", "trades")) == {"trades", "taker_trades"}
    assert {"trades", "resolutions", "open_interest", "leaderboard"} <= set(planned())
    assert planned()["leaderboard"] == 88
    home.fetch(mode="leaderboard")
    text = config.read_text()
    config.write_text(f"{text}\n[leaderboard]\ninterval_minutes = 1e9\n")
    assert planned()["leaderboard"] == 0, "they were taken lately enough"
    assert planned("--mode", "leaderboard")["leaderboard"] == 88
    told = CliRunner().invoke(fetch, ["status", "--config", str(config), "--json"])
    known = json.loads(told.stdout)["datasets"]["resolutions"]
    assert 0 < known["markets_walked"] < known["markets_known"]
