"""The market channel of the replica, quirk by quirk."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import polars as pl
import pytest
import requests
from listening import listening

from sandbox.live.messages import Style
from sandbox.testing import sandbox_server


@pytest.fixture(scope="module")
def server():
    with sandbox_server(size="small", cdn=False) as made:
        yield made


@pytest.fixture
def box(server):
    """One server for the module: time goes on, and switches are back in their place."""
    server.live("style", **{f.name: f.default for f in fields(Style)})
    return server


def open_pairs(box, count=3):
    """The token pairs of some markets that have a book now and later."""
    markets = box.call(lambda service: [
        m.tokens for m in service.world.listed
        if service.world.has_book(m) and m.closed_at > service.world.now + 20_000
        and m.salt % 211 != 7
    ])  # fmt: skip
    return markets[:count]


def tokens_of(pairs):
    return [token for pair in pairs for token in pair]


def rest_books(box, tokens):
    asked = [{"token_id": token} for token in tokens]
    rows = requests.post(box.url("/clob/books"), json=asked, timeout=10).json()
    return {row["asset_id"]: row for row in rows}


def levels(book):
    return tuple(
        {float(x["price"]): float(x["size"]) for x in book[k]} for k in ("bids", "asks")
    )


def fold(books, message):
    """What a client does with a message."""
    if message["event_type"] == "book":
        books[message["asset_id"]] = levels(message)
    for change in message.get("price_changes", []):
        side = books[change["asset_id"]][change["side"] == "SELL"]
        side.pop(float(change["price"]), None)
        if float(change["size"]):
            side[float(change["price"])] = float(change["size"])


def test_the_first_frame_is_an_array_of_books_and_later_ones_are_objects(box):
    tokens = tokens_of(open_pairs(box))
    with listening(box) as one:
        one.subscribe([*tokens, "12345"])
        first = one.hear()
        assert isinstance(first, list)
        assert [book["asset_id"] for book in first] == tokens
        assert {book["event_type"] for book in first} == {"book"}
        box.advance(60)
        later = one.until_pong()
        assert len(later) > 10
        assert 0 <= sum(isinstance(frame, list) for frame in later) < len(later) / 5


def test_a_book_heard_and_changed_is_the_book_that_is_asked_for(box):
    tokens = tokens_of(open_pairs(box, 6))
    with listening(box) as one:
        one.subscribe(tokens)
        books = {}
        for _ in range(3):
            for message in one.messages():
                fold(books, message)
            asked = rest_books(box, tokens)
            assert set(asked) == set(books) == set(tokens)
            for token, book in asked.items():
                assert levels(book) == books[token]
                assert [x["price"] for x in book["bids"]] == sorted(
                    (x["price"] for x in book["bids"]), key=float
                )
                assert float(book["asks"][0]["price"]) >= float(
                    book["asks"][-1]["price"]
                )
            box.advance(45)


def test_the_hash_and_time_of_a_book_are_those_of_its_last_change(box):
    tokens = tokens_of(open_pairs(box, 4))
    with listening(box) as one:
        one.subscribe(tokens)
        one.messages()
        box.advance(40)
        last = {}
        for message in one.messages():
            for change in message.get("price_changes", []):
                last[change["asset_id"]] = (change["hash"], message["timestamp"])
        asked = rest_books(box, tokens)
        assert last
        for token, said in last.items():
            assert (asked[token]["hash"], asked[token]["timestamp"]) == said


def test_every_change_is_mirrored_on_the_other_token(box):
    pair = open_pairs(box, 1)[0]
    with listening(box) as one:
        one.subscribe([pair[0]])  # one of the two brings both
        one.hear()
        box.advance(90)
        changes = [m for m in one.messages() if m["event_type"] == "price_change"]
    assert changes
    for message in changes:
        by_token = {token: set() for token in pair}
        for change in message["price_changes"]:
            own = change["asset_id"] == pair[0]
            price = round(
                float(change["price"]) if own else 1 - float(change["price"]), 3
            )
            side = (
                change["side"]
                if own
                else {"BUY": "SELL", "SELL": "BUY"}[change["side"]]
            )
            by_token[change["asset_id"]].add((price, side, change["size"]))
        assert by_token[pair[0]] == by_token[pair[1]]


def test_a_ping_is_a_text_and_so_is_the_pong(box):
    with listening(box) as one:
        one.say("PING")
        assert one.text() == "PONG"
        one.say("{not json")
        assert one.text() == "INVALID OPERATION"


def test_tokens_come_and_go_while_connected(box):
    first, second = open_pairs(box, 2)
    with listening(box) as one:
        one.subscribe(list(first))
        one.hear()
        one.say({"operation": "subscribe", "assets_ids": list(second)})
        assert {book["asset_id"] for book in one.hear()} == set(second)
        one.say({"operation": "unsubscribe", "assets_ids": list(first)})
        assert one.until_pong() == []
        box.advance(60)
        markets = {message["market"] for message in one.messages()}
    truth = box.truth()["markets"]
    heard = truth.filter(pl.col("condition_id").is_in(list(markets)))["token_ids"]
    assert [tuple(tokens) for tokens in heard.to_list()] == [second]


def test_without_initial_dump_some_tokens_have_no_snapshot(box):
    tokens = tokens_of(open_pairs(box, 20))
    with listening(box) as one:
        one.say({"assets_ids": tokens, "type": "market"})
        heard = {message["asset_id"] for message in one.messages()}
    assert 0 < len(heard) < len(tokens)


def test_a_misspelt_key_is_ignored(box):
    with listening(box) as one:
        one.say({"asset_ids": tokens_of(open_pairs(box)), "type": "market"})
        box.advance(60)
        assert one.until_pong() == []


def test_above_500_tokens_the_snapshot_is_missing_and_nothing_says_so(box):
    tokens = tokens_of(open_pairs(box))
    box.live("style", most_tokens=5)
    with listening(box) as one:
        one.subscribe(tokens)
        assert one.until_pong() == []
        box.advance(60)
        kinds = {message["event_type"] for message in one.messages()}
        assert "price_change" in kinds
        assert box.live("style", deltas_above="false")["style"]["deltas_above"] is False
        box.advance(60)
        assert one.messages() == []


@pytest.mark.parametrize("schema", ["flat", "changes"])
def test_older_schemas_say_the_same_changes(box, schema):
    pair = open_pairs(box, 1)[0]
    with listening(box) as new, listening(box) as old:
        new.subscribe(list(pair))
        old.subscribe(list(pair))
        new.hear(), old.hear()
        box.advance(30)
        said = [c for m in new.messages() for c in m.get("price_changes", [])]
        old.messages()
        box.live("style", schema=schema)
        box.advance(30)
        olds = [m for m in old.messages() if m["event_type"] == "price_change"]
    assert said
    assert olds
    for message in olds:
        assert message["asset_id"] in pair
        assert "price_changes" not in message
        assert ("changes" in message) == (schema == "changes")
        assert ("price" in message) == (schema == "flat")


def test_some_prices_lack_the_leading_zero(box):
    with listening(box) as one:
        one.subscribe(tokens_of(open_pairs(box, 8)))
        one.hear()
        box.advance(90)
        prices = {
            c["price"] for m in one.messages() for c in m.get("price_changes", [])
        }
    assert any(price.startswith(".") for price in prices)
    assert any(price.startswith("0.") for price in prices)


def test_timestamps_go_back_by_a_few_milliseconds_at_times(box):
    with listening(box) as one:
        one.subscribe(tokens_of(open_pairs(box, 10)))
        one.hear()
        box.advance(240)
        times = [int(message["timestamp"]) for message in one.messages()]
    steps = [later - before for before, later in pairwise(times)]
    assert -8 <= min(steps) < 0


def test_unknown_types_and_keys_come_when_switched_on(box):
    with listening(box) as one:
        one.subscribe(tokens_of(open_pairs(box)))
        one.hear()
        box.live("style", unknown_types=1.0, unknown_keys="true")
        box.advance(30)
        heard = one.messages()
    assert {m["event_type"] for m in heard} >= {"price_change", "liquidity_pulse"}
    assert all("sequence_hint" in m for m in heard if m["event_type"] == "price_change")


def test_more_is_told_to_those_who_ask_for_it(box):
    pairs = open_pairs(box, 8)
    with listening(box) as plain, listening(box) as curious:
        plain.subscribe(tokens_of(pairs))
        curious.subscribe(tokens_of(pairs), custom_feature_enabled=True)
        plain.hear(), curious.hear()
        box.advance(120)
        kinds = {m["event_type"] for m in plain.messages()}
        more = curious.messages()
    assert "best_bid_ask" not in kinds
    best = [m for m in more if m["event_type"] == "best_bid_ask"]
    assert best
    for message in best:
        gap = float(message["best_ask"]) - float(message["best_bid"])
        assert float(message["spread"]) == pytest.approx(gap, abs=1e-9)


def test_most_settlements_are_announced(box):
    closing = box.call(lambda service: sorted(
        (m.closed_at, m.tokens) for m in service.world.listed
        if service.world.has_book(m) and m.closed_at < service.world.now + 86_400
    )[:10])  # fmt: skip
    heard = []
    with listening(box) as one:
        one.subscribe([], custom_feature_enabled=True)
        for closed_at, pair in closing:
            box.advance(max(0, closed_at - 1 - box.now()))
            one.say({"operation": "subscribe", "assets_ids": list(pair)})
            one.messages()
            box.advance(2)
            heard += [m for m in one.messages() if m["event_type"] == "market_resolved"]
            one.say({"operation": "unsubscribe", "assets_ids": list(pair)})
    assert 0 < len(heard) < len(closing)
    assert all(m["winning_asset_id"] in m["assets_ids"] for m in heard)


def test_new_markets_are_announced_to_everybody_who_wants_to_know(box):
    created = box.call(
        lambda service: min(
            m.created_at for m in service.world.listed
            if m.created_at > service.world.now + 1
        )
    )  # fmt: skip
    with listening(box) as one:
        one.subscribe([], custom_feature_enabled=True)
        one.messages()
        box.advance(created - 1 - box.now())
        one.messages()
        box.advance(2)
        heard = [m for m in one.messages() if m["event_type"] == "new_market"]
    assert heard
    assert isinstance(heard[0]["assets_ids"], list)


def test_a_jump_of_the_clock_is_told_whole_though_in_parts(box):
    tokens = tokens_of(open_pairs(box, 10))
    with listening(box) as one:
        one.subscribe(tokens)
        books = {}
        for message in one.messages():
            fold(books, message)
        requests.post(box.url("/_sandbox/advance?seconds=800"), timeout=10)
        one.subscribe(tokens[:2])  # while the server is still telling
        box.call(lambda service: service.live.pump())
        messages = one.messages()
        assert len(messages) > 2_000
        for message in messages:
            fold(books, message)
        asked = rest_books(box, tokens)
        assert all(levels(asked[token]) == books[token] for token in tokens)


def test_a_settled_market_is_not_announced_again(box):
    pair = box.call(lambda service: max(
        (m.closed_at, m.tokens) for m in service.world.listed
        if m.closed(service.world.now) and m.kind == "binary"
    ))[1]  # fmt: skip
    with listening(box) as one:
        one.subscribe(list(pair), custom_feature_enabled=True)
        one.messages()
        box.advance(5)
        assert "market_resolved" not in {m["event_type"] for m in one.messages()}
