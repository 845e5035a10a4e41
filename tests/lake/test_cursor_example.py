"""The example of a cursor file is one that a run would resume from."""

from __future__ import annotations

import shutil
from pathlib import Path

from fetcher.polymarket.chain import Chain
from fetcher.polymarket.feed import Feed
from lake.cursor import CursorFile

EXAMPLE = Path(__file__).parents[2] / "cursor.json.example"


def test_the_example_opens_without_a_problem_and_is_saved_as_it_is(tmp_path):
    path = tmp_path / "cursor.json"
    shutil.copy(EXAMPLE, path)
    with CursorFile.open(path) as cursor:
        assert cursor.problems == []
        cursor.save()
    assert path.read_text() == EXAMPLE.read_text()


def test_the_example_shows_an_unfinished_market_walk_and_a_feed_interval(tmp_path):
    path = tmp_path / "cursor.json"
    shutil.copy(EXAMPLE, path)
    with CursorFile.open(path) as cursor:
        chains = [Chain.load(key, saved) for key, saved in cursor.walks.items()]
        feed = Feed.load(cursor.values["feed"])
    assert [chain.strategy for chain in chains] == ["market", "feed"]
    assert [chain.saved() for chain in chains] == list(cursor.walks.values())
    assert feed.saved() == cursor.values["feed"]
    assert feed.intervals[0].walk_id == chains[1].walk_id
