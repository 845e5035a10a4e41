-- What was traded in each market in each hour, every match counted once.
-- Grain: one row per market and UTC hour with a fill.
-- Key: condition_id, trade_hour
-- Units: volume_shares in shares, volume_usd in dollars, trade_hour UTC, the
-- hour's beginning.
-- Sources: silver.MarketHour, silver.MarketKey, silver.MarketDim
-- Counted as gold.daily_volume counts: the hours of a day add up to it, except
-- traders.
with

hours as (
    select * from silver.MarketHour
),

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

final as (
    select
        hours.hour_start as trade_hour,
        market_keys.condition_id,
        cast(hours.trades as bigint) as trades,
        cast(hours.matches as bigint) as matches,
        cast(hours.traders as bigint) as traders,
        hours.volume_shares,
        hours.volume_usd,
        cast(hours.matches_usd_unknown as bigint) as matches_usd_unknown,
        hours.shares_usd_unknown,
        coalesce(markets.question, market_keys.title) as question
    from hours
    inner join market_keys on hours.market_key = market_keys.market_key
    left join markets on hours.market_key = markets.market_key
)

select * from final
