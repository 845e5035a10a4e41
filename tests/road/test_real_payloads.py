"""Captured answers of the real services go the whole road, and stay what they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import real_payloads as real
from user_home import IDENTITY, Home, comparable, same

from bronze import DATASETS
from lake.batch import Batch, Progress
from lake.cursor import CursorFile
from lake.lake import Lake
from lake.walk_id import new_walk_id
from sandbox.testing import sandbox_server

SANDBOX = {"size": "tiny", "pace": 100.0, "cdn": False}
# One thread: captured listings cannot be cut into slices. Large packs: most captured
# markets have a volume and no captured trade.
SETTINGS = """
[workers]
markets = 1
events = 1
[trades]
taker_walk = false
pack_rows = 1000000000
"""
WALLET = "0x6031b6eed1c97e853c6e0f03ad3ce3529351f96d"


def served_as(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of v1 as the multiset that gold.trades should hold."""
    frame = pl.DataFrame(
        {
            "transaction_hash": [row["transactionHash"].lower() for row in rows],
            "proxy_wallet": [row["proxyWallet"].lower() for row in rows],
            "condition_id": [row["conditionId"].lower() for row in rows],
            "token_id": [row["asset"] for row in rows],
            "side": [row["side"] for row in rows],
            "timestamp": [row["timestamp"] for row in rows],
            "size": [float(row["size"]) for row in rows],
            "price": [float(row["price"]) for row in rows],
        }
    )
    return comparable(frame)


def moment(text: str | None) -> datetime | None:
    """A time as Gamma writes it, as the warehouse holds it: UTC without a zone."""
    if not text:
        return None
    text = text + ":00" if text.endswith("+00") else text
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def decoded(text: str | None) -> list[str] | None:
    return None if text is None else json.loads(text)


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """A user who has fetched all captured markets, events and trades over HTTP."""
    markets = real.rows_of(*real.MARKETS)
    events = real.rows_of(*real.EVENTS)
    whole = {event["id"] for event in events}
    more = [e for e in real.embedded_events(markets) if e["id"] not in whole]
    folder = real.Folder(tmp_path_factory.mktemp("payloads"))
    folder.catalogue(markets, [*events, *more])
    folder.trades(real.rows_of(*real.TRADES))
    folder.route("/clob/markets", [], wrap="clob")
    with sandbox_server(payloads=folder.path, **SANDBOX) as box:
        user = Home(tmp_path_factory.mktemp("home"), box, SETTINGS)
        summary = user.fetch()
        assert (summary["exit_code"], summary["failures"]) == (0, [])
        user.ingest()
        yield user


def test_every_captured_market_is_known_by_its_values(user):
    captured = real.rows_of(*real.MARKETS)
    for event in real.rows_of(*real.EVENTS):
        captured += event["markets"]
    assert len({item["id"] for item in captured}) > 1_200
    rows = user.ask(
        "select *, (select list(distinct token_id) from silver.MarketTokenDim t"
        " where t.market_key = m.market_key) as tokens from silver.MarketDim m"
    )
    known = {row["gamma_id"]: row for row in rows.to_dicts()}
    said: dict[str, list[dict]] = {}
    for item in captured:
        said.setdefault(item["id"], []).append(item)
    differ = [
        id
        for id, items in said.items()
        if not any(is_market(known[id], item) for item in items)
    ]
    assert differ == []


def is_market(row: dict, item: dict) -> bool:
    """Whether a row of MarketDim says what a captured market said."""
    prices = decoded(item.get("outcomePrices"))
    tokens = decoded(item.get("clobTokenIds"))
    return (
        row["condition_id"] == item["conditionId"].lower()
        and row["question"] == item.get("question")
        and row["slug"] == item.get("slug")
        and row["description"] == item.get("description")
        and row["is_closed"] == item.get("closed")
        and row["is_neg_risk"] == item.get("negRisk")
        and row["outcomes"] == decoded(item.get("outcomes"))
        and row["token_ids"] == tokens
        and set(tokens or ()) <= set(row["tokens"] or ())
        and row["outcome_prices"] == (prices and [float(price) for price in prices])
        and row["start_at"] == moment(item.get("startDate"))
        and row["closed_at"] == moment(item.get("closedTime"))
        and ("volumeNum" not in item or row["volume"] == item["volumeNum"])
    )


