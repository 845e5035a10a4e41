-- Momentum and volatility of crypto prices over 1, 5 and 15 minutes.
-- Grain: one row per source, symbol, window and minute with a tick.
-- Key: source, symbol, window_seconds, minute_start
-- Units: prices in dollars; returns and volatilities are logarithms (0.01 is
-- about one per cent), times UTC.
-- Sources: silver.CryptoPriceFact
-- Momentum is the logarithm of the minute's last price over that of so many
-- minutes before; it is null where that minute has no tick. Volatility is the
-- realised one: the root of the sum of squared returns from tick to tick over
-- so many minutes, not annualised. Minutes without a tick bring none.
-- Columns:
-- source: coinbase, coinbase_candle, chainlink, chainlink_twap, binance or
--     polybolt
-- symbol: as the feed spells it
-- window_seconds: of an average or a candle; null: a price of the moment
-- minute_start: the minute, by the feed's own time
-- price: the last of the minute
-- ticks: ticks of the minute
-- momentum_1m: ln(price / price one minute before)
-- momentum_5m: ln(price / price five minutes before)
-- momentum_15m: ln(price / price fifteen minutes before)
-- volatility_1m: realised in the minute
-- volatility_5m: realised in the five minutes up to its end
-- volatility_15m: realised in the fifteen minutes up to its end
with

ticks as (
    select * from silver.CryptoPriceFact
    where price > 0
),

returns as (
    select
        source,
        symbol,
        window_seconds,
        price,
        exchange_at,
        received_at,
        tick_no,
        date_trunc('minute', exchange_at) as minute_start,
        ln(price / lag(price) over (
            partition by source, symbol, window_seconds
            order by exchange_at, received_at, tick_no
        )) as log_return
    from ticks
),

minutes as (
    select
        source,
        symbol,
        window_seconds,
        minute_start,
        arg_max(price, (exchange_at, received_at, tick_no)) as price,
        count(*) as ticks,
        sum(log_return * log_return) as squares
    from returns
    group by all
),

final as (
    select
        minutes.source,
        minutes.symbol,
        minutes.window_seconds,
        minutes.minute_start,
        minutes.price,
        minutes.ticks,
        ln(minutes.price / any_value(minutes.price) over one_before)
            as momentum_1m,
        ln(minutes.price / any_value(minutes.price) over five_before)
            as momentum_5m,
        ln(minutes.price / any_value(minutes.price) over fifteen_before)
            as momentum_15m,
        sqrt(minutes.squares) as volatility_1m,
        sqrt(sum(minutes.squares) over last_five) as volatility_5m,
        sqrt(sum(minutes.squares) over last_fifteen) as volatility_15m
    from minutes
    window
        one_before as (
            partition by source, symbol, window_seconds order by minute_start
            range between interval 1 minute preceding
            and interval 1 minute preceding
        ),
        five_before as (
            partition by source, symbol, window_seconds order by minute_start
            range between interval 5 minutes preceding
            and interval 5 minutes preceding
        ),
        fifteen_before as (
            partition by source, symbol, window_seconds order by minute_start
            range between interval 15 minutes preceding
            and interval 15 minutes preceding
        ),
        last_five as (
            partition by source, symbol, window_seconds order by minute_start
            range between interval 4 minutes preceding and current row
        ),
        last_fifteen as (
            partition by source, symbol, window_seconds order by minute_start
            range between interval 14 minutes preceding and current row
        )
)

select * from final
