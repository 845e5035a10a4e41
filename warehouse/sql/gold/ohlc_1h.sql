-- Prices of every token in hours: trades, else midpoints.
-- Grain: one row per token and hour with a match or a price.
-- Key: token_id, bucket_start
-- Units: open, high, low, close in dollars a share, volume_shares in shares,
-- volume_usd in dollars, bucket_start UTC, a whole hour.
-- Sources: silver.TokenHour, silver.MarketKey, silver.MarketTokenDim,
-- gold.price_candles
-- As gold.ohlc_5m, which says more: an hour without a trade is made of the
-- midpoints of gold.price_candles. ingest adds the hours up.
with

candles as not materialized (
    select
        market_key,
        token_key,
        hour_start as bucket_start,
        open,
        high,
        low,
        close,
        volume_shares,
        volume_usd,
        cast(matches as bigint) as matches,
        cast(matches_taker_unknown as bigint) as matches_taker_unknown
    from silver.TokenHour
),

market_keys as (
    select * from silver.MarketKey
),

tokens as (
    select * from silver.MarketTokenDim
),

midpoints as (
    select * from gold.price_candles
    where width = '1h'
),

traded as not materialized (
    select
        candles.*,
        tokens.token_id,
        tokens.outcome,
        market_keys.condition_id
    from candles
    inner join market_keys on candles.market_key = market_keys.market_key
    inner join tokens on candles.token_key = tokens.token_key
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
    anti join traded
        on
            midpoints.token_id = traded.token_id
            and midpoints.bucket_start = traded.bucket_start
)

select * from final
