"""Up/down windows without a gap, and that the feed decides them."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from sandbox.live.prices import E18, chainlink, settled, twap
from sandbox.testing import sandbox_server

SERIES = {("btc", 300): 10684, ("btc", 900): 10192, ("eth", 300): 10683,
          ("eth", 900): 10191}  # fmt: skip


@pytest.fixture(scope="module")
def server():
    with sandbox_server(live_series=2, cdn=False) as made:
        yield made


@pytest.fixture
def ask(server):
    import requests

    def get(path, **params):
        return requests.get(server.url(path), params=params, timeout=10)

    return get


def slug_of(asset, window, opens):
    return f"{asset}-updown-{window // 60}m-{opens}"


def test_every_window_of_the_clock_is_there_ahead_of_its_time(server, ask):
    now = server.now()
    for (asset, window), series in SERIES.items():
        for step in range(-2, 5):
            opens = now // window * window + step * window
            event = ask(f"/gamma/events/slug/{slug_of(asset, window, opens)}").json()
            assert event["series"][0]["id"] == str(series)
            market = ask(f"/gamma/markets/slug/{event['slug']}").json()
            assert json.loads(market["outcomes"]) == ["Up", "Down"]
            assert market["cryptoMarketConfig"]["asset"] == asset.upper()
            assert market["cryptoMarketConfig"]["twapLookbackSeconds"] == 60
            assert f"{asset}-usd-twap-60s" in market["resolutionSource"]
            assert market["closed"] == (opens + window + 16 <= now)
            listed = datetime.fromisoformat(market["createdAt"]).timestamp()
            assert 0 <= listed - (opens - 86_400) < 121


def test_the_series_lists_its_open_windows_in_keyset_pages(server, ask):
    rows, cursor = [], None
    while True:
        more = {"after_cursor": cursor} if cursor else {}
        page = ask("/gamma/events/keyset", series_id=10192, closed="false", limit=3,
                   **more).json()  # fmt: skip
        rows += page["events"]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    starts = sorted(int(row["slug"].rsplit("-", 1)[1]) for row in rows)
    assert starts == list(range(starts[0], starts[-1] + 1, 900))
    assert starts[0] <= server.now() < starts[-1]


def test_a_window_shows_its_strike_after_it_opened_and_settles_by_the_feed(server, ask):
    now = server.now()
    opens = now // 300 * 300 + 300
    paths = [f"/gamma/events/slug/{slug_of(a, 300, opens)}" for a in ("btc", "eth")]
    server.advance(opens + 1 - now)
    assert not any("eventMetadata" in ask(path).json() for path in paths)
    server.advance(3)
    for asset, path in zip(("btc", "eth"), paths, strict=True):
        event = ask(path).json()
        strike, final, up = settled(asset, opens, opens + 300)
        assert event["eventMetadata"] == {"priceToBeat": strike / E18}
        assert not event["closed"]
    server.advance(opens + 315 - server.now())
    assert not any(ask(path).json()["closed"] for path in paths)
    server.advance(2)
    for asset, path in zip(("btc", "eth"), paths, strict=True):
        event = ask(path).json()
        strike, final, up = settled(asset, opens, opens + 300)
        assert event["closed"]
        assert event["eventMetadata"]["finalPrice"] == final / E18
        prices = json.loads(event["markets"][0]["outcomePrices"])
        assert prices == (["1", "0"] if up else ["0", "1"])
        assert up == (final >= strike)
        slug = event["slug"]
        assert ask("/gamma/markets", slug=slug).json() == []
        assert ask(f"/gamma/markets/slug/{slug}").json()["closed"]


def test_books_lean_to_the_outcome_as_the_window_ends(server):
    def lean(service):
        found = []
        for market in service.world.listed:
            if market.asset and market.end_at < service.world.now + 3_600:
                at = (market.end_at - 1) * 1_000
                bid, ask = service.world.books.moment(market, at).book.best()
                found.append(((bid + ask) / 2 > 500) == (market.payouts[0] > 0))
        return found

    found = server.call(lean)
    assert sum(found) / len(found) > 0.9


def test_a_twap_is_the_mean_of_the_last_minute_of_chainlink():
    second = 1_795_262_400
    values = [chainlink("btc", second - back) for back in range(60)]
    assert 0 <= sum(values) // 60 - twap("btc", second) < 10**7


def test_some_windows_settle_late_when_switched_on():
    with sandbox_server(live_series=1, late_resolutions=0.5) as box:
        waits = box.call(
            lambda service: [
                m.closed_at - m.end_at for m in service.world.listed if m.asset
            ]
        )
    assert min(waits) == 16
    assert 0.2 < sum(wait > 300 for wait in waits) / len(waits) < 0.8


def test_windows_are_traded_at_what_the_feed_makes_them_worth(server):
    fills = server.truth()["fills"]
    markets = {m["condition_id"] for m in server.truth()["markets"].to_dicts()
               if "-updown-" in m["slug"]}  # fmt: skip
    mine = fills.filter(fills["condition_id"].is_in(list(markets)))
    assert mine.height > 200


def test_a_crowd_holds_positions_that_move_while_the_window_is_open():
    import requests

    def held(box, market):
        rows, cursor = [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            url = box.url("/data/v2/positions")
            params = {"condition": market.condition, "limit": 1_000, **more}
            page = requests.get(url, params=params, timeout=10).json()
            rows += page["data"]
            cursor = page["pagination"]["next_cursor"]
            if cursor is None:
                key = ("proxy_wallet", "outcome_index")
                return {tuple(r[k] for k in key): r["current_size"] for r in rows}

    with sandbox_server(live_series=0.2, live_crowd=400, cdn=False) as box:
        market = box.call(
            lambda service: next(
                m for m in service.world.listed
                if m.asset == "btc" and m.window == 900
                and m.end_at - 900 <= service.world.now < m.end_at
            )
        )  # fmt: skip
        box.advance(300)
        before = held(box, market)
        box.advance(300)
        after = held(box, market)
        url = box.url("/data/v2/holders")
        params = {"condition": market.condition, "limit": 1_000}
        page = requests.get(url, params=params, timeout=10).json()
    assert len({wallet for wallet, _ in after}) > 250
    assert sum(after.get(key) != size for key, size in before.items()) > 50
    holders = {(h["proxy_wallet"], h["outcome_index"]): h["amount"]
               for token in page["data"] for h in token["holders"]}  # fmt: skip
    assert {key: size for key, size in holders.items() if size >= 0.1} == after


def test_truth_tells_every_window_and_its_outcome_once_it_is_settled(server):
    truth = server.truth()
    windows = truth["updown"]
    now = server.now()
    settled_rows = windows.filter(windows["closed_at"] <= now)
    assert settled_rows["outcome"].null_count() == 0
    assert windows.filter(windows["closed_at"] > now)["outcome"].is_null().all()
    for row in settled_rows.iter_rows(named=True):
        asset = row["series"].split("-")[0]
        assert (row["outcome"] == "Up") == settled(
            asset, row["window_start"], row["window_end"]
        )[2]


def test_truth_tells_every_tick_that_arrived_since_the_start(server):
    ticks = server.truth()["ticks"]
    seconds = server.now() - 1_795_262_400
    chainlink_ticks = ticks.filter(
        (ticks["feed"] == "chainlink") & (ticks["asset"] == "btc")
    )
    assert 0.9 < chainlink_ticks["observed_ms"].n_unique() / seconds < 0.98


def test_trades_on_the_tape_are_the_fills_of_takers_and_books_follow(server):
    def trades(service):
        world = service.world
        market = max(
            (m for m in world.listed if m.window == 300 and m.closed(world.now)),
            key=lambda m: len(world.tape.of_market(m.index)),
        )
        begin, end = (market.end_at - market.window) * 1_000, market.end_at * 1_000
        happened = world.books.happenings(market, begin, end)
        told = sorted(h.trade.transaction_hash for h in happened if h.trade)
        fills = world.tape.fills
        rows = world.tape.of_market(market.index)
        inside = fills.timestamp[rows] >= begin // 1_000
        made = [row for row in rows[inside].tolist() if fills.is_taker[row]]
        kinds = [h.kind for h in happened if h.kind in ("trade", "book")]
        return told, sorted(fills.transaction_hash(row) for row in made), kinds

    told, made, kinds = server.call(trades)
    assert told == made
    assert told
    assert kinds[-1] == "book"
    assert 2 * kinds.count("book") > kinds.count("trade")
