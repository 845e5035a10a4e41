"""Books that were asked for, and what PONGs prove: nothing."""

from __future__ import annotations

from fetcher.live.book_answers import served
from fetcher.live.clock import Reception
from fetcher.live.failures import Failures
from fetcher.live.hot_books import HotBooks
from fetcher.live.inbox import Inbox
from fetcher.live.reading import Note
from fetcher.live.session import Wire
from fetcher.live.shard import Ears, Line, Shard
from sandbox.testing import sandbox_server
from tests.live.live_rig import (
    Home,
    some_tokens,
    soon,
)

BOOK = {
    "market": "0xdd",
    "asset_id": "71321",
    "bids": [{"price": "0.48", "size": "30"}, {"price": "0.49", "size": "20"}],
    "asks": [{"price": "0.53", "size": "25"}],
    "timestamp": "1703875200000",
    "hash": "0xb",
}


def test_a_book_of_an_answer_is_its_levels_and_what_is_none_is_left():
    one = served(BOOK, 7)
    assert one.levels == {("BUY", 0.48): 30, ("BUY", 0.49): 20, ("SELL", 0.53): 25}
    assert not one.is_ghost
    assert served({"error": "no"}, 7) is None
    assert served(BOOK | {"bids": [{"price": "much", "size": "1"}]}, 7) is None


def test_a_ghost_book_is_no_difference():
    ghost = {"bids": [{"price": "0.01", "size": "9"}]}
    ghost["asks"] = [{"price": "0.99", "size": "9"}]
    assert served(BOOK | ghost, 7).is_ghost


def test_books_are_told_apart_by_their_token_and_never_by_place(tmp_path):
    with sandbox_server() as box:
        home = Home(tmp_path, box, {"resync_seconds": 0.3})
        [*tokens] = some_tokens(box, 4)
        absent = "7" * 77  # the service leaves it out of its answer, in silence
        wanted = (tokens[0], absent, *tokens[1:])
        with home.capturing(only=("books",), tokens=wanted):
            soon(
                lambda: (
                    (health := home.ask("health"))
                    and health["books_compared"] >= 2 * len(tokens)
                )
            )
            assert home.ask("health")["books_differed"] == 0
        errors = home.rows("service_errors")
        assert set(errors["error_type"]) == {"unknown_token", "no_book"}
        assert errors["details"].str.contains(absent).all()


def test_a_pong_is_no_message_and_proves_nothing():
    clock, inbox, books = Reception(), Inbox(1_000), HotBooks()
    failures = Failures("run", lambda name, rows: None, clock.now)
    wire = Wire("books", "ws://x", "PING", 10, 30, 5, 60, 1, "polylake", "apis.x")
    ears = Ears(wire, clock, inbox, books, failures, overflowed=lambda: None)
    shard = Shard(0, ears, connections=1)
    stretch = shard.begin()
    line = Line(shard, 0, ears)
    well = stretch.well_at_ns
    line.heard(b"PONG", clock.stamp())
    assert stretch.well_at_ns == well
    assert stretch.answered_at_ns > well
    assert stretch.frames == 0
    assert all(isinstance(item, Note) for item in inbox.take(0))
