"""What the price feeds say, read with all of its quirks."""

from __future__ import annotations

import json

import pytest

from fetcher.live.coinbase import Coinbase, microseconds
from fetcher.live.feeds import FeedRefused, plain, scaled
from fetcher.live.polybolt import Credentials, PolyBolt
from fetcher.live.rtds import BINANCE, CHAINLINK, TOPICS, TWAP, Rtds


def said(feed, message) -> list:
    return feed.read(json.dumps(message).encode()).ticks


TICKER = {
    "type": "ticker",
    "sequence": 37475248783,
    "product_id": "BTC-USD",
    "price": "61285.22",
    "best_bid": "61285.04",
    "best_ask": "61285.27",
    "side": "buy",
    "time": "2022-10-19T23:28:22.061769Z",
    "trade_id": 370843401,
    "last_size": "11.4396987",
}


def test_a_ticker_of_coinbase_is_read_to_its_microsecond():
    [tick] = said(Coinbase(["BTC-USD"]), TICKER)
    assert (tick.source, tick.symbol, tick.price) == ("coinbase", "BTC-USD", 61285.22)
    assert tick.exchange_at_us == 1666222102061769
    assert (tick.trade_id, tick.size, tick.side) == (370843401, 11.4396987, "buy")
    assert json.loads(tick.extra) == {"best_bid": "61285.04", "best_ask": "61285.27"}


def test_the_first_ticker_may_lack_what_is_of_a_trade():
    bare = {k: TICKER[k] for k in ("type", "product_id", "price", "time", "sequence")}
    [tick] = said(Coinbase(["BTC-USD"]), bare)
    assert tick.trade_id is tick.size is tick.side is None


def test_a_trade_that_two_heartbeats_name_and_no_ticker_did_is_missing():
    feed = Coinbase(["BTC-USD"])
    said(feed, TICKER)

    def beat(last: int) -> int:
        message = {
            "type": "heartbeat",
            "product_id": "BTC-USD",
            "last_trade_id": last,
            "sequence": 1,
            "time": TICKER["time"],
        }
        return feed.read(json.dumps(message).encode()).missed

    assert beat(370843401) == 0
    assert beat(370843402) == 0, "its ticker may be on its way"
    assert beat(370843402) == 1
    assert beat(370843402) == 0, "it is told once"


def test_a_refusal_of_coinbase_is_told_in_its_words():
    with pytest.raises(FeedRefused, match="Failed to subscribe: XYZ-USD is not valid"):
        said(
            Coinbase(["XYZ-USD"]),
            {
                "type": "error",
                "message": "Failed to subscribe",
                "reason": "XYZ-USD is not valid",
            },
        )


def test_a_product_that_coinbase_does_not_know_is_left_out_the_next_time():
    feed = Coinbase(["BTC-USD", "XYZ-USD"])

    def asked() -> list[str]:
        return json.loads(feed.opening()[0])["product_ids"]

    assert asked() == ["BTC-USD", "XYZ-USD"]
    why = "XYZ-USD is not a valid product"
    with pytest.raises(FeedRefused):
        said(feed, {"type": "error", "message": "Failed to subscribe", "reason": why})
    assert asked() == ["BTC-USD"]


def test_each_topic_of_the_relay_has_a_name_of_its_own_in_errors():
    names = {Rtds(topic, ["btc"]).service for topic in TOPICS}
    assert names == {"rtds_chainlink", "rtds_chainlink_twap", "rtds_binance"}


def test_the_relay_is_asked_for_one_symbol_at_a_time_and_without_blanks():
    frames = [json.loads(text) for text in Rtds(CHAINLINK, ["btc", "eth"]).opening()]
    [first, second] = [frame["subscriptions"] for frame in frames]
    assert first == [
        {
            "topic": "crypto_prices_chainlink",
            "type": "*",
            "filters": '{"symbol":"btc/usd"}',
        }
    ]
    assert second[0]["filters"] == '{"symbol":"eth/usd"}'


def test_a_price_of_chainlink_keeps_all_its_digits():
    [tick] = said(
        Rtds(CHAINLINK, ["btc"]),
        {
            "topic": "crypto_prices_chainlink",
            "type": "update",
            "timestamp": 1780730269142,
            "payload": {
                "symbol": "btc/usd",
                "timestamp": 1780730269000,
                "value": 61035.86,
                "full_accuracy_value": "61035861234567890123456",
            },
        },
    )
    assert tick.price_text == "61035.861234567890123456"
    assert tick.exchange_at_us == 1780730269000000
    assert tick.source == "chainlink"


