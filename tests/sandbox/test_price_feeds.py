"""Prices of crypto assets: RTDS, Coinbase, PolyBolt, and that they agree."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise

import pytest
import requests
from listening import listening
from websockets.exceptions import ConnectionClosed

from sandbox.live.polybolt import CREDENTIALS
from sandbox.live.prices import E18, chainlink, twap
from sandbox.live.ticks import ticks
from sandbox.testing import sandbox_server

CHAINLINK = {"topic": "crypto_prices_chainlink", "type": "*",
             "filters": '{"symbol":"btc/usd"}'}  # fmt: skip
TWAP = CHAINLINK | {"topic": "crypto_prices_twap_sixty"}
BINANCE = {"topic": "crypto_prices", "type": "update",
           "filters": '{"symbol":"btcusdt"}'}  # fmt: skip


@pytest.fixture(scope="module")
def server():
    with sandbox_server() as made:
        yield made


@pytest.fixture
def box(server):
    server.forget_sent()
    server.call(lambda service: setattr(service.live, "patience", 5.0))
    return server


def ask_rtds(socket, *subscriptions):
    socket.say({"action": "subscribe", "subscriptions": list(subscriptions)})


def heard(box, socket, seconds):
    """What comes within so much simulated time."""
    socket.sync(box)
    box.advance(seconds)
    return socket.sync(box)


# -- RTDS ----------------------------------------------------------------------------


def test_rtds_begins_with_an_empty_frame_and_the_last_minute(box):
    with listening(box, "/rtds") as one:
        ask_rtds(one, CHAINLINK)
        assert one.text() == ""
        first = one.hear()
    assert (first["topic"], first["type"]) == ("crypto_prices", "subscribe")
    assert first["payload"]["symbol"] == "btc/usd"
    times = [point["timestamp"] for point in first["payload"]["data"]]
    assert 45 < len(times) <= 61
    assert times == sorted(times)
    assert "connection_id" not in first


def test_rtds_updates_carry_all_digits_in_units_of_their_own(box):
    with listening(box, "/rtds") as one:
        ask_rtds(one, CHAINLINK, TWAP, BINANCE)
        updates = [m for m in heard(box, one, 30) if m["type"] == "update"]
    for update in updates:
        payload = update["payload"]
        second = payload["timestamp"] // 1_000
        full = payload["full_accuracy_value"]
        if update["topic"] == "crypto_prices":
            assert float(full) == payload["value"]
            assert len(full.split(".")[1]) == 8
        elif update["topic"] == "crypto_prices_chainlink":
            assert int(full) / E18 == payload["value"]
        else:
            assert int(full) == twap("btc", second)
            assert payload["window_s"] == 60
        assert update["connection_id"]
    assert {u["topic"] for u in updates} == {
        "crypto_prices", "crypto_prices_chainlink", "crypto_prices_twap_sixty",
    }  # fmt: skip


def test_chainlink_misses_seconds_comes_late_disordered_and_corrected(box):
    with listening(box, "/rtds") as one:
        ask_rtds(one, CHAINLINK)
        updates = [m for m in heard(box, one, 3_000) if m["type"] == "update"]
    seconds = [m["payload"]["timestamp"] // 1_000 for m in updates]
    assert 0.9 < len(set(seconds)) / 3_000 < 0.98
    delays = [m["timestamp"] - m["payload"]["timestamp"] for m in updates]
    assert min(delays) >= 800
    assert any(later < before for before, later in pairwise(seconds))
    last = {s: m["payload"] for s, m in zip(seconds, updates, strict=True)}
    assert len(last) < len(seconds)  # corrected: the later one holds
    assert all(int(p["full_accuracy_value"]) == chainlink("btc", s)
               for s, p in last.items())  # fmt: skip


def test_whitespace_in_a_filter_stops_updates_and_a_list_gives_nothing(box):
    spaced = BINANCE | {"filters": '{"symbol": "btcusdt"}'}
    with listening(box, "/rtds") as one:
        ask_rtds(one, spaced)
        assert [m["type"] for m in heard(box, one, 20)] == []
        assert one.snapshots == 1
    with listening(box, "/rtds") as two:
        ask_rtds(two, BINANCE | {"filters": '{"symbol":"btcusdt,ethusdt"}'})
        assert heard(box, two, 20) == []
        assert two.snapshots == 0


def test_one_bad_topic_poisons_the_batch(box):
    with listening(box, "/rtds") as one:
        ask_rtds(one, CHAINLINK, {"topic": "crypto_price", "type": "*"})
        assert one.hear()["statusCode"] == 401
        assert heard(box, one, 20) == []


def test_a_frozen_feed_is_connected_and_silent(box):
    with listening(box, "/rtds") as one:
        ask_rtds(one, BINANCE)
        one.sync(box)
        box.live("freeze", channel="rtds")
        assert heard(box, one, 30) == []
    assert box.sent().filter(box.sent()["withheld"] == "frozen").height > 20


# -- Coinbase ------------------------------------------------------------------------


def ask_coinbase(socket, *channels, products=("BTC-USD",)):
    socket.say({"type": "subscribe", "product_ids": list(products),
                "channels": list(channels)})  # fmt: skip


def test_coinbase_answers_with_subscriptions_and_the_last_trade(box):
    with listening(box, "/coinbase") as one:
        ask_coinbase(one, "ticker", "heartbeat")
        listed = one.hear()
        assert listed["type"] == "subscriptions"
        assert {c["name"] for c in listed["channels"]} == {"ticker", "heartbeat"}
        assert one.hear()["type"] == "ticker"


def test_tickers_jump_in_sequence_and_heartbeats_tell_what_was_missed(box):
    with listening(box, "/coinbase") as one:
        ask_coinbase(one, "ticker", "heartbeat")
        frames = heard(box, one, 60)
    tickers = [m for m in frames if m["type"] == "ticker"]
    beats = [m for m in frames if m["type"] == "heartbeat"]
    assert len(beats) == 60
    steps = [b["sequence"] - a["sequence"] for a, b in pairwise(tickers)]
    assert min(steps) > 1
    ids = [m["trade_id"] for m in tickers]
    assert ids == sorted(ids)
    assert 100 < len(ids) < beats[-1]["last_trade_id"] - beats[0]["last_trade_id"] + 3


def test_coinbase_refuses_in_words_and_dismisses_the_silent(box):
    box.call(lambda service: setattr(service.live, "patience", 0.05))
    with listening(box, "/coinbase") as one:
        ask_coinbase(one, "ticker", products=["DOGE-PLN"])
        refused = one.hear()
        assert refused["type"] == "error"
        assert "DOGE-PLN" in refused["reason"]
        with pytest.raises(ConnectionClosed):
            one.hear()


def rest(box, path, **params):
    return requests.get(
        box.url(f"/coinbase-rest/products/BTC-USD/{path}"), params=params, timeout=10
    )


def test_candles_are_newest_first_without_empty_ones_and_bounded(box):
    now = box.now()
    rows = rest(box, "candles", granularity=60, start=now - 299 * 60, end=now).json()
    times = [row[0] for row in rows]
    assert times == sorted(times, reverse=True)
    assert 290 < len(times) < 300  # a quiet minute is not there
    assert all(row[1] <= min(row[3], row[4]) <= max(row[3], row[4]) <= row[2]
               for row in rows)  # fmt: skip
    inclusive = rest(box, "candles", granularity=60, start=now - 300 * 60, end=now)
    assert inclusive.status_code == 200
    refused = rest(box, "candles", granularity=60, start=now - 301 * 60, end=now)
    assert refused.status_code == 400
    assert "exceeds 300" in refused.json()["message"]
    assert rest(box, "candles", granularity=61).status_code == 400
    assert rest(box, "candles", granularity=60, start=now).json()[0][0] > now - 120


def test_trades_page_backwards_without_a_hole(box):
    first = rest(box, "trades", limit=100)
    ids = [row["trade_id"] for row in first.json()]
    more = rest(box, "trades", limit=100, after=first.headers["CB-AFTER"]).json()
    ids += [row["trade_id"] for row in more]
    assert ids == list(range(ids[0], ids[0] - 200, -1))


def test_a_candle_is_made_of_the_trades_of_its_minute(box):
    candle = rest(box, "candles", granularity=60).json()[3]
    rows = rest(box, "trades", limit=1_000).json()
    inside = [
        r
        for r in rows
        if 0 <= datetime.fromisoformat(r["time"]).timestamp() - candle[0] < 60
    ]
    prices = [float(row["price"]) for row in inside]
    assert [min(prices), max(prices), prices[-1], prices[0]] == candle[1:5]
    volume = sum(float(row["size"]) for row in inside)
    assert volume == pytest.approx(candle[5], abs=1e-7)


# -- PolyBolt ------------------------------------------------------------------------


def ask_polybolt(socket, channel="price.crypto", **wanted):
    socket.say({"op": "auth", "rid": "1", "auth": CREDENTIALS})
    assert socket.hear() == {"op": "authed", "rid": "1"}
    one = {"channel": channel, "filter": {"symbol": "btcusd", **wanted}}
    socket.say({"op": "subscribe", "rid": "2", "subscriptions": [one]})
    return socket.hear()


def test_polybolt_numbers_its_messages_and_begins_with_two_minutes(box):
    with listening(box, "/polybolt") as one:
        answer = ask_polybolt(one, "price.crypto.twap", window_seconds=60)
        assert answer == {
            "op": "subscribed",
            "channel": "price.crypto.twap",
            "rid": "2",
        }
        first = one.hear()
        assert first["snapshot"] is True
        assert 100 < len(first["payload"]["data"]) <= 121
        updates = heard(box, one, 30)
        assert [u["seq"] for u in updates] == list(range(2, len(updates) + 2))
    for update in updates:
        payload = update["payload"]
        assert float(payload["full_accuracy_value"]) == payload["value"]
        assert payload["value"] == twap("btc", payload["timestamp"] // 1_000) / E18
    with listening(box, "/polybolt") as again:
        ask_polybolt(again)
        assert again.hear()["seq"] == 1


def test_polybolt_says_what_it_dropped(box):
    with listening(box, "/polybolt") as one:
        ask_polybolt(one)
        last = heard(box, one, 5)[-1]["seq"]
        box.live("drop", count=3, channel="polybolt")
        after = heard(box, one, 20)
    assert after[0]["seq"] == last + 4
    assert after[0]["dropped"] == 3
    assert all("dropped" not in one for one in after[1:])


def test_polybolt_refuses_wrong_credentials_and_too_many_wishes(box):
    with listening(box, "/polybolt") as one:
        one.say({"op": "subscribe", "channel": "price.crypto",
                 "filter": {"symbol": "btcusd"}})  # fmt: skip
        assert one.hear()["code"] == "auth_required"
        one.say({"op": "auth", "auth": CREDENTIALS | {"secret": "other"}})
        assert one.hear()["code"] == "auth_failed"
        assert one.until_closed() == []
        assert one.socket.close_code == 4001
    with listening(box, "/polybolt") as two:
        ask_polybolt(two)
        two.say(json.dumps({"op": "ping", "pad": "x" * (64 << 10)}))
        two.until_closed()
        assert two.socket.close_code == 4008


def test_ticks_arrive_in_order_and_are_the_same_in_parts():
    begin = 1_795_262_400_000
    whole = ticks("chainlink", "btc", begin, begin + 600_000)
    arrivals = [tick.arrives for tick in whole]
    assert arrivals == sorted(arrivals)
    borders = [
        begin,
        begin + 123_456,
        begin + 123_457,
        begin + 400_001,
        begin + 600_000,
    ]
    parts = [ticks("chainlink", "btc", low, high) for low, high in pairwise(borders)]
    assert [tick for part in parts for tick in part] == whole
