"""Load mode: many messages from prepared bytes, and still a book to be asked for."""

from __future__ import annotations

import pytest
import requests
from listening import listening

from sandbox.testing import sandbox_server


@pytest.fixture(scope="module")
def run():
    """Two connections under load for a few thousand messages, and what is left then."""
    with sandbox_server(size="small", cdn=False, live_load=20_000) as box:
        tokens = box.call(
            lambda service: [
                token
                for market in service.world.listed
                if service.world.has_book(market)
                for token in market.tokens
            ][:40]
        )
        heard: list[list[dict]] = [[], []]
        with listening(box) as one, listening(box) as two:
            one.subscribe(tokens[:20])
            two.subscribe(tokens[10:])
            while len(heard[0]) < 3_000:
                heard[0] += one.messages()
            box.live("load", rate=0)
            heard[0] += one.messages()
            heard[1] += two.messages()
            asked = [{"token_id": token} for token in tokens]
            books = requests.post(box.url("/clob/books"), json=asked, timeout=10).json()
            yield heard, {book["asset_id"]: book for book in books}, box, tokens


def keys_of(messages):
    found = []
    for message in messages:
        changes = message.get("price_changes")
        token = changes[0]["asset_id"] if changes else message["asset_id"]
        digest = changes[0]["hash"] if changes else message["hash"]
        found.append((message["event_type"], token, int(message["timestamp"]), digest))
    return found


def levels(book):
    return [{float(x["price"]): float(x["size"]) for x in book[side]}
            for side in ("bids", "asks")]  # fmt: skip


def test_books_under_load_are_the_fold_of_what_was_heard(run):
    (messages, _), books, _, tokens = run
    folded, digests = {}, {}
    for message in messages:
        if message["event_type"] == "book":
            folded[message["asset_id"]] = levels(message)
            digests[message["asset_id"]] = message["hash"]
        for change in message.get("price_changes", []):
            if change["asset_id"] in folded:
                side = folded[change["asset_id"]][change["side"] == "SELL"]
                side.pop(float(change["price"]), None)
                if float(change["size"]):
                    side[float(change["price"])] = float(change["size"])
                digests[change["asset_id"]] = change["hash"]
    assert set(folded) >= set(tokens[:20])
    for token in tokens[:20]:
        assert folded[token] == levels(books[token])
        assert digests[token] == books[token]["hash"]


def test_no_message_under_load_equals_another(run):
    (messages, _), _, _, _ = run
    keys = [key for key in keys_of(messages) if key[0] == "price_change"]
    assert len(keys) == len(set(keys)) > 2_000


def test_the_ledger_under_load_holds_every_message_of_every_connection(run):
    heard, _, box, _ = run
    sent = box.sent_messages()
    assert sent["withheld"].null_count() == sent.height
    for number, messages in enumerate(heard, start=1):
        mine = sent.filter(sent["connection"] == number)
        noted = mine.select("event_type", "token_id", "at_ms", "hash").rows()
        assert sorted(noted) == sorted(keys_of(messages))
    assert sent["message_no"].n_unique() < sent.height


def test_rows_of_the_ledger_under_load_say_what_was_said(run):
    heard, _, box, _ = run
    rows = box.sent()
    changes = rows.filter(
        (rows["connection"] == 1) & (rows["event_type"] == "price_change")
    )
    said = sorted(
        (c["asset_id"], c["hash"], c["side"], float(c["price"]), float(c["size"]))
        for message in heard[0]
        for c in message.get("price_changes", [])
    )
    noted = changes.select("token_id", "hash", "side", "price", "size").rows()
    assert sorted(noted) == said
