"""What the cursor kept comes back as it was, and nothing else is taken for it."""

from __future__ import annotations

import json

import pytest
from trades_rig import home_beside

from fetcher.polymarket.chain import Chain, is_unreadable, new_chain
from fetcher.polymarket.feed import Feed, Interval
from fetcher.polymarket.full_pass import Pass
from fetcher.polymarket.slices import Slice
from fetcher.saved import fits, restored


def as_saved(value):
    return json.loads(json.dumps(value))


def test_what_was_saved_is_restored():
    one = Slice(low=5, cursor="abc", reached=7)
    assert restored(Slice, as_saved(vars(one))).__dict__ == vars(one)
    begun = Pass("p1", 12.5, ["markets"], begun=["markets/open"])
    assert restored(Pass, as_saved(begun.state())) == begun
    feed = Feed(1, 9, (Interval(9, 5, 1, None),), ("trace", 4))
    assert fits(Feed, as_saved(feed.saved()))
    chain = new_chain("trades", "market", {"condition": "0xa"}, ("0xa",), now=1.0)
    assert not is_unreadable(as_saved(chain.saved()))
    assert Chain.load(chain.walk_id, as_saved(chain.saved())) == chain


@pytest.mark.parametrize(
    "saved",
    [
        None,
        "nonsense",
        [],
        {},
        {"kind": "sideways"},
        {"low": "5"},
        {"low": True},
        {"page_no": 1.5},
        {"started_at": "noon"},
        {"of_another_version": 1},
    ],
)
def test_what_does_not_fit_is_none_of_ours(saved):
    whole = {**vars(Slice()), **saved} if isinstance(saved, dict) and saved else saved
    expected = Slice() if saved == {} else None
    found = restored(Slice, whole)
    assert (found is None) == (expected is None)


def test_a_foreign_cursor_is_reported_and_costs_no_row(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("os.fsync", lambda handle: None)
    with home_beside(tmp_path, size="tiny") as home:
        home.fetch()
        path = tmp_path / "cursor.json"
        cursor = json.loads(path.read_text("utf-8"))
        cursor["walks"] |= {"l1": "nonsense", "m2": {"dataset": "trades"}}
        cursor["values"] |= {
            "markets_open": "nonsense",
            "events_settled": {"at": "noon"},
            "full_pass": {"id": 5},
            "trades_planned": [],
            "trades_named_since": "long ago",
        }
        path.write_text(json.dumps(cursor))
        home.box.advance(36_000)
        summary = home.fetch()
        assert summary.failures == []
        assert home.missing().is_empty()
        assert home.cursor().walks == {}
    for name in ("walk l1", "walk m2", "markets_open", "events_settled", "full pass"):
        assert f"{name} is unreadable" in caplog.text
