"""Price feeds against the sandbox: every tick once, and silence is noticed."""

from __future__ import annotations

import polars as pl

from tests.live.live_rig import Home, soon


def connected(box, channel: str) -> list[dict]:
    return [
        one
        for one in box.live()["connections"]
        if one["channel"] == channel and not one["gone"]
    ]


def ticks(home: Home) -> int:
    health = home.ask("health")
    return sum(health["crypto_ticks"].values()) if health else 0


def test_each_tick_of_each_feed_is_held_with_all_its_digits(box, tmp_path):
    home = Home(tmp_path, box)
    with home.capturing(only=("crypto",)):
        soon(lambda: len(connected(box, "rtds")) == 3 and connected(box, "coinbase"))
        soon(lambda: all(one["messages"] for one in connected(box, "rtds")))
        box.advance(30)
        told = box.sent().filter(
            pl.col("channel").is_in(["rtds", "coinbase"])
            & pl.col("price").is_not_null()
            & pl.col("withheld").is_null()
        )
        soon(lambda: ticks(home) == told.height, what=f"{told.height} ticks")
        prices = {(one["source"], one["symbol"]) for one in home.ask("prices")}
    held = home.rows("crypto_prices")
    assert set(held["source"]) == {"coinbase", "chainlink", "chainlink_twap", "binance"}
    assert prices == set(held.select("source", "symbol").rows())
    updates = held.filter(pl.col("message_type") == "update")
    ours = updates.select(
        "symbol", pl.col("exchange_at_us") // 1_000, pl.col("price").round(6)
    )
    said = told.filter(~pl.col("event_type").str.ends_with("subscribe"))
    theirs = said.select("token_id", "at_ms", pl.col("price").round(6))
    assert sorted(ours.rows()) == sorted(theirs.rows())
    spot = held.filter(pl.col("source") == "chainlink")
    assert set(spot["message_type"]) == {"snapshot", "update"}
    chainlink = updates.filter(pl.col("source") == "chainlink")["price_text"]
    assert chainlink.str.len_chars().max() > 12


def test_a_refused_feed_is_recorded_and_the_others_go_on(box, tmp_path):
    home = Home(tmp_path, box)
    box.live("refuse", seconds=600, channel="coinbase")
    with home.capturing(only=("crypto",)):
        soon(lambda: len(connected(box, "rtds")) == 3)
        soon(lambda: ticks(home) > 0)
        soon(lambda: home.ask("health")["errors"].get("coinbase"))
    errors = home.rows("service_errors")
    assert errors.select("service", "error_type").unique().rows() == [
        ("coinbase", "refused")
    ]
    assert "coinbase" not in set(home.rows("crypto_prices")["source"])


def test_wrong_credentials_are_named_without_being_shown(box, tmp_path, monkeypatch):
    for name in ("KEY", "SECRET", "PASSPHRASE"):
        monkeypatch.setenv(f"POLYLAKE_POLYBOLT_{name}", "hush-hush")
    home = Home(tmp_path, box)
    with home.capturing(only=("crypto",)):
        soon(
            lambda: home.ask("health") and home.ask("health")["errors"].get("polybolt")
        )
    [why] = (
        home.rows("service_errors")
        .filter(pl.col("service") == "polybolt")["details"]
        .unique()
    )
    assert "4001" in why or "auth" in why
    everything = "".join(home.rows("service_errors")["details"])
    assert "hush-hush" not in everything
