"""Prices from the exchange to gold, by the commands a user types."""

from __future__ import annotations

import subprocess

import polars as pl

from sandbox.history import clob_points

FIDELITY = 15
DAY = 86_400
MORE = f"""
[prices]
fidelity_minutes = {FIDELITY}
history_days = 4
mirror_sample = 5
"""
GOLD = """
    select token_id, epoch(observed_at)::bigint as t,
        epoch(observed_until)::bigint as until, resolution_seconds, price, is_mirrored
    from gold.prices order by all
"""


def served(box, begin: int) -> set[tuple[str, int, float]]:
    """What the exchange has of every first token since then, at the finest."""

    def ask(service):
        world, found = service.world, set()
        for market in world.listed:
            if market.kind != "amm" and not market.hidden:
                token = market.tokens[0]
                points = clob_points(world, token, begin, world.now, None, FIDELITY)
                found |= {(token, t, p) for t, p in points}
        return found

    return box.call(ask)


def test_killed_runs_and_late_ones_end_with_what_one_run_would_hold(home):
    with home(size="tiny", age_days=150.0, latency_ms=15, more=MORE) as user:
        user.fetch("--mode", "markets")
        for patience in (1.5, 2.5):
            run = subprocess.Popen(
                user.command("fetch", "--mode", "prices"), stderr=subprocess.DEVNULL
            )
            try:
                run.wait(timeout=patience)
            except subprocess.TimeoutExpired:
                run.kill()
            run.wait()
        user.fetch("--mode", "prices")
        user.ingest()
        user.box.advance(DAY // 2)
        user.fetch("--mode", "markets")
        user.fetch("--mode", "prices", "--full")
        user.ingest()
        gold = user.ask(GOLD)
        own = gold.filter(~pl.col("is_mirrored"))
        final = user.box.now() - 90 - 60 * FIDELITY
        begin = user.box.now() - 3 * DAY
        wanted = [one for one in served(user.box, begin) if one[1] < final]
        points = pl.DataFrame(wanted, ["token_id", "moment", "served"], orient="row")
        held = points.sort("moment").join_asof(
            own.sort("t"), left_on="moment", right_on="t", by="token_id"
        )
        assert held.filter(pl.col("moment") <= pl.col("until")).height == len(wanted)
        assert (held["price"] == held["served"]).all()
        assert own.height < len(wanted)
        assert own.select("token_id", "t", "resolution_seconds").is_unique().all()
        sides = gold.group_by("t", "resolution_seconds").agg(pl.col("price").len())
        assert sides["price"].max() > 1
        user.ingest("--rebuild")
        assert user.ask(GOLD).equals(gold)
        assert user.run("warehouse", "check", "unique_prices")["broken"] == []
