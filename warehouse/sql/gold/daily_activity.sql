-- The whole exchange day by day: who traded, how much, what was new.
-- Grain: one row per UTC day with a fill, a new market or a closed one.
-- Key: activity_date
-- Units: volume_shares in shares, volume_usd in dollars, activity_date UTC.
-- Sources: silver.MarketDay, silver.TraderDay, silver.MarketDim
-- Volumes as in gold.daily_volume. traders are wallets with a fill that day,
-- new_traders those whose first held fill it was: in a lake that does not
-- reach back to the beginning, some are new to the lake only. new_markets go by
-- Gamma's creation, closed_markets by its closing time.
-- Columns:
-- activity_date: UTC day
-- new_traders: wallets whose first held fill was on that day
-- markets_traded: markets with a fill
-- new_markets: markets that Gamma says were created that day
-- closed_markets: markets that Gamma says were closed that day
with

days as (
    select * from silver.MarketDay
),

markets as (
    select * from silver.MarketDim
),

volumes as (
    select
        trade_date,
        cast(sum(trades) as bigint) as trades,
        cast(sum(matches) as bigint) as matches,
        count(*) as markets_traded,
        sum(volume_shares) as volume_shares,
        sum(volume_usd) as volume_usd,
        sum(shares_usd_unknown) as shares_usd_unknown
    from days
    group by all
),

days_of_trader as (
    select
        trader_key,
        trade_date
    from silver.TraderDay
),

first_days as (
    select
        trader_key,
        min(trade_date) as first_date
    from days_of_trader
    group by all
),

traders as (
    select
        days_of_trader.trade_date,
        count(*) as traders,
        count(*) filter (
            where days_of_trader.trade_date = first_days.first_date
        ) as new_traders
    from days_of_trader
    inner join first_days on days_of_trader.trader_key = first_days.trader_key
    group by all
),

created as (
    select
        cast(created_at as date) as created_date,
        count(*) as new_markets
    from markets
    where created_at is not null
    group by all
),

closed as (
    select
        cast(closed_at as date) as closed_date,
        count(*) as closed_markets
    from markets
    where is_closed and closed_at is not null
    group by all
),

dates as (
    select trade_date as activity_date from volumes
    union
    select created_date from created
    union
    select closed_date from closed
),

final as (
    select
        dates.activity_date,
        coalesce(volumes.trades, 0) as trades,
        coalesce(volumes.matches, 0) as matches,
        coalesce(traders.traders, 0) as traders,
        coalesce(traders.new_traders, 0) as new_traders,
        coalesce(volumes.markets_traded, 0) as markets_traded,
        coalesce(created.new_markets, 0) as new_markets,
        coalesce(closed.closed_markets, 0) as closed_markets,
        coalesce(volumes.volume_shares, 0) as volume_shares,
        coalesce(volumes.volume_usd, 0) as volume_usd,
        coalesce(volumes.shares_usd_unknown, 0) as shares_usd_unknown
    from dates
    left join volumes on dates.activity_date = volumes.trade_date
    left join traders on dates.activity_date = traders.trade_date
    left join created on dates.activity_date = created.created_date
    left join closed on dates.activity_date = closed.closed_date
)

select * from final
