"""A page that cannot be the next one, or may be another's, is asked for again."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from fetcher.answer import Answer
from fetcher.polymarket.asking import ask
from fetcher.polymarket.market_walk import market_chain

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CONDITION = "0x" + "c" * 64


class Pages:
    """An API that answers with one page after the other, the last again and again."""

    def __init__(self, *pages: list[dict]) -> None:
        self.pages = list(pages)
        self.asked: list[dict[str, str]] = []

    def load(self, path, params, parse, *, groups):
        self.asked.append(dict(params))
        rows = self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]
        body = {"data": rows, "pagination": {"has_more": False, "next_cursor": None}}
        answer = Answer(b"", 200, None, None, path, NOW, 1)
        return answer, parse(json.dumps(body).encode())


def rows(*hashes: str) -> list[dict]:
    return [
        {
            "proxy_wallet": f"0x{number}",
            "side": "BUY",
            "token_id": "1",
            "condition_id": CONDITION,
            "size": 1,
            "price": 0.5,
            "timestamp": 1_700_000_000,
            "transaction_hash": name,
        }
        for number, name in enumerate(hashes)
    ]


WHOLE = rows("0xa", "0xa", "0xb", "0xb")
TAKERS = rows("0xa", "0xb", "0xd", "0xe")


def served(pages: Pages, dataset: str = "trades", *, has_traded: bool = False) -> int:
    chain = market_chain(dataset, (CONDITION,), now=NOW.timestamp())
    return ask(pages, chain, has_traded=has_traded)[1].served


def test_nothing_of_a_market_that_has_traded_is_asked_for_again_past_the_caches():
    pages = Pages([], WHOLE)
    assert served(pages, has_traded=True) == 4
    assert [asked["limit"] for asked in pages.asked] == ["1000", "999"]


def test_nothing_of_a_market_that_never_traded_is_nothing():
    pages = Pages([], WHOLE)
    assert served(pages) == 0
    assert len(pages.asked) == 1


def test_what_stays_empty_is_believed_and_said(caplog):
    pages = Pages([])
    with caplog.at_level(logging.WARNING):
        assert served(pages, has_traded=True) == 0
    assert len(pages.asked) == 3
    assert "the exchange counts shares of these markets" in caplog.text


def test_a_page_of_takers_is_not_taken_for_both_sides():
    pages = Pages(TAKERS, WHOLE)
    assert served(pages) == 4
    assert len(pages.asked) == 2
    assert served(Pages(TAKERS), "taker_trades") == 4


def test_few_matches_may_have_one_row_each():
    pages = Pages(rows("0xa", "0xb"))
    assert served(pages) == 2
    assert len(pages.asked) == 1