def test_every_captured_event_is_known_by_its_values(user):
    rows = user.ask("select * from silver.EventDim").to_dicts()
    known = {row["event_id"]: row for row in rows}
    events = real.rows_of(*real.EVENTS)
    assert len(events) == 11
    for event in events:
        row = known[event["id"]]
        assert row["title"] == event["title"]
        assert row["slug"] == event["slug"]
        assert row["description"] == event["description"]
        assert row["is_closed"] == event["closed"]
        assert row["volume"] == event.get("volume")
        assert row["end_at"] == moment(event["endDate"])
        tags = [tag["slug"] for tag in event.get("tags") or ()]
        assert (row["tag_slugs"] or []) == tags
    embedded = real.embedded_events(real.rows_of(*real.MARKETS))
    assert {event["id"] for event in embedded} <= set(known)


def test_every_captured_trade_is_there_once_with_its_values(user):
    captured = real.rows_of(*real.TRADES)
    assert len(captured) == 2_292 + 100 + 4
    assert same(user.held(), served_as(captured))
    questions = user.ask("select distinct condition_id, question from gold.trades")
    assert set(questions.rows()) == {
        (row["conditionId"], row["title"]) for row in captured
    }


def test_no_captured_market_is_complete_whose_volume_is_not_held(user):
    # the captured trades are a small part of what these markets have traded
    wrong = user.ask(
        "select condition_id, volume, status from gold.market_completeness"
        " join silver.MarketDim using (condition_id)"
        " where status = 'complete' and volume > 1 and condition_id not in"
        " (select condition_id from gold.trades)"
    )
    assert wrong.is_empty(), wrong


def test_equal_rows_of_one_trader_are_fills_of_their_own(tmp_path):
    """One real trader bought up to nine times the same in one second."""
    rows = real.one_traders_fills(WALLET)
    assert len(rows) == 32_046
    expected = served_as(rows)
    again = expected.group_by(IDENTITY).len().filter(pl.col("len") > 1)
    assert (again.height, again["len"].max()) == (2_021, 9)
    folder = real.Folder(tmp_path / "payloads").trades(rows)
    with sandbox_server(payloads=folder.path, **SANDBOX) as box:
        user = Home(tmp_path, box, SETTINGS)
        walk = ("--mode", "trades", "--wallet", WALLET)
        user.fetch(*walk)
        user.ingest()
        assert same(user.held(), expected)
        second = user.fetch(*walk)["datasets"]["trades"]
        assert (second["rows_seen"], second["rows_new"]) == (32_046, 0)
        user.ingest("--rebuild")
        assert same(user.held(), expected)
        numbered = user.ask(
            f"select {', '.join(IDENTITY).replace('timestamp', 'traded_at')},"
            " count(*) as fills, count(distinct occurrence) as numbers,"
            " min(occurrence) as lowest, max(occurrence) as greatest"
            " from gold.trades group by all"
        )
        counted = pl.all_horizontal(
            pl.col("lowest") == 1,
            pl.col("greatest") == pl.col("fills"),
            pl.col("numbers") == pl.col("fills"),
        )
        assert numbered.select(counted.all()).item()


def test_a_page_repeated_beyond_the_cap_counts_once_and_leaves_its_markets_partial(
    tmp_path,
):
    """Of ten captured pages the last eight are one: the offset had met its cap.

    A pack that meets the cap is walked market by market. Of a single market the capture
    holds no second page, so whatever offset is asked for, it is given its first again.
    The last market is made up: it has all the captured rows, and so three pages.
    """
    rows = real.capped_rows()
    assert len(rows) == 5_000
    pages = [rows[at : at + 500] for at in range(0, 5_000, 500)]
    assert pages[2:] == [pages[2]] * 8
    tape = rows[:1_500]
    markets = {row["conditionId"]: row for row in tape}
    assert len(markets) == 20
    whole = real.placeholder("condition", "all twenty markets")
    as_one = [{**row, "conditionId": whole} for row in tape]
    markets[whole] = as_one[0]
    stubs = [
        {"id": str(7_000_000 + n), "conditionId": condition, "slug": row["slug"]}
        | {"question": row["title"], "closed": True, "volumeNum": 0}
        for n, (condition, row) in enumerate(markets.items())
    ]
    folder = real.Folder(tmp_path / "payloads").catalogue(stubs)
    folder.route("/data/v2/.*", {"error": "gone"}, status=404)
    capped(folder, as_one, {"market": whole})
    for condition in markets:
        page = [row for row in tape if row["conditionId"] == condition]
        folder.route("/data/trades", page, query={"market": condition})
    capped(folder, tape, {})
    with sandbox_server(payloads=folder.path, **SANDBOX) as box:
        user = Home(tmp_path, box, SETTINGS)
        chosen = [text for market in markets for text in ("--market", market)]
        user.fetch("--mode", "trades", *chosen)
        user.ingest()
        assert same(user.held(), served_as([*tape, *as_one]))
        judged = user.ask("select status, reason from gold.market_completeness")
        assert judged.unique().rows() == [("partial", "offset_cap")]
        assert judged.height == 21


