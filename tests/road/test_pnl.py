"""P&L as gold tells it is what the exchange's own ledger says."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from benchmarks.prove_pnl import compared, proven


def test_pnl_of_every_trader_and_of_walked_wallets_is_that_of_the_ledger(
    home, tmp_path
):
    with home(size="tiny", fills=3_000, lag_seconds=0) as user:
        truth = user.box.truth()["ledger"]
        wallets = truth.group_by("proxy_wallet").len().sort("len")["proxy_wallet"][-2:]
        named = [word for wallet in wallets for word in ("--wallet", wallet)]
        user.fetch()
        user.fetch("--mode", "activity", *named)
        user.ingest()
        for name, frame in user.box.truth().items():
            frame.write_parquet(tmp_path / f"{name}.parquet")
        path = user.folder / "data" / "warehouse.duckdb"
        with duckdb.connect(str(path), read_only=True) as db:
            found = compared(db, tmp_path)
        ours = user.ask("select * from gold.wallet_pnl")
        check = user.ask("select * from gold.wallet_pnl_check")
    assert proven(found), found
    assert found["traders_compared"] > 40
    assert found["not_shown_share"] < 0.3
    assert found["fees_usd"] > 1
    assert found["with_assumed_splits"] > 50

    theirs = truth.group_by("proxy_wallet", "condition_id").agg(
        pl.col("pnl_usdc").sum()
    )
    both = ours.join(theirs, on=["proxy_wallet", "condition_id"], how="left")
    exact = both.filter("is_exact")
    assert exact.height > both.height / 2
    assert exact["pnl_usd"].to_list() == pytest.approx(exact["pnl_usdc"], abs=1e-6)
    rest = both.filter(~pl.col("is_exact"))
    assert set(rest["inexact_reason"]) <= {"fills_not_served", "negative_shares"}
    assert check.height == 2
    missing = (rest["pnl_usd"] - rest["pnl_usdc"]).abs().sum()
    assert (check["position_difference_usd"].abs() <= missing + 0.01).all()
