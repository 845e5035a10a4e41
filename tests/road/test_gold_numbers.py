"""Candles, concentration and calibration are what polars makes of the same fills."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest
from user_home import Home

from benchmarks.prove_gold import MODES, compared, proven
from sandbox.testing import sandbox_server


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A fetched and ingested lake, and what the sandbox itself holds."""
    with sandbox_server(size="tiny", fills=3_000, pace=100.0) as box:
        user = Home(tmp_path_factory.mktemp("home"), box)
        for mode in MODES:
            user.fetch("--mode", mode)
        user.ingest()
        path = user.folder / "data" / "warehouse.duckdb"
        with duckdb.connect(str(path), read_only=True) as db:
            yield db, box.truth()


def test_every_market_has_the_numbers_that_polars_finds(lake):
    found = compared(*lake)
    assert proven(found), found
    assert found["markets_traded"] > 10
    assert found["ohlc_5m"]["rows"] > 500
    assert found["calibration"]["rows"] > 20


def test_what_the_service_does_not_show_is_flagged_and_rare(lake):
    flagged = compared(*lake)["flagged"]
    assert flagged["matches_of_unknown_taker"] == 0  # the taker walk names them all
    assert flagged["forecasts_left_out"] == 0
    assert flagged["closed_markets_of_unsure_end"] < flagged["of_closed_markets"] / 4


def test_a_fill_more_would_be_noticed(lake):
    db, truth = lake
    fills = truth["fills"]
    one = fills.filter(pl.col("servable") & pl.col("is_taker")).head(1)
    doubled = {**truth, "fills": pl.concat([fills, one])}
    assert not proven(compared(db, doubled))
