-- The hours of gold.hourly_volume add up to the days of gold.daily_volume.
with

days as (
    select * from gold.daily_volume
),

hours as (
    select
        condition_id,
        cast(trade_hour as date) as trade_date,
        sum(trades) as hours_trades,
        sum(matches) as hours_matches,
        sum(volume_shares) as hours_shares,
        sum(volume_usd) as hours_usd
    from gold.hourly_volume
    group by all
),

final as (
    select
        days.condition_id,
        days.trade_date,
        days.trades,
        days.matches,
        days.volume_shares,
        days.volume_usd,
        hours.hours_trades,
        hours.hours_matches,
        hours.hours_shares,
        hours.hours_usd
    from days
    full join hours
        on
            days.condition_id = hours.condition_id
            and days.trade_date = hours.trade_date
    where
        days.trades is distinct from hours.hours_trades
        or days.matches is distinct from hours.hours_matches
        or abs(days.volume_shares - hours.hours_shares)
        > 0.000001 * (1 + days.volume_shares)
        or abs(days.volume_usd - hours.hours_usd)
        > 0.000001 * (1 + days.volume_usd)
)

select * from final
