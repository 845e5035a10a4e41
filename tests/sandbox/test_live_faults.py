"""What can go wrong on a WebSocket of the replica, and the ledger of what was sent."""

from __future__ import annotations

import json

import polars as pl
import pytest
from listening import as_list, listening
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox.testing import sandbox_server


@pytest.fixture(scope="module")
def server():
    with sandbox_server(size="small", cdn=False) as made:
        yield made


@pytest.fixture
def box(server):
    """One server for the module; nobody is refused, and nothing is noted yet."""
    server.live("admit")
    server.forget_sent()
    return server


def tokens_of_open_markets(box, count=4):
    pairs = box.call(lambda service: [
        m.tokens for m in service.world.listed
        if service.world.has_book(m) and m.closed_at > service.world.now + 20_000
        and m.salt % 211 != 7
    ])  # fmt: skip
    return [token for pair in pairs[:count] for token in pair]


def keys_of(frames):
    """Messages by what makes them one: type, market or token, time, hashes."""
    found = []
    for message in (m for frame in frames for m in as_list(frame)):
        hashes = {c["hash"] for c in message.get("price_changes", [])}
        key = message.get("asset_id") or message["market"]
        hashes |= {message.get("hash", "")}
        found.append(
            (message["event_type"], key, message["timestamp"], str(sorted(hashes)))
        )
    return found


def noted(rows):
    """How many messages the ledger has."""
    return rows.select("connection", "message_no", "copy").unique().height


def test_the_ledger_holds_what_was_heard_and_nothing_else(box):
    with listening(box) as one:
        one.subscribe(tokens_of_open_markets(box))
        frames = one.until_pong()
        box.advance(60)
        heard = keys_of(frames + one.until_pong())
    sent = box.sent()
    assert sent["withheld"].null_count() == sent.height
    assert noted(sent) == len(heard) > 50
    changes = sent.filter(pl.col("event_type") == "price_change")
    assert set(changes["at_ms"].cast(pl.String)) == {
        key[2] for key in heard if key[0] == "price_change"
    }


def test_two_connections_are_sent_the_same_messages_under_one_number(box):
    tokens = tokens_of_open_markets(box)
    with listening(box) as one, listening(box) as two:
        one.subscribe(tokens), two.subscribe(tokens)
        one.until_pong(), two.until_pong()
        box.advance(30)
        assert keys_of(one.until_pong()) == keys_of(two.until_pong())
    numbers = box.sent().filter(pl.col("event_type") == "price_change")
    by_number = numbers.group_by("message_no").agg(pl.col("connection").n_unique())
    assert set(by_number["connection"]) == {2}


def test_a_frozen_connection_answers_pings_and_says_nothing(box):
    with listening(box) as one:
        one.subscribe(tokens_of_open_markets(box))
        one.until_pong()
        box.live("freeze")
        box.advance(60)
        assert one.until_pong() == []
        box.live("thaw")
        box.advance(60)
        assert one.until_pong()
    lost = box.sent().filter(pl.col("withheld") == "frozen")
    assert noted(lost) > 20


@pytest.mark.parametrize(("code", "seen"), [(None, 1006), (1011, 1011), (4003, 4003)])
def test_a_cut_connection_ends_after_what_was_sent(box, code, seen):
    tokens = tokens_of_open_markets(box)
    with listening(box) as one:
        one.subscribe(tokens)
        one.until_pong()
        box.advance(60)
        box.live("cut", **({"code": code} if code else {}))
        frames = one.until_closed()
    assert one.socket.close_code == seen
    sent = box.sent().filter(pl.col("withheld").is_null())
    assert noted(sent) - len(tokens) == len(keys_of(frames))