def capped(folder: real.Folder, tape: list[dict], query: dict[str, str]) -> None:
    """Answer as v1 did: from an offset of 1,000 on, the same page again and again.

    The offsets are those that our client asks for, pages of 500 that overlap by 50.
    """
    for offset in (0, 450, 900):
        page = tape[offset : offset + 500]
        folder.route("/data/trades", page, query={**query, "offset": str(offset)})
    folder.route("/data/trades", tape[1_000:], query=query)


def test_a_million_rows_of_five_pages_are_the_trades_that_one_page_shows(tmp_path):
    """Five pages of 500, each fetched some 400 times by workers side by side.

    Of the 2,500 trades 29 look like another one without the hash, which the capture
    lacks: the placeholder made of a row's content keeps them equal. Distinct rows would
    say 2,471; the most that any page shows says 2,500.
    """
    rows = real.million_rows()
    assert rows.height == 1_000_000
    shown = rows.group_by([*IDENTITY, "answer"]).len()
    most = shown.group_by(IDENTITY).agg(pl.col("len").max())
    assert (most.height, most["len"].sum()) == (2_471, 2_500)
    with sandbox_server(**SANDBOX) as box:
        user = Home(tmp_path, box)
        store(user, rows)
        user.ingest()
        held = user.held()
        assert held.height == 2_500
        counted = held.group_by(IDENTITY).len()
        both = comparable_counts(most).join(
            comparable_counts(counted), on=[*IDENTITY, "len"], how="anti"
        )
        assert both.is_empty()


def comparable_counts(counted: pl.DataFrame) -> pl.DataFrame:
    return counted.with_columns(
        pl.col("size", "price").round(6), pl.col("len").cast(pl.Int64)
    )


def store(user: Home, rows: pl.DataFrame) -> None:
    """Put every answer into the lake as a walk of one page, by its own writer."""
    schema = DATASETS["trades"].schema
    known = pa.Table.from_batches(
        rows.select([*IDENTITY, "answer"]).to_arrow().to_batches()
    )
    began = 1_765_460_000.0
    lake = Lake.open(user.folder / "data", DATASETS)
    with (
        lake,
        CursorFile.open(user.folder / "cursor.json") as cursor,
        lake.writer(cursor) as writer,
    ):
        for number in range(2_000):
            page = known.slice(number * 500, 500)
            walk_id = new_walk_id("legacy", now=began + number)
            time = datetime.fromtimestamp(began + number, UTC)
            added = {
                "walk_id": pa.repeat(walk_id, 500),
                "page_no": pa.repeat(pa.scalar(0, pa.int32()), 500),
                "row_no": pa.array(range(500), pa.int32()),
                "fetched_at": pa.repeat(
                    pa.scalar(time, pa.timestamp("us", "UTC")), 500
                ),
            }
            columns = [
                added[field.name].cast(field.type)
                if field.name in added
                else page[field.name].cast(field.type)
                if field.name in IDENTITY
                else pa.nulls(500, field.type)
                for field in schema
            ]
            table = pa.Table.from_arrays(columns, schema=schema)
            oldest = pc.min(page["timestamp"]).as_py()
            ended = Progress("trades", walk_id, (), None, oldest, ended=True)
            writer.put(Batch({"trades": table}, (ended,)))
