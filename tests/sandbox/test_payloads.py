"""Captured answers are served as they were, or paged as the service would."""

import gzip
import json

import pytest

from sandbox.payloads import listed


@pytest.fixture
def folder(tmp_path):
    rows = [{"id": str(number), "closed": True} for number in range(25)]
    gamma = tmp_path / "gamma"
    gamma.mkdir()
    (gamma / "tags.json").write_text('[{"id":"captured"}]')
    (tmp_path / "markets.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    trade = {"proxyWallet": "0xa", "asset": "1", "conditionId": "0xc", "price": 0.5}
    trades = [trade | {"conditionId": f"0x{i % 2}"} for i in range(7)]
    (tmp_path / "trades.json").write_text(json.dumps(trades))
    (tmp_path / "routes.toml").write_text(
        """
        [[route]]
        path = "/gamma/markets/keyset"
        query = { closed = "true" }
        file = "markets.json.gz"
        wrap = "gamma-markets"

        [[route]]
        path = "/data/v2/trades"
        file = "trades.json"
        wrap = "v2"
        match = { condition = "condition_id" }

        [[route]]
        path = "/clob/markets/0x.*"
        file = "trades.json"
        status = 404
        """
    )
    return tmp_path


def test_a_file_answers_the_route_of_its_place(start, folder):
    asker = start(size="tiny", payloads=folder)
    assert asker.json("/gamma/tags") == [{"id": "captured"}]


def test_rows_of_a_file_are_paged_with_cursors(start, folder):
    asker = start(size="tiny", payloads=folder)
    walked = asker.markets(closed="true", limit=10)
    assert [row["id"] for row in walked] == [str(number) for number in range(25)]


def test_other_questions_still_reach_the_universe(start, folder):
    asker = start(size="tiny", payloads=folder)
    assert "question" in asker.markets()[0]


def test_v1_rows_are_served_under_v2_names_and_selected_by_parameter(start, folder):
    asker = start(size="tiny", payloads=folder)
    rows = asker.trades(limit=3)
    assert len(rows) == 7
    assert set(rows[0]) == {"proxy_wallet", "token_id", "condition_id", "price"}
    assert len(asker.trades(condition="0x1")) == 3


def test_a_status_goes_with_a_file(start, folder):
    asker = start(size="tiny", payloads=folder)
    assert asker.get("/clob/markets/0xabc").status_code == 404


def test_a_missing_file_is_named(tmp_path):
    (tmp_path / "routes.toml").write_text('[[route]]\npath="/x"\nfile="no.json"\n')
    with pytest.raises(ValueError, match=r"no\.json"):
        listed(tmp_path)
