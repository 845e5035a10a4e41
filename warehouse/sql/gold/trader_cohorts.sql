-- Which part of the wallets that began in a month still traded in later ones.
-- Grain: one row per month of the first fill and month with a fill.
-- Key: cohort_month, active_month
-- Units: traded_usd in dollars, months as their first day, UTC; retention is a
-- fraction from 0 to 1.
-- Sources: silver.TraderDay
-- A wallet's cohort is the month of its first held fill: of a lake that does
-- not reach back to the beginning, the oldest cohorts hold older wallets, too.
-- traded_usd is what the wallets themselves paid or were paid, as maker or
-- taker: added up, a match counts on both of its sides.
-- Columns:
-- cohort_month: month of the first held fill
-- active_month: month with a fill
-- cohort_traders: wallets of the cohort
-- active_traders: of these, wallets with a fill in active_month
-- traded_usd: what these paid or were paid in active_month
-- months_since: months from cohort_month to active_month
-- retention: active_traders / cohort_traders
-- trades: fills of these wallets in active_month
with

days as (
    select * from silver.TraderDay
),

months_of_trader as (
    select
        trader_key,
        cast(date_trunc('month', trade_date) as date) as active_month,
        sum(trades) as trades,
        sum(traded_usd) as traded_usd
    from days
    group by all
),

cohorts as (
    select
        trader_key,
        min(active_month) as cohort_month
    from months_of_trader
    group by all
),

cohort_sizes as (
    select
        cohort_month,
        count(*) as cohort_traders
    from cohorts
    group by all
),

active as (
    select
        cohorts.cohort_month,
        months_of_trader.active_month,
        cast(sum(months_of_trader.trades) as bigint) as trades,
        count(*) as active_traders,
        sum(months_of_trader.traded_usd) as traded_usd
    from months_of_trader
    inner join cohorts on months_of_trader.trader_key = cohorts.trader_key
    group by all
),

measured as (
    select
        active.cohort_month,
        active.active_month,
        cohort_sizes.cohort_traders,
        active.active_traders,
        active.trades,
        active.traded_usd,
        date_diff(
            'month', active.cohort_month, active.active_month
        ) as months_since,
        active.active_traders / cohort_sizes.cohort_traders as retention
    from active
    inner join cohort_sizes on active.cohort_month = cohort_sizes.cohort_month
),

final as (
    select
        cohort_month,
        active_month,
        months_since,
        cohort_traders,
        active_traders,
        retention,
        trades,
        traded_usd
    from measured
)

select * from final
