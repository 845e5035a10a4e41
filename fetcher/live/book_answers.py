"""Books as the service answers them when asked: `POST /books`, up to 500 tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fetcher.answer import Answer, parse_json
from fetcher.errors import UnexpectedPayload
from fetcher.http import Api
from fetcher.live.book_rows import Row, event_rows
from fetcher.live.hot_books import Levels
from fetcher.polymarket.chunks import chunks

MOST_TOKENS = 500
GROUPS = ("clob_all", "clob_books")
GHOST = {("BUY", 0.01), ("SELL", 0.99)}


@dataclass(frozen=True)
class Served:
    """One book of an answer: its rows as book_rows gives them, and its levels."""

    token_id: str
    rows: Sequence[Row]
    levels: Levels

    @property
    def is_ghost(self) -> bool:
        """Whether it may be the ghost that was seen served in place of live books."""
        return self.levels.keys() == GHOST


def ask_books(api: Api, tokens: Iterable[str]) -> dict[str, Served]:
    """Ask for the books of tokens, by token; those without a book are left out.

    Books are told apart by `asset_id`, never by their place: the answer leaves out
    what has no book, and says nothing of it.
    """
    found: dict[str, Served] = {}
    for some in chunks(dict.fromkeys(tokens), MOST_TOKENS):
        wanted = set(some)
        answer, books = ask(api, some)
        for book in books:
            one = served(book, received_ns(answer))
            if one is not None and one.token_id in wanted:
                found[one.token_id] = one
    return found


def ask(api: Api, tokens: Sequence[str]) -> tuple[Answer, list[Any]]:
    """Ask for the books of so many tokens as one request may name."""
    body = json.dumps([{"token_id": token} for token in tokens]).encode()
    return api.load("/books", (), _books_of, groups=GROUPS, body=body)


def received_ns(answer: Answer) -> int:
    """When an answer came, unix nanoseconds."""
    return int(answer.fetched_at.timestamp() * 1e9)


def served(book: Any, at_ns: int) -> Served | None:
    """One book of an answer; null where it does not say what a book must."""
    if not isinstance(book, dict):
        return None
    rows = event_rows({**book, "event_type": "book"}, at_ns, 0)
    if rows[0][4] is None or rows[0][19] is not None:
        return None
    levels = {(row[5], row[6]): row[7] for row in rows if row[5] is not None and row[7]}
    return Served(rows[0][4], rows, levels)


def snapshot_rows(
    one: Served,
    *,
    reason: str,
    walk_id: str | None = None,
    page_no: int = 0,
    difference: str | None = None,
) -> list[Row]:
    """The rows of bronze book_snapshots."""
    return [
        (
            *(row[0], reason, *row[3:8], *row[12:17], difference),
            *(row[0] // 1_000, walk_id, page_no, place, row[20]),
        )
        for place, row in enumerate(one.rows)
    ]


def _books_of(body: bytes) -> list[Any]:
    value = parse_json(body)
    if not isinstance(value, list):
        raise UnexpectedPayload("it is no list of books")
    return value
