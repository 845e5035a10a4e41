"""Against the sandbox: every market and event it has, and only news afterwards."""

from __future__ import annotations

import time

import pytest
from catalogue_rig import Rig

from fetcher import clients
from fetcher.polymarket.events import fetch_events
from fetcher.polymarket.markets import fetch_markets
from sandbox.testing import sandbox_server
from settings.reading import load


@pytest.fixture
def box():
    with sandbox_server(size="small") as box:
        yield box


def test_hidden_and_closed_markets_too_are_stored_and_later_runs_ask_for_news_only(
    box, tmp_path
):
    config = tmp_path / "config.toml"
    config.write_text(box.toml() + '\n[paths]\nruntime = "limits"\n')
    rig = Rig(tmp_path / "lake")

    def run() -> int:
        box.forget_requests()
        with (
            clients.opened(
                load(config), shards=1, on_request=lambda again: None, sleep=time.sleep
            ) as talk,
            rig.run(talk.gamma, talk.clob, clock=box.now) as one,
        ):
            fetch_markets(one)
            fetch_events(one)
        assert one.tally.failures() == []
        return sum(box.requests()["routes"].values())

    def missing(dataset: str) -> set[str]:
        truth = box.truth()[dataset]
        return set(truth["id"].drop_nulls().cast(str)) - set(rig.latest(dataset))

    first = run()
    assert missing("markets") == set()
    assert missing("events") == set()
    again = run()
    assert again <= 10 < first
    box.advance(3_600)
    later = run()
    assert missing("markets") == set()
    assert later <= 20
    closed = box.truth()["markets"].filter("closed", hidden=False)["id"].drop_nulls()
    latest = rig.latest("markets")
    assert all(latest[number]["closed"] for number in closed.cast(str))
