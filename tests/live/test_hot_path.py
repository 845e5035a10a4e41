"""The hot path: what is captured, as it is now, for programs on this machine."""

from __future__ import annotations

import json

import pytest
import requests
from websockets.sync.client import connect

from tests.live.live_rig import (
    Home,
    all_read,
    listening,
    some_tokens,
    soon,
)


def best_first(levels: list[dict], *, up: bool) -> list[list[float]]:
    pairs = [[float(level["price"]), float(level["size"])] for level in levels]
    return sorted(pairs, reverse=not up)


def test_the_books_are_those_the_exchange_has_and_changes_are_pushed(box, tmp_path):
    home = Home(tmp_path, box)
    tokens = some_tokens(box, 6)
    with home.capturing(only=("books",), tokens=tokens):
        soon(lambda: home.ask("health") and listening(box, len(tokens)))
        soon(lambda: home.heard() >= len(tokens))
        token = tokens[0]
        url = f"ws://127.0.0.1:{home.port}/stream?tokens={token}"
        with connect(url) as stream:
            first = json.loads(stream.recv(timeout=10))
            assert (first["token_id"], first["trusted"]) == (token, True)
            assert home.ask("health")["latency_us"]["p50"] is None, "it is old already"
            box.advance(600)
            assert json.loads(stream.recv(timeout=10))["event_no"] > first["event_no"]
        soon(lambda: all_read(box, home))
        asked = requests.post(
            box.url("/clob/books"),
            json=[{"token_id": one} for one in tokens],
            timeout=10,
        ).json()
        assert {book["asset_id"] for book in asked} == set(tokens)
        for book in asked:
            held = home.ask(f"books/{book['asset_id']}")
            assert held["bids"] == best_first(book["bids"], up=False)
            assert held["asks"] == best_first(book["asks"], up=True)
        one = home.ask(f"books/{token}?depth=1")
        assert (len(one["bids"]), len(one["asks"])) == (1, 1)
        assert {book["token_id"] for book in home.ask("books")} == set(tokens)
        assert home.ask("health")["latency_us"]["p50"] > 0


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("books/123", 404, "nothing was heard of token 123"),
        ("books/123?depth=many", 400, "depth must be a number"),
        ("elsewhere", 404, "there is no /elsewhere"),
    ],
)
def test_what_there_is_not_is_named(box, tmp_path, path, status, says):
    home = Home(tmp_path, box)
    with home.capturing(only=("crypto",)):
        soon(lambda: home.ask("health"))
        answer = requests.get(f"http://127.0.0.1:{home.port}/{path}", timeout=10)
    assert answer.status_code == status
    assert says in answer.json()["error"]