def test_the_snapshot_of_chainlink_is_its_own_though_labelled_as_another():
    ticks = said(
        Rtds(CHAINLINK, ["btc"]),
        {
            "topic": "crypto_prices",
            "type": "subscribe",
            "timestamp": 1,
            "payload": {
                "symbol": "btc/usd",
                "data": [
                    {"timestamp": 1780726209000, "value": 61164.12},
                    {"timestamp": 1780726210000, "value": 61161},
                ],
            },
        },
    )
    assert [(t.source, t.message_type, t.price_text) for t in ticks] == [
        ("chainlink", "snapshot", "61164.12"),
        ("chainlink", "snapshot", "61161"),
    ]


def test_binance_writes_decimals_and_averages_name_their_window():
    update = {
        "topic": "crypto_prices",
        "type": "update",
        "payload": {
            "symbol": "btcusdt",
            "timestamp": 1780730269000,
            "value": 61035.86,
            "full_accuracy_value": "61035.86000000",
        },
    }
    [binance] = said(Rtds(BINANCE, ["btc"]), update)
    assert (binance.price_text, binance.window_seconds) == ("61035.86", None)
    update["payload"] |= {"full_accuracy_value": "100000500000000000000000"}
    [average] = said(Rtds(TWAP, ["btc"]), update)
    assert (average.source, average.price_text) == ("chainlink_twap", "100000.5")
    assert average.window_seconds == 60


@pytest.mark.parametrize("nothing", [b"", b" ", b"PONG"])
def test_what_acknowledges_says_nothing(nothing):
    for feed in (Rtds(BINANCE, ["btc"]), Coinbase(["BTC-USD"])):
        assert not feed.read(nothing).ticks


def test_a_poisoned_batch_of_the_relay_is_a_refusal():
    with pytest.raises(FeedRefused, match="401"):
        said(Rtds(BINANCE, ["btc"]), {"statusCode": 401, "message": "no"})


def polybolt() -> PolyBolt:
    return PolyBolt(["btc"], Credentials("key", "hidden", "words"))


def test_polybolt_is_asked_for_prices_once_it_knows_who_asks():
    feed = polybolt()
    [auth] = [json.loads(text) for text in feed.opening()]
    assert auth["auth"] == {"apiKey": "key", "secret": "hidden", "passphrase": "words"}
    [asked] = feed.read(b'{"op":"authed","rid":"1"}').answer
    channels = {one["channel"] for one in json.loads(asked)["subscriptions"]}
    assert channels == {"price.crypto", "price.crypto.twap"}


def test_polybolts_word_that_a_channel_is_subscribed_to_is_no_damaged_price():
    heard = polybolt().read(b'{"op":"subscribed","channel":"price.crypto","rid":"2"}')
    assert (heard.ticks, heard.missed, heard.answer) == ([], 0, [])


def test_wrong_credentials_of_polybolt_are_told_with_where_they_come_from():
    with pytest.raises(FeedRefused, match=r"auth_failed\. Check POLYLAKE_POLYBOLT_KEY"):
        said(polybolt(), {"op": "error", "rid": "1", "code": "auth_failed"})


def test_polybolt_tells_what_is_missing_by_its_numbers():
    feed = polybolt()

    def update(seq: int, **more) -> dict:
        payload = {"symbol": "btcusd", "value": 61.5, "timestamp": 1780730269000}
        return {
            "v": 1,
            "channel": "price.crypto",
            "seq": seq,
            "payload": payload,
        } | more

    def missed(message) -> int:
        return feed.read(json.dumps(message).encode()).missed

    assert missed(update(7)) == 0
    assert missed(update(8)) == 0
    assert missed(update(11)) == 2
    assert missed(update(12, dropped=5)) == 5
    feed.opening()
    assert missed(update(1)) == 0, "they begin anew on each connection"


def test_credentials_are_all_there_or_none_and_are_never_shown():
    whole = {
        "POLYLAKE_POLYBOLT_KEY": "k",
        "POLYLAKE_POLYBOLT_SECRET": "hidden",
        "POLYLAKE_POLYBOLT_PASSPHRASE": "p",
    }
    found = Credentials.of(whole)
    assert "hidden" not in repr(found)
    assert Credentials.of(whole | {"POLYLAKE_POLYBOLT_SECRET": ""}) is None


@pytest.mark.parametrize("wrong", ["much", "NaN", "-1", "0", "inf"])
def test_what_is_no_price_is_refused(wrong):
    with pytest.raises(ValueError, match="no price"):
        plain(wrong)


def test_prices_are_plain_decimals():
    assert plain("1e3") == (1000.0, "1000")
    assert plain("61035.8600")[1] == "61035.86"
    assert scaled("1")[1] == "0.000000000000000001"
    assert microseconds("2022-10-19T23:28:22Z") == 1666222102000000
