"""The CLOB's catalogue, books and price histories."""

import base64

import polars as pl
import pytest

DAY = 86_400


@pytest.fixture(scope="module")
def tokens(small):
    """A token with a book, and one of a settled market, both traded."""
    markets = small.box.truth()["markets"].filter(
        (pl.col("kind") == "binary") & ~pl.col("hidden") & (pl.col("fills_total") > 0)
    )
    alive = markets.filter(~pl.col("closed")).sort("start_at")["token_ids"][0][0]
    done = markets.filter(pl.col("closed")).sort("closed_at")
    return alive, done["token_ids"][-1][0]


def test_pages_are_offsets_in_base64_and_the_last_names_the_end_marker(start):
    asker = start(size="tiny", clob_page=10)
    rows, cursor, pages = [], None, 0
    while cursor != "LTE=":
        page = asker.json(
            "/clob/markets", **({"next_cursor": cursor} if cursor else {})
        )
        assert page["count"] == len(page["data"])
        rows += page["data"]
        cursor = page["next_cursor"]
        pages += 1
        if cursor != "LTE=":
            assert int(base64.b64decode(cursor)) == 10 * pages
    truth = asker.box.truth()["markets"]
    expected = truth.filter(~pl.col("amm") & ~pl.col("combo"))["condition_id"]
    listed = {row["condition_id"] for row in rows} - {""}
    fresh = truth.filter(pl.col("created_at") > asker.box.now() - 180)["condition_id"]
    assert listed == set(expected) - set(fresh)
    assert asker.get("/clob/markets", next_cursor="LTE=").status_code == 400
    beyond = base64.b64encode(b"99999").decode()
    assert asker.json("/clob/markets", next_cursor=beyond)["data"] == []


def test_hidden_markets_and_blank_rows_are_in_the_list(small):
    rows = small.json("/clob/markets")["data"]
    hidden = small.box.truth()["markets"].filter(pl.col("hidden"))["condition_id"]
    assert set(hidden) <= {row["condition_id"] for row in rows}
    assert any(row["condition_id"] == "" for row in rows)
    assert any(row["tags"] is None for row in rows)
    assert any(row["rewards"]["rates"] is None for row in rows)


def test_a_new_market_is_unknown_first_and_then_without_tokens_for_a_while(start):
    asker = start(size="small", cdn=False)
    truth = asker.box.call(lambda service: service.world.listed)
    now = asker.box.now()
    new = next(m for m in truth if m.created_at > now and m.kind != "amm")
    asker.box.advance(new.created_at - now)
    path = f"/clob/markets/{new.condition}"
    assert asker.get(path).status_code == 404
    asker.box.advance(200)
    assert [t["token_id"] for t in asker.json(path)["tokens"]] == ["", ""]
    asker.box.advance(200)
    assert [t["token_id"] for t in asker.json(path)["tokens"]] == list(new.tokens)


def test_the_best_level_of_a_book_is_the_last(small, tokens):
    book = small.json("/clob/book", token_id=tokens[0])
    bids = [float(level["price"]) for level in book["bids"]]
    asks = [float(level["price"]) for level in book["asks"]]
    assert bids == sorted(bids)
    assert asks == sorted(asks, reverse=True)
    assert bids[-1] < asks[-1]
    price = small.json("/clob/price", token_id=tokens[0], side="BUY")["price"]
    assert float(price) == bids[-1]


def test_settled_and_unknown_tokens_have_no_book(small, tokens):
    assert small.get("/clob/book", token_id=tokens[1]).status_code == 404
    assert small.get("/clob/book", token_id="abc").status_code == 400
    asked = [{"token_id": token} for token in (tokens[1], tokens[0], "17")]
    books = small.post("/clob/books", asked).json()
    assert [book["asset_id"] for book in books] == [tokens[0]]
    too_many = small.post("/clob/books", [{"token_id": "1"}] * 501)
    assert too_many.json() == {"error": "Payload exceeds the limit"}


def test_histories_have_their_bounds_and_traps(small, tokens):
    path, now = "/clob/prices-history", small.box.now()
    alive, settled = tokens
    long = small.get(path, market=alive, startTs=now - 16 * DAY, endTs=now)
    assert long.status_code == 400
    assert "interval is too long" in long.json()["error"]
    assert small.get(path, market=alive).status_code == 400
    assert small.get(path, market=alive, interval="1w", fidelity=1).status_code == 400
    fine = small.json(path, market=alive, startTs=now - DAY, endTs=now, fidelity=1)
    assert len(fine["history"]) > 1000
    times = [point["t"] for point in fine["history"]]
    assert times == sorted(times)
    old = small.json(path, market=alive, startTs=now - 20 * DAY, endTs=now - 10 * DAY)
    assert old == {"history": []}  # one-minute points are gone after a week
    windowed = small.json(
        path, market=settled, startTs=now - 15 * DAY, endTs=now, fidelity=60
    )
    assert windowed["history"]
    trap = small.json(path, market=settled, interval="max", fidelity=60)
    assert trap == {"history": []}
    assert small.json(path, market=settled, interval="max", fidelity=720)["history"]


def test_a_batch_gives_what_single_questions_give(small, tokens):
    now = small.box.now()
    body = {
        "markets": list(tokens),
        "start_ts": now - DAY,
        "end_ts": now,
        "fidelity": 5,
    }
    batch = small.post("/clob/batch-prices-history", body).json()["history"]
    for token in tokens:
        single = small.json(
            "/clob/prices-history",
            market=token,
            startTs=now - DAY,
            endTs=now,
            fidelity=5,
        )
        assert batch[token] == single["history"]


def test_v2_histories_exclude_their_end_and_close_with_a_settlement_point(
    small, tokens
):
    path, now = "/data/v2/prices-history", small.box.now()
    page = small.json(path, token_id=tokens[1], interval="max")
    assert page["data"][-1]["resolution_seconds"] == 0
    assert page["data"][-1]["price"] in (0.0, 0.5, 1.0)
    rows = small.json(path, token_id=tokens[0], start=now - 3600, end=now)["data"]
    edge = rows[-1]["timestamp"]
    less = small.json(path, token_id=tokens[0], start=now - 3600, end=edge)["data"]
    assert less == rows[:-1]
    first = small.json(path, token_id=tokens[0], start=now - 3600, end=now, limit=10)
    after = small.json(
        path, token_id=tokens[0], start=now - 3600, end=now,
        cursor=first["pagination"]["next_cursor"],
    )  # fmt: skip
    assert first["data"] + after["data"] == rows[:20]


def test_the_time_is_a_bare_integer_and_old_books_stay_empty(tiny):
    assert tiny.json("/clob/time") == tiny.box.now()
    history = tiny.json("/clob/orderbook-history", asset_id="1", startTs=0, endTs=1)
    assert history == {"count": 0, "data": []}
