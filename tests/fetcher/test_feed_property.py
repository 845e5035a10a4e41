"""What the feed's account claims to be covered is covered, whatever happens."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fetcher.answer import Answer
from fetcher.errors import Refused
from fetcher.polymarket.asking import CursorRefused, ask
from fetcher.polymarket.chain import Chain
from fetcher.polymarket.feed import Feed
from fetcher.polymarket.feed_walk import FeedSource, first_feed, walk_feed
from fetcher.polymarket.trade_rows import read_page
from fetcher.polymarket.version import DataService
from lake.batch import Batch

START = int(datetime(2026, 1, 20, tzinfo=UTC).timestamp())
DAY = 86_400
LAG = 5


class Exchange:
    """A feed of pages of three; the current and the previous month are served."""

    def __init__(self, *, traces: bool = True, ages: bool = True) -> None:
        self.now = START
        self.traces, self.ages = traces, ages
        self.rows: list[tuple[int, int]] = []  # (second, number)
        self.on_time: set[int] = set()
        self.numbers = count()
        self.era = 0
        self.cached: tuple[int, dict] | None = None
        self.pages = count()

    def trade(self, second: int, *, on_time: bool) -> None:
        number = next(self.numbers)
        self.rows.append((second, number))
        if on_time:
            self.on_time.add(number)

    def load(self, path, params, parse, *, groups):
        asked = dict(params)
        assert asked["taker_only"] == "false"
        if "cursor" not in asked:
            if self.cached is None or self.now - self.cached[0] > 300:
                self.cached = (self.now, self.page(None))
            then, page = self.cached
        else:
            era, second, number = map(int, asked["cursor"].split(":"))
            if era != self.era:
                raise Refused("invalid cursor", status=400)
            then, page = self.now, self.page((second, number))
        answer = Answer(
            body=b"",
            status=200,
            age_seconds=self.now - then if self.ages else None,
            trace_id=page["trace"] if self.traces else None,
            request=path,
            fetched_at=datetime.fromtimestamp(self.now, UTC),
            attempts=1,
        )
        return answer, parse(json.dumps(page).encode())

    def page(self, below: tuple[int, int] | None) -> dict:
        today = datetime.fromtimestamp(self.now, UTC)
        year, month = divmod(today.year * 12 + today.month - 2, 12)
        oldest = datetime(year, month + 1, 1, tzinfo=UTC).timestamp()
        found = sorted(
            (
                row
                for row in self.rows
                if row[0] >= oldest and (not below or row < below)
            ),
            reverse=True,
        )
        here = found[:3]
        more = len(found) > 3
        cursor = f"{self.era}:{here[-1][0]}:{here[-1][1]}" if more else None
        return {
            "data": [row_json(second, number) for second, number in here],
            "pagination": {"has_more": more, "next_cursor": cursor},
            "trace": f"trace-{next(self.pages)}",
        }


def row_json(second: int, number: int) -> dict:
    return {
        "proxy_wallet": "0xa",
        "side": "BUY",
        "token_id": "1",
        "condition_id": "0xc",
        "size": 1,
        "price": 0.5,
        "timestamp": second,
        "transaction_hash": str(number),
    }


class Lake:
    """What is durable: rows, the account, saved chains, markets that are due."""

    def __init__(self) -> None:
        self.held: set[int] = set()
        self.feed: Feed | None = None
        self.chains: dict[str, Chain] = {}

    def put(self, batch: Batch) -> None:
        if "trades" in batch.rows:
            hashes = batch.rows["trades"]["transaction_hash"].to_pylist()
            self.held |= {int(text) for text in hashes}
        for walk_id, saved in batch.cursor.walks.items():
            if saved is None:
                self.chains.pop(walk_id, None)
            else:
                round_trip = json.loads(json.dumps(saved))
                self.chains[walk_id] = Chain.load(walk_id, round_trip)
        for value in batch.cursor.values.values():
            self.feed = Feed.load(json.loads(json.dumps(value)))


def source_of(exchange: Exchange, overlap: int) -> FeedSource:
    return FeedSource(
        dataset="trades",
        ask=lambda chain: ask(exchange, chain),
        service=DataService("v2", LAG, 0.0, lambda: exchange.now),
        storage=None,
        overlap_seconds=overlap,
        margin_seconds=2,
    )


def run(exchange: Exchange, lake: Lake, pages: int, *, overlap: int = 30) -> None:
    source = source_of(exchange, overlap)
    if lake.feed is None:
        _, batch = first_feed(source)
        lake.put(batch)
        return
    batches = walk_feed(source, lake.feed, dict(lake.chains))
    for number, batch in enumerate(batches, start=1):
        lake.put(batch)
        if number >= pages:
            break  # stopped or killed: what comes after is not durable


def claimed(feed: Feed, second: int) -> bool:
    return feed.covered_from <= second <= feed.watermark or any(
        one.reached < second <= one.top for one in feed.intervals
    )


ACTIONS = st.one_of(
    st.tuples(st.just("trade"), st.integers(0, LAG)),
    st.tuples(st.just("late"), st.integers(60, 3 * DAY)),
    st.tuples(
        st.just("wait"), st.sampled_from([1, 3, 20, 100, 4_000, 9 * DAY, 40 * DAY])
    ),
    st.tuples(st.just("run"), st.sampled_from([1, 2, 3, 1_000, 1_000])),
    st.tuples(st.just("refuse"), st.just(0)),
    st.tuples(st.just("markets"), st.just(0)),
)


CACHED_PAGE = [("run", 9), ("trade", 0), ("wait", 20), ("run", 9)]


@settings(max_examples=150, deadline=None)
@example(CACHED_PAGE, 30, (True, False))
@example(CACHED_PAGE, 30, (False, True))
@given(
    st.lists(ACTIONS, max_size=60),
    st.sampled_from([0, 30]),
    st.sampled_from([(True, False), (False, True), (True, True)]),
)
def test_every_second_that_is_claimed_is_held(actions, overlap, told):
    traces, ages = told
    exchange, lake = Exchange(traces=traces, ages=ages), Lake()
    run(exchange, lake, 1)
    for action, number in actions:
        if action == "trade":  # indexed up to LAG seconds after it happened
            exchange.trade(exchange.now - number, on_time=True)
        elif action == "late":
            exchange.trade(exchange.now - number, on_time=False)
        elif action == "wait":
            exchange.now += number
        elif action == "refuse":
            exchange.era += 1
        elif action == "run":
            run(exchange, lake, number, overlap=overlap)
        elif lake.feed.gap is not None:
            lake.held |= {n for _, n in exchange.rows}
            lake.feed = lake.feed.gap_closed()
        missing = {
            (second, n)
            for second, n in exchange.rows
            if n in exchange.on_time
            and n not in lake.held
            and claimed(lake.feed, second)
            and second > lake.feed.covered_from
        }
        assert not missing, lake.feed


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, max_size=40))
def test_a_whole_run_leaves_nothing_open_but_a_gap(actions):
    exchange, lake = Exchange(), Lake()
    run(exchange, lake, 1)
    for action, number in actions:
        if action in ("trade", "late"):
            exchange.trade(exchange.now - number, on_time=action == "trade")
        elif action == "wait":
            exchange.now += number
        elif action == "refuse":
            exchange.era += 1
        elif action == "run":
            run(exchange, lake, number)
    run(exchange, lake, 1_000)
    assert all(one is lake.feed.gap for one in lake.feed.intervals)
    assert not lake.chains
    if lake.feed.gap is not None:
        lake.feed = lake.feed.gap_closed()
    exchange.now += 10_000
    run(exchange, lake, 1_000)
    assert lake.feed.watermark >= exchange.now - 300 - LAG - 2 or lake.feed.gap


def test_a_chain_ends_only_after_the_whole_second_of_its_floor():
    feed = Feed(covered_from=0, watermark=100).opened(
        "f1", top=200, floor=100, reached=150
    )
    assert feed.passed("f1", 100).intervals
    assert not feed.passed("f1", 99).intervals


def test_a_refused_cursor_is_tried_once_more():
    exchange = Exchange()
    for second in range(10):
        exchange.trade(START - second, on_time=True)
    asked = []
    original = exchange.load

    def load(path, params, parse, *, groups):
        asked.append(dict(params).get("cursor"))
        return original(path, params, parse, groups=groups)

    exchange.load = load
    chain = Chain("f1", "trades", "feed", {"taker_only": "false"}, ("*",), START)
    _, page = ask(exchange, chain)
    exchange.era += 1
    with pytest.raises(CursorRefused, match="starts again from the top"):
        ask(exchange, Chain(**{**vars(chain), "cursor": page.next_cursor}))
    assert asked == [None, page.next_cursor, page.next_cursor]


def test_reading_the_page_keeps_the_row():
    assert read_page(json.dumps({"data": [row_json(START, 1)]}).encode()).served == 1
