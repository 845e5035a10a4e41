"""How markets ended, from the exchange to gold, against the sandbox's own truth."""

from __future__ import annotations

import pytest


def test_every_ending_is_that_of_the_exchange_and_its_sources_agree(home):
    with home(size="tiny", cdn=False) as user:
        user.fetch("--mode", "markets")
        for mode in ("resolutions", "open-interest", "leaderboard"):
            assert user.fetch("--mode", mode)["failures"] == []
        user.ingest()
        true = {
            row["condition_id"]: row for row in user.box.truth()["markets"].to_dicts()
        }
        ended = user.ask("from gold.market_resolutions").to_dicts()
    assert {row["condition_id"] for row in ended} == {
        condition
        for condition, row in true.items()
        if row["closed"] and not row["combo"]
    }
    known = [row for row in ended if row["payouts"] is not None]
    assert len(known) > len(ended) / 2
    for row in known:
        paid = true[row["condition_id"]]["payouts"]
        assert row["payouts"] == pytest.approx(paid, abs=1e-6)
        assert row["is_split"] == (1.0 not in paid)
        assert row["sources_agree"] in (True, None)
    assert {
        true[row["condition_id"]]["kind"] for row in ended if not row["payouts"]
    } <= {
        "amm"  # no route tells how the oldest ended
    }
