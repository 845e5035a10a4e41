-- Prices of every token in UTC days.
-- Grain: one row per token and UTC day with a match.
-- Key: token_id, bucket_start
-- Units: open, high, low, close in dollars a share, volume_shares in shares,
-- volume_usd in dollars, bucket_start UTC, a midnight.
-- Sources: gold.ohlc_1h
-- The hourly candles put together; gold.ohlc_5m says what they are.
with

candles as (
    select
        * exclude (bucket_start),
        bucket_start as candle_start,
        date_trunc('day', bucket_start) as bucket_start
    from gold.ohlc_1h
),

measured as (
    select
        token_id,
        condition_id,
        outcome,
        bucket_start,
        source,
        cast(sum(matches) as bigint) as matches,
        cast(sum(matches_taker_unknown) as bigint) as matches_taker_unknown,
        arg_min(open, candle_start) as open,
        max(high) as high,
        min(low) as low,
        arg_max(close, candle_start) as close,
        sum(volume_shares) as volume_shares,
        sum(volume_usd) as volume_usd
    from candles
    group by all
),

final as (
    select
        token_id,
        condition_id,
        outcome,
        bucket_start,
        source,
        open,
        high,
        low,
        close,
        volume_shares,
        volume_usd,
        matches,
        matches_taker_unknown
    from measured
)

select * from final
