-- The candles of a market's day hold the dollars that gold.daily_volume counts.
-- Days with matches of more than two tokens are left out: no candle has those.
with

days as (
    select * from gold.daily_volume
),

candles as (
    select
        condition_id,
        cast(bucket_start as date) as trade_date,
        sum(volume_usd) as candles_usd,
        sum(matches) as candles_matches
    from gold.ohlc_1d
    where source = 'trades'
    group by all
),

final as (
    select
        days.condition_id,
        days.trade_date,
        days.matches,
        days.volume_usd,
        candles.candles_matches,
        candles.candles_usd
    from days
    left join candles
        on
            days.condition_id = candles.condition_id
            and days.trade_date = candles.trade_date
    where
        coalesce(candles.candles_matches, 0) = days.matches
        and abs(coalesce(candles.candles_usd, 0) - days.volume_usd)
        > 0.000001 * (days.matches + days.volume_usd)
)

select * from final
