"""Captured price histories of the real service go the whole road."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
import real_payloads as real
from user_home import Home

from sandbox.testing import sandbox_server

MINUTES = f"{real.BORAT}/clob_prices_history_1d.json.gz"
FIVE_MINUTES = f"{real.BORAT}/clob_prices_history_1w_fidelity5.json.gz"
HOURS = "bailey-arm__polypheme/prices.parquet"
EMPTY = "tvdyb__polymarket-scheduled-event-pipieline/histories.json.gz"
DAY = 86_400


def fetched(tmp_path, histories, fidelity: int):
    """A warehouse of markets made for these histories: two tokens each, in pairs."""
    tokens = list(histories)
    points = [point["t"] for some in histories.values() for point in some]
    first, last = min(points, default=1_700_000_000), max(points, default=1_700_000_000)
    markets = [
        {
            "id": str(1000 + number),
            "conditionId": real.placeholder("condition", token),
            "slug": f"captured-{number}",
            "question": f"Captured {number}?",
            "outcomes": '["Yes", "No"]',
            "clobTokenIds": f'["{token}", "{real.placeholder_token(token)}"]',
            "closed": False,
            "active": True,
            "startDate": stamp(first - DAY),
            "createdAt": stamp(first - DAY),
            "endDate": stamp(last + 30 * DAY),
        }
        for number, token in enumerate(tokens)
    ]
    folder = real.Folder(tmp_path / "payloads").catalogue(markets)
    captured = {"fidelity": fidelity, "history": histories}
    folder.route("/clob/batch-prices-history", captured, wrap="histories")
    folder.route("/clob/markets", [], wrap="clob")
    more = f"[prices]\nfidelity_minutes = {fidelity}\nmirror_sample = 0\n"
    more += "[workers]\nmarkets = 1\nevents = 1\n"
    with sandbox_server(
        payloads=folder.path, size="tiny", pace=100.0, cdn=False, now=last + 600
    ) as box:
        user = Home(tmp_path, box, more)
        user.fetch("--mode", "markets")
        summary = user.fetch("--mode", "prices")
        assert (summary["exit_code"], summary["failures"]) == (0, [])
        user.ingest()
    return user


def stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_gold(user, *, is_mirrored: bool = False) -> set[tuple[str, int, int, float]]:
    """The runs: token, first and last second, price."""
    rows = user.ask(
        "select token_id, epoch(observed_at)::bigint, epoch(observed_until)::bigint,"
        f" price from gold.prices where is_mirrored = {is_mirrored}"
    )
    return set(rows.iter_rows())


def runs(token, points, step: int) -> set[tuple[str, int, int, float]]:
    """The runs that captured points make."""
    found: list[list] = []
    for point in sorted(points, key=lambda one: one["t"]):
        t, price = point["t"], point["p"]
        if found and found[-1][2] == price:
            now, before = t // step, found[-1][1] // step
            if now - before <= 1 and now // 1024 == before // 1024:
                found[-1][1] = t
                continue
        found.append([t, t, price])
    return {(token, *run) for run in found}


@pytest.mark.parametrize(("name", "fidelity"), [(MINUTES, 1), (FIVE_MINUTES, 5)])
def test_captured_points_are_there_once_each_with_their_prices(
    tmp_path, name, fidelity
):
    token = real.placeholder_token(name)
    served = real.value_of(name)["history"]
    assert len(served) > 1_400
    user = fetched(tmp_path, {token: served}, fidelity)
    expected = runs(token, served, 60 * fidelity)
    assert in_gold(user) == expected
    assert len(expected) < len(served) / 6
    mirrored = in_gold(user, is_mirrored=True)
    other = real.placeholder_token(token)
    assert mirrored == {(other, *run[1:3], round(1 - run[3], 9)) for run in expected}
    steps = user.ask(
        "select distinct resolution_seconds, is_empty, fidelity_obtained_minutes"
        " from gold.prices, silver.PriceWindowFact where points > 100"
    )
    assert steps.rows() == [(60 * fidelity, False, fidelity)]


def test_a_month_of_captured_hours_of_many_tokens_is_there(tmp_path):
    rows = pl.read_parquet(real.path_of(HOURS)).with_columns(
        pl.col("timestamp").dt.epoch("s").alias("t")
    )
    tokens = rows["token_id"].unique().sort()[:25]  # more than fit into a question
    rows = rows.filter(pl.col("token_id").is_in(tokens.implode()))
    histories = {
        token: [{"t": t, "p": p} for t, p in part.select("t", "price").iter_rows()]
        for (token,), part in rows.partition_by("token_id", as_dict=True).items()
    }
    user = fetched(tmp_path, histories, 60)
    expected = set().union(*(runs(t, some, 3600) for t, some in histories.items()))
    assert in_gold(user) == expected


def test_captured_histories_without_a_point_are_recorded_and_nothing_is_invented(
    tmp_path,
):
    histories = real.value_of(EMPTY)
    assert len(histories) == 185
    assert not any(histories.values())
    user = fetched(tmp_path, histories, 1)
    assert in_gold(user) == set()
    asked = user.ask(
        "select count(distinct token_key) as tokens, bool_and(is_empty) as all_empty,"
        " count(distinct fidelity_asked_minutes) as fidelities"
        " from silver.PriceWindowFact"
    )
    assert asked.rows() == [(185, True, 5)]
    assert user.run("warehouse", "check", "midpoints_are_dollars_a_share")
