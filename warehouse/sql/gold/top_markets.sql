-- The hundred markets with most dollars traded in a day, a week, a month, ever.
-- Grain: one row per period and rank.
-- Key: period, volume_rank
-- Units: volume_usd in dollars, volume_shares in shares.
-- Sources: gold.daily_volume
-- Periods are whole UTC days that end with the latest day held: 1d, 7d, 30d,
-- all. Equal volumes are ranked by condition_id.
-- Columns:
-- period: 1d, 7d, 30d or all: days up to the latest day held
-- volume_rank: 1 for the market with most dollars
-- first_date: first day of the period
-- last_date: last day of the period
with

days as materialized (
    select * from gold.daily_volume
),

periods (period, days_back) as (
    values ('1d', 1), ('7d', 7), ('30d', 30), ('all', null)
),

latest as (
    select max(trade_date) as latest_date from days
),

volumes as (
    select
        periods.period,
        days.condition_id,
        cast(sum(days.trades) as bigint) as trades,
        cast(sum(days.matches) as bigint) as matches,
        any_value(days.question) as question,
        sum(days.volume_shares) as volume_shares,
        sum(days.volume_usd) as volume_usd,
        min(days.trade_date) as first_date,
        max(days.trade_date) as last_date
    from days
    cross join latest
    inner join periods
        on
            periods.days_back is null
            or days.trade_date > latest.latest_date - periods.days_back
    group by all
),

ranked as (
    select
        *,
        row_number() over (
            partition by period
            order by volume_usd desc, condition_id asc
        ) as volume_rank
    from volumes
),

final as (
    select
        period,
        volume_rank,
        condition_id,
        question,
        trades,
        matches,
        volume_shares,
        volume_usd,
        first_date,
        last_date
    from ranked
    where volume_rank <= 100
)

select * from final
