-- What was traded in each category on each UTC day, every match counted once.
-- Grain: one row per category and day with a fill.
-- Key: category, trade_date
-- Units: volume_shares in shares, volume_usd in dollars, trade_date UTC.
-- Sources: gold.daily_volume, gold.market_categories, silver.TraderDay,
-- silver.CategoryDim
-- A market has one category (gold.market_categories), so rows add up over
-- categories and days, except traders. share_of_day is the part of the day's
-- dollars; null on a day without any that are known.
-- Columns:
-- category: of gold.market_categories
-- share_of_day: part of the day's dollars, 0 to 1
with

days as (
    select * from gold.daily_volume
),

categories as (
    select * from gold.market_categories
),

wallet_days as (
    select * from silver.TraderDay
),

category_names as (
    select * from silver.CategoryDim
),

wallets_by_category as (
    select
        trade_date,
        unnest(category_keys) as category_key
    from wallet_days
),

counted as (
    select
        trade_date,
        category_key,
        count(*) as traders
    from wallets_by_category
    group by all
),

trader_counts as (
    select
        counted.trade_date,
        category_names.category,
        counted.traders
    from counted
    inner join category_names
        on counted.category_key = category_names.category_key
),

volumes as (
    select
        days.trade_date,
        categories.category,
        cast(sum(days.trades) as bigint) as trades,
        cast(sum(days.matches) as bigint) as matches,
        count(*) as markets,
        sum(days.volume_shares) as volume_shares,
        sum(days.volume_usd) as volume_usd,
        sum(days.shares_usd_unknown) as shares_usd_unknown
    from days
    inner join categories on days.condition_id = categories.condition_id
    group by all
),

measured as (
    select
        volumes.trade_date,
        volumes.category,
        volumes.markets,
        volumes.trades,
        volumes.matches,
        trader_counts.traders,
        volumes.volume_shares,
        volumes.volume_usd,
        volumes.shares_usd_unknown,
        volumes.volume_usd / nullif(
            sum(volumes.volume_usd) over (partition by volumes.trade_date), 0
        ) as share_of_day
    from volumes
    inner join trader_counts
        on
            volumes.trade_date = trader_counts.trade_date
            and volumes.category = trader_counts.category
),

final as (
    select
        trade_date,
        category,
        markets,
        trades,
        matches,
        traders,
        volume_shares,
        volume_usd,
        share_of_day,
        shares_usd_unknown
    from measured
)

select * from final
