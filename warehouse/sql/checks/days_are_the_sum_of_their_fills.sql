-- What silver.MarketDay keeps of each market and day is what its fills add up
-- to, and no hour is left stale.
with

fills as (
    select
        market_key,
        cast(traded_at as date) as trade_date,
        count(*) as fills_held,
        sum(size) / 2 as fills_shares
    from silver.TradeFact
    where withdrawn_at is null
    group by all
),

days as (
    select * from silver.MarketDay
),

final as (
    select
        fills.market_key,
        fills.trade_date,
        fills.fills_held,
        days.trades,
        fills.fills_shares,
        days.volume_shares
    from fills
    full join days
        on
            fills.market_key = days.market_key
            and fills.trade_date = days.trade_date
    where
        fills.fills_held is distinct from days.trades
        or abs(fills.fills_shares - days.volume_shares)
        > 0.000001 * (1 + abs(fills.fills_shares))
    union all by name
    select
        market_key,
        cast(hour_start as date) as trade_date
    from silver.StaleHour
)

select * from final
