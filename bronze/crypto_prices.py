"""Bronze prices of crypto assets: what each feed said, tick by tick."""

from __future__ import annotations

from lake.dataset import DOUBLE, INT32, INT64, LINEAGE, STRING, Column, Dataset

CRYPTO_PRICES = Dataset(
    name="crypto_prices",
    about="Prices of crypto assets as the feeds said them, a row a tick.",
    columns=(
        Column("received_at_ns", INT64, "when its frame arrived, unix nanoseconds"),
        Column("exchange_at_us", INT64, "when it was observed, unix microseconds"),
        Column(
            "source",
            STRING,
            "coinbase, coinbase_candle, chainlink, chainlink_twap, binance or polybolt",
        ),
        Column("symbol", STRING, "as the feed spells it: BTC-USD, btc/usd, btcusdt"),
        Column("price", DOUBLE, "dollars"),
        Column("price_text", STRING, "all digits the feed gave, as a plain decimal"),
        Column("size", DOUBLE, "size of the trade, or volume of the candle"),
        Column("open", DOUBLE, "dollars, of a candle; its close is the price"),
        Column("high", DOUBLE, "dollars, of a candle"),
        Column("low", DOUBLE, "dollars, of a candle"),
        Column("side", STRING, "buy or sell: the taker's side, where it is named"),
        Column("trade_id", INT64, "of the trade behind the tick, where it is named"),
        Column("sequence", INT64, "the feed's own count, where it has one"),
        Column("window_seconds", INT32, "of an average or a candle; null: spot"),
        Column("message_type", STRING, "snapshot: of before the subscription; update"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("source", "symbol", "received_at_ns"),
)
