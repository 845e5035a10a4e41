-- Every tick of the captured feeds of crypto prices, in its last word.
-- Grain: one row per source, symbol, window and moment, and of feeds that count
-- their ticks per tick.
-- Key: source, symbol, window_seconds, exchange_at, tick_no
-- Units: prices in dollars, times UTC.
-- Sources: silver.CryptoPriceFact
-- A feed that says two prices of one moment has corrected itself: the one that
-- was heard later stands here, both are in silver.
-- Columns:
-- source: coinbase, coinbase_candle, chainlink, chainlink_twap, binance or
--     polybolt
-- symbol: as the feed spells it: BTC-USD, btc/usd, btcusdt
-- asset: the asset, as all feeds share it: btc, eth, ...
-- price: dollars
-- price_exact: dollars, to the last of the digits that the feed gave
-- size: size of the trade, or volume of the candle
-- side: buy or sell: the taker's side; null: none is named
-- tick_no: number of the trade, or else the feed's own count; null: neither
-- window_seconds: of an average or a candle; null: a price of the moment
with

ticks as (
    select * from silver.CryptoPriceFact
),

final as (
    select
        source,
        symbol,
        window_seconds,
        tick_no,
        price,
        price_exact,
        size,
        received_at,
        exchange_at,
        regexp_extract(lower(symbol), '^([a-z0-9]+?)[-/_]?usd[tc]?$', 1)
            as asset,
        case is_buy
            when true then 'buy'
            when false then 'sell'
        end as side
    from ticks
    qualify
        row_number() over (
            partition by source, symbol, window_seconds, exchange_at, tick_no
            order by received_at desc, price_exact desc
        ) = 1
)

select * from final
