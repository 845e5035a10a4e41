-- In every candle, low is not above open, close or high, and high not below.
-- Of midpoints the daily candles are looked at: the finer ones are many, and
-- made the same way.
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
    where source = 'trades'
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
    where source = 'trades'
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
    where source = 'trades'
    union all
    select
        width,
        token_id,
        bucket_start,
        open,
        high,
        low,
        close
    from gold.price_candles
    where width = '1d'
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
