-- In every candle, low is not above open, close or high, and high not below.
with

candles as (
    select
        '5m' as width,
        token_id,
        bucket_start,
        open,
        high,
        low,
        close
    from gold.ohlc_5m
    union all
    select
        '1h' as width,
        token_id,
        bucket_start,
        open,
        high,
        low,
        close
    from gold.ohlc_1h
    union all
    select
        '1d' as width,
        token_id,
        bucket_start,
        open,
        high,
        low,
        close
    from gold.ohlc_1d
),

final as (
    select
        width,
        token_id,
        bucket_start,
        open,
        high,
        low,
        close
    from candles
    where
        not coalesce(
            low <= least(open, close) and high >= greatest(open, close), false
        )
)

select * from final
