"""Captured endings and a captured board go the whole road, and stay what they are."""

from __future__ import annotations

import json

import pytest
import real_payloads as real
from user_home import Home

from sandbox.testing import sandbox_server

LAB = "bobaoxu2001__prediction-market-value-lab/snapshot"
CLOB_PAGE = f"{real.BORAT}/clob_markets_page1.json.gz"
BOARD = "edulabrador__polymarket-smart-money/leaderboard.json.gz"
SANDBOX = {"size": "tiny", "pace": 100.0, "cdn": False}
PAYS = {"yes": [1.0, 0.0], "no": [0.0, 1.0], "fifty_fifty": [0.5, 0.5]}


def settlements() -> list[dict]:
    """Captured settlements with the market that each is of."""
    listed = {
        row["platform_market_id"]: row
        for row in real.table_of(f"{LAB}/markets.csv.gz")
        if row["platform"] == "polymarket" and row["condition_id"]
    }
    return [
        row | listed[row["platform_market_id"]] | {"result": row["result"]}
        for row in real.table_of(f"{LAB}/settlements.csv.gz")
        if row["platform"] == "polymarket" and row["platform_market_id"] in listed
    ]


def as_gamma(row: dict) -> dict:
    """A captured market in Gamma's words; of its prices nothing was captured."""
    return {
        "id": row["platform_market_id"],
        "question": row["title"],
        "conditionId": row["condition_id"],
        "slug": f"market-{row['platform_market_id']}",
        "outcomes": row["outcomes"],
        "clobTokenIds": json.dumps([row["yes_token_id"], row["no_token_id"]]),
        "closed": True,
        "startDate": "2026-07-01T00:00:00Z",
        "createdAt": "2026-07-01T00:00:00Z",
        "endDate": "2026-07-31T00:00:00Z",
    }


def as_resolution(row: dict) -> dict:
    """A captured settlement as /v2/resolutions would tell it."""
    return {
        "condition_id": row["condition_id"],
        "status": "resolved",
        "was_disputed": row["disputed"] == "1",
        "payouts": [round(part * 1e6) for part in PAYS[row["result"]]],
        "last_update_timestamp": row["settled_at"][:19].replace(" ", "T") + "Z",
        "resolved_at": row["settled_at"][:19].replace(" ", "T") + "Z",
        "extended_review": False,
        "new_version_q": False,
        "transaction_hash": "",
        "log_index": "",
    }


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    """A user who has fetched captured settlements and the order book's first page."""
    settled = settlements()
    folder = real.Folder(tmp_path_factory.mktemp("payloads"))
    folder.catalogue([as_gamma(row) for row in settled])
    folder.route("/clob/markets", real.clob_page(CLOB_PAGE), wrap="clob")
    folder.route(
        "/data/v2/resolutions",
        [as_resolution(row) for row in settled],
        wrap="v2",
        match={"condition": "condition_id"},
    )
    with sandbox_server(payloads=folder.path, **SANDBOX) as box:
        user = Home(tmp_path_factory.mktemp("home"), box, "[workers]\nmarkets = 1\n")
        user.fetch("--mode", "markets")
        user.fetch("--mode", "resolutions")
        user.ingest()
        yield user


def test_every_captured_settlement_pays_what_it_paid_halves_too(endings):
    settled = {row["condition_id"].lower(): row["result"] for row in settlements()}
    assert sum(result == "fifty_fifty" for result in settled.values()) >= 3
    rows = endings.ask("from gold.market_resolutions where source = 'resolutions'")
    told = {row["condition_id"]: row for row in rows.to_dicts()}
    assert set(told) == set(settled)
    for condition, result in settled.items():
        row = told[condition]
        assert row["payouts"] == PAYS[result]
        assert row["is_split"] == (result == "fifty_fifty")
        assert row["winning_outcome_index"] == {"yes": 0, "no": 1}.get(result)


def test_every_captured_flag_of_the_order_book_is_a_winner_or_a_split(endings):
    said = {}
    for row in real.clob_page(CLOB_PAGE):
        won = [token["outcome"] for token in row["tokens"] if token["winner"]]
        if row["condition_id"] and row["closed"] and (won or row["is_50_50_outcome"]):
            said[row["condition_id"].lower()] = (won[0] if won else None, not won)
    rows = endings.ask(
        "select condition_id, winning_outcome, is_split from gold.market_resolutions"
        " where clob_payouts is not null"
    )
    told = {condition: tuple(rest) for condition, *rest in rows.iter_rows()}
    assert len(said) > 500
    assert told == said


def test_a_captured_board_is_shown_with_its_ranks_and_dollars(tmp_path):
    rows = json.loads(real.text_of(BOARD))
    folder = real.Folder(tmp_path / "payloads")
    asked = {"timePeriod": "MONTH", "category": "OVERALL", "orderBy": "PNL"}
    folder.route("/data/v1/leaderboard", rows, query={**asked, "offset": "0"})
    folder.route("/data/v1/leaderboard", [])
    with sandbox_server(payloads=folder.path, **SANDBOX) as box:
        user = Home(tmp_path, box)
        config = user.config.read_text()
        user.config.write_text(
            config.replace("[apis.data]", '[apis.data]\nversion = "v1"')
        )
        user.fetch("--mode", "leaderboard")
        user.ingest()
        board = user.ask("from gold.leaderboard_latest order by board_rank").to_dicts()
    assert len(board) == len(rows) == 50
    for row, said in zip(board, rows, strict=True):
        assert row["time_period"] == "month"
        assert row["board_rank"] == int(said["rank"])
        assert row["proxy_wallet"] == said["proxyWallet"].lower()
        assert (row["pnl_usd"], row["volume_usd"]) == (said["pnl"], said["vol"])
        assert row["volume_shares"] is None
