"""Order books against the sandbox: what was sent is held, and what was not is known."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks.live_rig import missing
from tests.live.live_rig import (
    Home,
    all_read,
    connections,
    held,
    listening,
    sent,
    some_tokens,
    soon,
)


def test_every_message_is_held_exactly_once(box, tmp_path):
    home = Home(tmp_path, box)
    tokens = some_tokens(box, 12)
    with home.capturing(only=("books",), tokens=tokens) as running:
        soon(lambda: home.ask("health") and listening(box, len(tokens)))
        box.advance(240)
        soon(lambda: all_read(box, home))
    assert running.result.exit_code == 0
    assert held(home).height > 500
    assert missing(sent(box), held(home)).is_empty()
    assert missing(held(home), sent(box)).is_empty()
    events = home.rows("book_events").sort("event_no", "row_no")
    assert events["received_at_ns"].is_sorted()
    assert events["walk_id"].n_unique() == 1


def test_a_cut_is_a_failure_and_begins_a_new_stretch(box, tmp_path):
    home = Home(tmp_path, box)
    tokens = some_tokens(box, 6)
    with home.capturing(only=("books",), tokens=tokens):
        soon(lambda: home.ask("health") and listening(box, len(tokens)))
        box.advance(60)
        soon(lambda: all_read(box, home))
        box.live("cut")
        soon(lambda: box.live()["opened"] == 2 and listening(box, len(tokens)))
        box.advance(60)
        soon(lambda: all_read(box, home))
    assert missing(sent(box), held(home)).is_empty()
    assert missing(held(home), sent(box)).is_empty()
    coverage = home.rows("book_coverage")
    broken = coverage.filter(pl.col("state") == "broken")
    assert broken.select("token_id", "reason").rows() == [(None, "disconnected")]
    assert coverage.filter(pl.col("state") == "subscribed").height == 2 * len(tokens)
    assert home.rows("book_events")["walk_id"].n_unique() == 2
    [failure] = (
        home.rows("service_errors")
        .filter(pl.col("ended_at_ns").is_not_null())
        .to_dicts()
    )
    assert (failure["service"], failure["error_type"]) == ("books", "disconnected")
    assert failure["ended_at_ns"] > failure["started_at_ns"]


def test_a_frozen_connection_is_found_out_and_opened_again(box, tmp_path):
    home = Home(tmp_path, box, {"silent_seconds": 0.5})
    tokens = some_tokens(box, 6)
    with home.capturing(only=("books",), tokens=tokens):
        soon(lambda: home.ask("health") and listening(box, len(tokens)))
        soon(lambda: all_read(box, home))
        box.live("freeze")
        box.advance(120)
        soon(lambda: box.live()["opened"] == 2, what="a second connection")
    reasons = home.rows("book_coverage").filter(pl.col("state") == "broken")["reason"]
    assert set(reasons) == {"silent"}
    snapshots = home.rows("book_snapshots")
    assert set(snapshots["reason"]) == {"stale"}
    assert snapshots["difference"].null_count() == 0


def test_messages_lost_without_a_word_are_found_by_comparing(box, tmp_path):
    home = Home(tmp_path, box, {"resync_seconds": 0.5})
    tokens = some_tokens(box, 4)
    with home.capturing(only=("books",), tokens=tokens):
        soon(lambda: home.ask("health") and listening(box, len(tokens)))
        soon(lambda: all_read(box, home))
        box.live("drop", count=3)
        box.advance(30)
        soon(lambda: home.ask("health")["books_differed"], what="a difference")
        soon(
            lambda: all(home.ask(f"books/{token}")["trusted"] for token in tokens),
            what="new snapshots",
        )
    broken = home.rows("book_coverage").filter(pl.col("state") == "broken")
    assert set(broken["reason"]) == {"differs"}
    assert broken["token_id"].null_count() == 0


def test_two_connections_bring_each_message_once(box, tmp_path):
    home = Home(tmp_path, box, {"connections": 2})
    tokens = some_tokens(box, 6)
    with home.capturing(only=("books",), tokens=tokens):
        soon(lambda: home.ask("health") and listening(box, 2 * len(tokens)))
        box.advance(60)
        [first, _] = connections(box)
        box.live("cut", connection=first["connection"])
        soon(lambda: box.live()["opened"] == 3 and listening(box, 2 * len(tokens)))
        box.advance(60)
        soon(
            lambda: (
                (health := home.ask("health"))
                and health["messages"] + health["repeated_messages"]
                == box.live()["sent"]
            )
        )
    once = box.sent().filter(pl.col("withheld").is_null() & ~pl.col("copy"))
    once = once.unique(["message_no", "row_no", "token_id", "side", "price"])
    changes = held(home).filter(pl.col("event_type") == "price_change")
    there = once.filter(pl.col("event_type") == "price_change").select(changes.columns)
    assert missing(there, changes).is_empty()
    assert missing(changes, there).is_empty()
    assert home.rows("book_events")["walk_id"].n_unique() == 1, "it never was deaf"


def test_books_are_asked_for_while_nobody_can_listen(box, tmp_path):
    home = Home(tmp_path, box, {"poll_after_failures": 2})
    tokens = some_tokens(box, 4)
    box.live("refuse", seconds=600)
    with home.capturing(only=("books",), tokens=tokens):
        soon(lambda: box.requests()["routes"].get("POST /clob/books", 0) >= 2)
        box.live("admit")
        soon(lambda: listening(box, len(tokens)))
        soon(lambda: all_read(box, home))
    polled = home.rows("book_snapshots")
    assert set(polled["reason"]) == {"poll"}
    assert set(polled["token_id"]) == set(tokens)
    [error] = home.rows("service_errors")["error_type"].unique().to_list()
    assert error == "refused"


@pytest.mark.parametrize("spoilt", ["malformed", "not-utf8", "binary", "huge"])
def test_a_spoilt_frame_is_kept_and_harms_no_other(box, tmp_path, spoilt):
    home = Home(tmp_path, box)
    tokens = some_tokens(box, 4)
    with home.capturing(only=("books",), tokens=tokens):
        soon(lambda: home.ask("health") and listening(box, len(tokens)))
        soon(lambda: home.heard() >= len(tokens))
        box.live(spoilt)
        before = home.heard()
        box.advance(60)
        soon(lambda: home.heard() > before)
    events = home.rows("book_events")
    kind = "padding" if spoilt == "huge" else "malformed"
    [raw] = events.filter(pl.col("event_type") == kind)["raw"]
    assert 0 < len(raw) <= 64 * 1024
    assert missing(
        sent(box).filter(pl.col("event_type") == "book"), held(home)
    ).is_empty()


def test_a_frame_that_is_too_large_ends_its_connection_and_is_told(box, tmp_path):
    home = Home(tmp_path, box, {"max_frame_mb": 1})
    tokens = some_tokens(box, 4)
    with home.capturing(only=("books",), tokens=tokens):
        soon(lambda: home.ask("health") and listening(box, len(tokens)))
        soon(lambda: home.heard() >= len(tokens))
        box.live("huge", bytes=3_000_000)
        soon(lambda: box.live()["opened"] == 2 and listening(box, len(tokens)))
        box.advance(60)
        soon(lambda: all_read(box, home))
    errors = home.rows("service_errors").filter(pl.col("ended_at_ns").is_not_null())
    [(kind, details)] = errors.select("error_type", "details").rows()
    assert kind == "disconnected"
    assert "more than 1 MB need a larger capture.max_frame_mb" in details
    broken = home.rows("book_coverage").filter(pl.col("state") == "broken")
    assert broken["reason"].to_list() == ["disconnected"]
