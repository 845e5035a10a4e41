"""Real captures of order books and feeds load, replay, and settle what they settled."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

import pytest
import real_payloads as real
from captured_lake import commit

from ingestion.run import ingest
from warehouse.connect import open_to_read
from warehouse.replay import Book, Replay, book_at

GAMES = "MinesJA__SignalDrift"
RTDS = "Mikelin97__crypto-pred-mrkt-arb"
SETTLED = "Ligengxin96__polymarket-data-samples"
SIDES = {"bid": "BUY", "ask": "SELL", "BUY": "BUY", "SELL": "SELL"}
MILLISECOND = 1_000_000
# Bytes. The largest games take a minute; who wants them too says so.
LARGEST = int(os.environ.get("POLYLAKE_LARGEST_CAPTURE", "200000"))


def lines(name: str) -> Iterator[dict[str, str]]:
    """The rows of a captured CSV, their names without the spaces some have."""
    with gzip.open(real.path_of(name), "rt") as text:
        for row in csv.DictReader(text, skipinitialspace=True):
            yield {key.strip(): value for key, value in row.items()}


def heard(name: str) -> list[list[dict]]:
    """The messages of a captured game: rows of one type, token, hash and time."""

    def message(row):
        return row["event_type"], row["asset_id"], row["hash"], row["timestamp"]

    return [list(rows) for _, rows in groupby(lines(name), message)]


def bronze_rows(game: int, walk: str, messages: list[list[dict]]) -> Iterator[dict]:
    """The same as bronze; a moment that came late is heard when the one before was."""
    clock = 0
    for number, message in enumerate(messages):
        clock = max(clock + 1024, int(message[0]["timestamp"]) * MILLISECOND)
        for row_no, row in enumerate(message):
            yield {
                "received_at_ns": clock,
                "event_no": clock // 1024 * 1024 + game,
                "event_type": row["event_type"],
                "condition_id": row.get("market"),
                "token_id": row["asset_id"],
                "side": SIDES[row["side"]],
                "price": float(row["price"]),
                "size": float(row["size"]),
                "hash": row["hash"],
                "exchange_at_ms": int(row["timestamp"]),
                "walk_id": walk,
                "page_no": number,
                "row_no": row_no,
            }


def folded(messages: list[list[dict]]) -> dict[str, dict[str, dict[float, float]]]:
    """What rests at the end, worked out from the text itself."""
    books: dict[str, dict[str, dict[float, float]]] = {}
    for message in messages:
        first = message[0]
        book = books.setdefault(first["asset_id"], {"BUY": {}, "SELL": {}})
        if first["event_type"] == "book":
            book["BUY"], book["SELL"] = {}, {}
        for row in message:
            levels, price = book[SIDES[row["side"]]], float(row["price"])
            levels[price] = float(row["size"])
            if not levels[price]:
                del levels[price]
    return books


@pytest.fixture(scope="module")
def games(tmp_path_factory):
    """The captured games, in bronze and replayed."""
    folder = tmp_path_factory.mktemp("games")
    files = sorted(real.path_of(GAMES).glob("*mlb-*.csv.gz"))
    files = [file for file in files if file.stat().st_size < LARGEST]
    told = {file.name: heard(f"{GAMES}/{file.name}") for file in files}
    # One game was written by two writers: it is told once.
    told = {name: messages for name, messages in told.items() if name[0].isdigit()}
    rows = [
        row
        for game, (name, messages) in enumerate(told.items())
        for row in bronze_rows(game, name, messages)
    ]
    commit(folder / "data", "book_events", rows)
    ingest(folder / "data", folder / "warehouse.duckdb")
    with open_to_read(folder / "warehouse.duckdb") as db:
        yield db, told, rows


def test_every_row_of_the_captured_games_is_in_gold(games):
    db, _, rows = games
    [(held,)] = db.execute("select count(*) from gold.book_events").fetchall()
    assert held == len(rows)
    assert held > 25_000
    shown = db.execute(
        "select token_id, side, price, size, hash, epoch_ms(exchange_at::timestamp)"
        " from gold.book_events order by event_no, row_no, token_id"
    ).fetchall()
    keys = ("token_id", "side", "price", "size", "hash", "exchange_at_ms")
    wanted = [tuple(row[key] for key in keys) for row in rows]
    assert sorted(shown) == sorted(wanted)


def test_the_captured_books_end_as_their_own_text_says(games):
    db, told, _ = games
    replay = Replay(db)
    happened = [one for one in replay if isinstance(one, Book)]
    assert len(happened) > 4_000
    for messages in told.values():
        for token, sides in folded(messages).items():
            book = replay.books[token]
            for side, levels in sides.items():
                assert dict(book.levels(side)) == levels
    assert all(book.best_bid for book in replay.books.values() if book.bids)


def test_a_captured_book_is_what_it_was_in_the_middle_of_the_game(games):
    db, told, rows = games
    (name, messages) = max(told.items(), key=lambda game: len(game[1]))
    places = [row for row in rows if row["walk_id"] == name]
    clock = {row["page_no"]: row["received_at_ns"] for row in places}
    for number in range(len(messages) // 4, len(messages), len(messages) // 4):
        token = messages[number][0]["asset_id"]
        wanted = folded(messages[: number + 1])[token]
        book = book_at(db, token, clock[number])
        assert dict(book.levels("BUY")) == wanted["BUY"]
        assert dict(book.levels("SELL")) == wanted["SELL"]
        assert book.trusted


def ticks(name: str, source: str, scale: Decimal) -> Iterator[dict]:
    """Raw messages of RTDS as bronze ticks."""
    with gzip.open(real.path_of(f"{RTDS}/{name}"), "rt") as text:
        for row_no, line in enumerate(text):
            message = json.loads(line)
            said = message["payload"]
            yield {
                "received_at_ns": message["timestamp"] * MILLISECOND,
                "exchange_at_us": said["timestamp"] * 1000,
                "source": source,
                "symbol": said["symbol"],
                "price": said["value"],
                "price_text": f"{Decimal(said['full_accuracy_value']) / scale:f}",
                "message_type": message["type"],
                "walk_id": name,
                "page_no": 0,
                "row_no": row_no,
            }


def test_captured_ticks_keep_their_last_digit(tmp_path):
    rows = [
        *ticks("binance_crypto_prices_2025-10-29.jsonl.gz", "binance", Decimal(1)),
        *ticks(
            "chainlink_crypto_prices_2025-10-29.jsonl.gz", "chainlink", Decimal(10**18)
        ),
    ]
    commit(tmp_path / "data", "crypto_prices", rows)
    ingest(tmp_path / "data", tmp_path / "warehouse.duckdb")
    with open_to_read(tmp_path / "warehouse.duckdb") as db:
        shown = db.execute(
            "select source, symbol, epoch_us(exchange_at), price_exact"
            " from silver.CryptoPriceFact"
        ).fetchall()
        assets = db.execute(
            "select source, count(distinct asset) from gold.crypto_prices"
            " where asset in ('btc', 'eth', 'sol', 'xrp') group by all order by 1"
        ).fetchall()
    keys = ("source", "symbol", "exchange_at_us")
    wanted = {(*(row[k] for k in keys), Decimal(row["price_text"])) for row in rows}
    assert set(shown) == wanted
    assert assets == [("binance", 4), ("chainlink", 4)]


def dollars(text: str | None) -> str | None:
    """A price of 1e18 as dollars."""
    return None if text is None else f"{Decimal(text).scaleb(-18):f}"


def test_the_outcomes_of_a_captured_day_follow_from_its_feed(tmp_path):
    with gzip.open(
        real.path_of(f"{SETTLED}/BTC-5m-markets-2026-07-24.jsonl.gz")
    ) as text:
        markets = [json.loads(line) for line in text]
    walk = {"walk_id": "day", "page_no": 0}
    windows = [
        {
            "received_at_ns": market["end_sec"] * 10**9,
            "series": "btc-5m",
            "slug": market["slug"],
            "condition_id": market["condition_id"],
            "window_start": market["start_sec"],
            "window_end": market["end_sec"],
            "state": "resolved",
            "strike": dollars(market["strike_value"]),
            "outcome": ["Up", "Down"][market["outcome_prices"].index("1")],
            "row_no": row_no,
        }
        | walk
        for row_no, market in enumerate(markets)
    ]
    feed = [
        {
            "received_at_ns": int(tick["recv_ms"]) * MILLISECOND,
            "exchange_at_us": int(tick["feed_ts_ms"]) * 1000,
            "source": "chainlink",
            "symbol": "btc/usd",
            "price": float(tick["value"]),
            "price_text": dollars(tick["full_accuracy_value"]),
            "row_no": row_no,
        }
        | walk
        for row_no, tick in enumerate(
            lines(f"{SETTLED}/BTCUSD-prices-2026-07-24.csv.gz")
        )
    ]
    commit(tmp_path / "data", "updown_windows", windows)
    commit(tmp_path / "data", "crypto_prices", feed)
    ingest(tmp_path / "data", tmp_path / "warehouse.duckdb")
    with open_to_read(tmp_path / "warehouse.duckdb") as db:
        [(held, checkable, reproduced)] = db.execute(
            "select count(*), count(*) filter ("
            " strike_source = 'gamma' and computed_outcome is not null),"
            " count(*) filter (strike_source = 'gamma' and is_reproduced)"
            " from gold.updown_outcomes"
        ).fetchall()
        [(by_feed, wrong)] = db.execute(
            "select count(*), count(*) filter (not is_reproduced)"
            " from gold.updown_outcomes where strike_source = 'feed'"
        ).fetchall()
    assert (held, checkable, reproduced) == (292, 257, 257)
    assert (by_feed, wrong) == (by_feed, 0)
