-- What was traded in each market on each UTC day, every match counted once.
-- Grain: one row per market and day with a fill.
-- Key: condition_id, trade_date
-- Units: volume_shares in shares, volume_usd in dollars, trade_date UTC.
-- Sources: silver.MarketDay, silver.MarketKey, silver.MarketDim
-- Shares are half the sum over both sides. Dollars are the takers' notional: a
-- maker on the opposite token pays 1 - p, so the two sides differ. Where no row
-- of a match is known as the taker's, a match of two rows on one token has the
-- same notional on both sides, and half of it counts; any other such match is
-- counted in matches_usd_unknown and shares_usd_unknown, and not in volume_usd.
-- Rows add up over markets and days, except traders.
with

days as (
    select * from silver.MarketDay
),

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

final as (
    select
        days.trade_date,
        market_keys.condition_id,
        cast(days.trades as bigint) as trades,
        cast(days.matches as bigint) as matches,
        cast(days.traders as bigint) as traders,
        days.volume_shares,
        days.volume_usd,
        cast(days.matches_usd_unknown as bigint) as matches_usd_unknown,
        days.shares_usd_unknown,
        coalesce(markets.question, market_keys.title) as question
    from days
    inner join market_keys on days.market_key = market_keys.market_key
    left join markets on days.market_key = markets.market_key
)

select * from final
