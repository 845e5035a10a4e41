"""P&L as gold tells it is what the exchange's own ledger says."""

from __future__ import annotations

import duckdb

from benchmarks.prove_pnl import compared, proven


def test_every_traders_pnl_is_that_of_the_ledger(home, tmp_path):
    with home(size="tiny", fills=3_000) as user:
        user.fetch()
        user.ingest()
        ledger = tmp_path / "ledger.parquet"
        user.box.truth()["ledger"].write_parquet(ledger)
        path = user.folder / "data" / "warehouse.duckdb"
        with duckdb.connect(str(path), read_only=True) as db:
            found = compared(db, ledger)
    assert proven(found), found
    assert found["traders_compared"] > 40
    assert found["flagged_share"] < 0.7
    assert found["fees_usd"] > 1
    assert found["with_assumed_splits"] > 50
