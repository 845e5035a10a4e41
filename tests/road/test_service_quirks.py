"""Quirks of the services that only the whole road shows, end to end."""

from __future__ import annotations

import polars as pl
import pytest
from user_home import Home, same

from sandbox.testing import sandbox_server


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """A user who has fetched a small exchange, some fills of which are dust."""
    with sandbox_server(size="tiny", age_days=15.0, fills=6_000, pace=100.0) as box:
        user = Home(tmp_path_factory.mktemp("home"), box)
        user.fetch()
        user.ingest()
        yield user


def test_fills_below_the_floor_are_not_there_and_their_markets_say_so(user):
    # quirk 6
    fills = user.box.truth()["fills"]
    dust = fills.filter(pl.col("reason") == "dust_floor")
    assert dust.height > 3
    assert dust["size"].max() < 0.01
    assert same(user.held(), user.servable())
    assert user.held()["size"].min() >= 0.01
    reasons = fills.group_by("condition_id").agg(pl.col("reason").unique())
    only_dust = reasons.filter(
        pl.col("reason").list.contains("dust_floor")
        & pl.col("reason").list.set_difference(["", "dust_floor"]).list.len().eq(0)
    )
    assert not only_dust.is_empty()
    judged = user.ask(
        "select condition_id, status, reason from gold.market_completeness"
    )
    said = only_dust.select("condition_id").join(judged, on="condition_id", how="left")
    assert set(said.select("status", "reason").rows()) == {("partial", "dust_floor")}


def test_gamma_is_asked_by_cursor_and_never_by_offset(user):
    # quirk 19: deep offsets are refused, and the offset listings are to end
    asked = set(user.box.requests()["routes"])
    assert {"GET /gamma/markets/keyset", "GET /gamma/events/keyset"} <= asked
    assert not asked & {"GET /gamma/markets", "GET /gamma/events"}
    for dataset in ("markets", "events"):
        files = (user.folder / "data" / "walks").glob("dt=*/*.parquet")
        rows = pl.read_parquet(list(files), hive_partitioning=False)
        requests = rows.filter(dataset=dataset, kind="page")["request"].to_list()
        assert requests
        assert not [request for request in requests if "offset=" in request]
