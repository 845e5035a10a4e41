"""The command `warehouse replay`: an order book, a JSON line a step."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

import settings
from settings.entry import CONFIG, JSON
from settings.errors import UsageError
from warehouse.connect import open_to_read


@click.command()
@click.option("--token", "token", metavar="ID", required=True, help="The token.")
@click.option("--from", "start", metavar="T", help="From this UTC day or ISO time on.")
@click.option("--to", "end", metavar="T", help="Before this UTC day or ISO time.")
@click.option("--at", "moment", metavar="T", help="Only the book of this moment.")
@click.option(
    "--step",
    type=click.Choice(["tick", "1s", "5s"]),
    default="tick",
    show_default=True,
    help="A line for each change, or for every second or five.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="N seconds of the replay a second; else as fast as it goes.",
)
@JSON
@CONFIG
def replay(
    token: str,
    start: str | None,
    end: str | None,
    moment: str | None,
    step: str,
    speed: float | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Print a captured order book as it was, a JSON line a step.

    A line is `at`, `token_id`, `bids` and `asks` (price and size, best first) and
    `trusted`: false from where listening broke off until a whole book was heard.
    """
    from warehouse.replay.book import Book
    from warehouse.replay.moments import NothingHeard, paced
    from warehouse.replay.run import Replay, book_at, heard_when

    if moment is not None and (start, end, speed) != (None, None, None):
        raise UsageError("--at is one moment: leave out --from, --to and --speed.")
    with closing(open_to_read(settings.load(config).paths.warehouse)) as db:
        click.get_current_context().obj.watch(db)
        if moment is not None:
            _print(book_at(db, token, moment))
            return
        told = Replay(db, [token], start=start, end=end, step=step, every=True)
        books: Iterator[Book] = (one for one in told if isinstance(one, Book))
        if speed is not None:
            books = paced(books, _at, speed)
        found = False
        for book in books:
            found = True
            _print(book)
            if speed is not None:
                sys.stdout.flush()
        if not found:
            raise NothingHeard(
                f"Nothing was heard of the token {token} between these times. "
                f"{heard_when(db, token)}"
            )


def _at(book: Any) -> int:
    return int(book.at)


def _print(book: Any) -> None:
    from warehouse.replay.moments import text

    line = {
        "at": text(book.at),
        "token_id": book.token_id,
        "bids": book.levels("BUY"),
        "asks": book.levels("SELL"),
        "trusted": book.trusted,
    }
    sys.stdout.write(json.dumps(line) + "\n")