def test_what_nobody_was_there_to_hear_is_noted_until_somebody_is(box):
    tokens = tokens_of_open_markets(box)
    with listening(box) as one:
        one.subscribe(tokens)
        one.until_pong()
        box.live("cut")
        box.advance(60)
    missed = box.sent().filter(pl.col("withheld") == "disconnected")
    assert noted(missed) > 20
    with listening(box) as again:
        again.subscribe(tokens)
        again.until_pong()
        box.advance(60)
        assert again.until_pong()
        after = box.sent().filter(pl.col("withheld") == "disconnected")
        assert noted(after) == noted(missed)
        assert not [c for c in box.live()["connections"] if c["gone"]]


def test_new_connections_are_refused_for_a_while(box):
    box.live("refuse", seconds=60, status=429, retry_after=3, channel="market")
    with pytest.raises(InvalidStatus) as refused, listening(box):
        pass
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "3"
    box.live("admit")
    with listening(box) as one:
        one.say("PING")
        assert one.text() == "PONG"


def test_dropped_messages_are_missing_and_noted(box):
    tokens = tokens_of_open_markets(box)
    with listening(box) as one, listening(box) as two:
        one.subscribe(tokens), two.subscribe(tokens)
        one.until_pong(), two.until_pong()
        number = box.live()["connections"][0]["connection"]
        box.live("drop", count=5, connection=number)
        box.advance(60)
        mine, theirs = keys_of(one.until_pong()), keys_of(two.until_pong())
    assert mine == theirs[5:]
    assert noted(box.sent().filter(pl.col("withheld") == "dropped")) == 5


def test_doubled_messages_come_twice_and_are_noted_as_copies(box):
    with listening(box) as one:
        one.subscribe(tokens_of_open_markets(box))
        one.until_pong()
        box.live("duplicate", count=3)
        box.advance(60)
        keys = keys_of(one.until_pong())
    assert keys[0:6:2] == keys[1:6:2]
    assert noted(box.sent().filter("copy")) == 3


def test_frames_that_are_no_messages_come_between_the_others(box):
    with listening(box) as one:
        one.say("PING")
        assert one.text() == "PONG"
        box.live("malformed")
        with pytest.raises(ValueError, match="Unterminated"):
            json.loads(one.text())
        box.live("huge", bytes=10_000_000)
        assert len(one.text()) == 10_000_000
        box.live("binary")
        assert isinstance(one.text(), bytes)
        box.live("not-utf8")
        with pytest.raises(ConnectionClosed):  # what a strict client makes of it
            one.text()


def test_a_consumer_that_is_too_slow_is_sent_away(box):
    with listening(box) as one:
        one.subscribe(tokens_of_open_markets(box))
        one.until_pong()
        box.call(lambda s: setattr(s.live.connections[-1], "longest_queue", 10))
        box.live("slow", seconds=60)
        box.advance(60)
        one.until_closed()
        assert one.socket.close_code == 4002
    lost = box.sent().filter(pl.col("withheld").is_not_null())
    assert set(lost["withheld"]) == {"slow consumer", "disconnected"}


def test_an_unknown_switch_is_refused_by_name(box):
    import requests

    answer = requests.post(box.url("/_sandbox/live?do=explode"), timeout=10)
    assert answer.status_code == 400
    assert "explode" in answer.json()["error"]


def test_the_ledger_can_be_had_as_json_and_as_a_file(box, tmp_path):
    with listening(box) as one:
        one.subscribe(tokens_of_open_markets(box, 1))
        one.until_pong()
    rows = box.admin("sent-events")["events"]
    assert {row["event_type"] for row in rows} == {"book"}
    box.admin("sent-events", out=tmp_path / "sent.parquet")
    assert pl.read_parquet(tmp_path / "sent.parquet").equals(box.sent())


def test_the_ledger_moves_to_disk_and_stays_whole(box):
    with listening(box) as one:
        one.subscribe(tokens_of_open_markets(box))
        one.until_pong()
        box.advance(20)
        one.until_pong()
    before = box.sent()
    box.call(lambda service: service.live.ledger.spill())
    assert box.sent().equals(before)
