-- One row per market and UTC hour with a fill: every match counted once, the
-- numbers of gold.hourly_volume. Key: market_key, hour_start. Reads TradeFact
-- and MatchFact, as stale_fill and stale_match. Rows that were withdrawn are
-- not counted. Refreshed for stale hours, see StaleHour.
-- Columns:
-- hour_start: UTC hour
-- last_price: of the first outcome, of the hour's last match
-- last_price_at: when that was

-- step: define
create table if not exists silver.MarketHour (
    market_key uinteger not null,
    hour_start timestamp not null,
    trades uinteger not null,
    matches uinteger not null,
    traders uinteger not null,
    volume_shares double,
    volume_usd double not null,
    matches_usd_unknown uinteger not null,
    shares_usd_unknown double not null,
    last_price double,
    last_price_at timestamp
);

-- step: refresh
create or replace temp table hour_sum as
with

traders_of_hour as (
    select
        market_key,
        hour_start,
        trader_key,
        count(*) as trades,
        sum(size) as both_sides_shares
    from stale_fill
    semi join stale_hour using (market_key, hour_start)
    where is_standing
    group by all
),

all_sides as (
    select
        market_key,
        hour_start,
        count(*) as traders,
        sum(trades) as trades,
        sum(both_sides_shares) / 2 as volume_shares
    from traders_of_hour
    group by all
),

once as (
    select
        market_key,
        hour_start,
        count(*) as matches,
        coalesce(sum(notional_usd), 0) as volume_usd,
        count(*) filter (where trader_key is null and notional_usd is null)
            as matches_usd_unknown,
        coalesce(
            sum(size) filter (
                where trader_key is null and notional_usd is null
            ),
            0
        ) as shares_usd_unknown,
        arg_max(
            first_outcome_price,
            row(traded_at, coalesce(order_in_second, 0), first_outcome_price)
        ) filter (where first_outcome_price is not null) as last_price,
        max(traded_at) filter (where first_outcome_price is not null)
            as last_price_at
    from stale_match
    semi join stale_hour using (market_key, hour_start)
    group by all
)

select
    all_sides.*,
    once.last_price,
    once.last_price_at,
    coalesce(once.matches, 0) as matches,
    coalesce(once.volume_usd, 0) as volume_usd,
    coalesce(once.matches_usd_unknown, 0) as matches_usd_unknown,
    coalesce(once.shares_usd_unknown, 0) as shares_usd_unknown
from all_sides
left join once
    on
        all_sides.market_key = once.market_key
        and all_sides.hour_start = once.hour_start;

delete from silver.MarketHour
using stale_hour
where
    MarketHour.hour_start >= getvariable('stale_from')
    and MarketHour.hour_start < getvariable('stale_to')
    and MarketHour.market_key = stale_hour.market_key
    and MarketHour.hour_start = stale_hour.hour_start;

insert into silver.MarketHour by name
select * from hour_sum
order by hour_start::date, market_key, hour_start;
