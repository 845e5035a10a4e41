-- Prices of every token in UTC days: trades, else midpoints.
-- Grain: one row per token and day with a match or a price.
-- Key: token_id, bucket_start
-- Units: open, high, low, close in dollars a share, volume_shares in shares,
-- volume_usd in dollars, bucket_start UTC, a whole day.
-- Sources: silver.TokenHour, silver.MarketKey, silver.MarketTokenDim,
-- gold.price_candles
-- The hourly candles of trades put together; a day without any is made
-- of the midpoints of gold.price_candles. gold.ohlc_5m says more.
with

market_keys as (
    select * from silver.MarketKey
),

tokens as (
    select * from silver.MarketTokenDim
),

midpoints as (
    select * from gold.price_candles
    where width = '1d'
),

traded_hours as not materialized (
    select
        tokens.token_id,
        date_trunc('day', hours.hour_start) as trade_date
    from silver.TokenHour as hours
    inner join tokens on hours.token_key = tokens.token_key
),

-- Grouped by names: so who asks for one market or token has only its hours
-- read
traded as not materialized (
    select
        tokens.token_id,
        tokens.outcome,
        market_keys.condition_id,
        cast(sum(hours.matches) as bigint) as matches,
        cast(sum(hours.matches_taker_unknown) as bigint)
            as matches_taker_unknown,
        date_trunc('day', hours.hour_start) as bucket_start,
        arg_min(hours.open, hours.hour_start) as open,
        max(hours.high) as high,
        min(hours.low) as low,
        arg_max(hours.close, hours.hour_start) as close,
        sum(hours.volume_shares) as volume_shares,
        sum(hours.volume_usd) as volume_usd
    from silver.TokenHour as hours
    inner join market_keys on hours.market_key = market_keys.market_key
    inner join tokens on hours.token_key = tokens.token_key
    group by
        tokens.token_id, tokens.outcome, market_keys.condition_id,
        date_trunc('day', hours.hour_start)
),

final as (
    select
        token_id,
        condition_id,
        outcome,
        bucket_start,
        'trades' as source,
        open,
        high,
        low,
        close,
        volume_shares,
        volume_usd,
        matches,
        matches_taker_unknown
    from traded
    union all
    select
        midpoints.token_id,
        midpoints.condition_id,
        midpoints.outcome,
        midpoints.bucket_start,
        'prices' as source,
        midpoints.open,
        midpoints.high,
        midpoints.low,
        midpoints.close,
        0 as volume_shares,
        0 as volume_usd,
        0 as matches,
        0 as matches_taker_unknown
    from midpoints
    anti join traded_hours
        on
            midpoints.token_id = traded_hours.token_id
            and midpoints.bucket_start = traded_hours.trade_date
)

select * from final
