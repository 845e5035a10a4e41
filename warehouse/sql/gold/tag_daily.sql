-- What was traded in the markets of each tag on each UTC day.
-- Grain: one row per tag and day with a fill.
-- Key: tag, trade_date
-- Units: volume_shares in shares, volume_usd in dollars, trade_date UTC.
-- Sources: gold.daily_volume, gold.market_categories
-- Tags are those of the market's event. A market counts once under each of its
-- tags, so rows must not be added up over tags: gold.category_daily may be.
-- Columns:
-- tag: a tag of the markets' events
with

days as (
    select * from gold.daily_volume
),

categories as (
    select * from gold.market_categories
),

tagged as (
    select distinct
        condition_id,
        unnest(tags) as tag
    from categories
),

measured as (
    select
        days.trade_date,
        tagged.tag,
        cast(sum(days.trades) as bigint) as trades,
        cast(sum(days.matches) as bigint) as matches,
        count(*) as markets,
        sum(days.volume_shares) as volume_shares,
        sum(days.volume_usd) as volume_usd,
        sum(days.shares_usd_unknown) as shares_usd_unknown
    from days
    inner join tagged on days.condition_id = tagged.condition_id
    where tagged.tag <> ''
    group by all
),

final as (
    select
        trade_date,
        tag,
        markets,
        trades,
        matches,
        volume_shares,
        volume_usd,
        shares_usd_unknown
    from measured
)

select * from final
