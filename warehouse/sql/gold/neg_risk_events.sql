-- What Yes shares of all of an event's exclusive outcomes cost, hour by hour.
-- Grain: one row per neg-risk event and hour in which one of its legs was
-- traded.
-- Key: event_id, hour_start
-- Units: yes_sum in dollars for one Yes share of every leg, hour_start UTC.
-- Sources: silver.MarketHour, gold.market_resolutions, silver.MarketDim,
-- silver.EventDim
-- Of a neg-risk event one leg pays a dollar in the end, so yes_sum is near 1;
-- above, selling all legs, below, buying them would have gained, before costs,
-- had these prices still stood. A leg counts from its creation on. Its price
-- is that of its last match before the hour's end, or its payout once it was
-- settled and surely so. legs_stale are those whose last match is older than a
-- day then, and unpriced legs add nothing: look at hours where is_whole says
-- that every leg has a price. Events of which legs are not in the catalogue are
-- not whole, and nothing here can tell.
-- Columns:
-- legs: the event's markets that were created by then
-- legs_priced: of these, how many have a price or a payout
-- legs_settled: of these, how many stand at their payout
-- legs_stale: of these, how many were last traded more than a day before
-- yes_sum: dollars for one Yes share of every priced leg
-- highest_price: of the leg that was thought most likely
-- is_whole: every leg has a price
with

hours as (
    select * from silver.MarketHour
    where last_price is not null
),

resolutions as (
    select * from gold.market_resolutions
),

markets as (
    select * from silver.MarketDim
),

events as (
    select * from silver.EventDim
),

legs as (
    select
        markets.event_id,
        markets.market_key as leg_no,
        resolutions.resolved_at,
        coalesce(markets.created_at, markets.start_at) as created_at,
        resolutions.payouts[1] as payout
    from markets
    left join resolutions on markets.condition_id = resolutions.condition_id
    where
        markets.is_neg_risk
        and markets.event_id is not null
        and markets.condition_id is not null
        and len(markets.outcomes) = 2
),

leg_hours as (
    select
        legs.event_id,
        legs.leg_no,
        hours.hour_start,
        hours.last_price_at as last_traded_at,
        hours.last_price as price
    from hours
    inner join legs on hours.market_key = legs.leg_no
),

event_hours as (
    select distinct
        event_id,
        hour_start,
        hour_start + interval 1 hour as hour_end
    from leg_hours
),

legs_of_hours as (
    select
        event_hours.event_id,
        event_hours.hour_start,
        event_hours.hour_end,
        legs.leg_no,
        case
            when legs.resolved_at <= event_hours.hour_end then legs.payout
        end as payout
    from event_hours
    inner join legs on event_hours.event_id = legs.event_id
    where
        legs.created_at < event_hours.hour_end
        or legs.created_at is null
),

priced as (
    select
        legs_of_hours.event_id,
        legs_of_hours.hour_start,
        legs_of_hours.payout,
        coalesce(legs_of_hours.payout, leg_hours.price) as price,
        legs_of_hours.payout is null
        and leg_hours.last_traded_at
        < legs_of_hours.hour_end - interval 1 day as is_stale
    from legs_of_hours
    asof left join leg_hours
        on
            legs_of_hours.leg_no = leg_hours.leg_no
            and legs_of_hours.hour_start >= leg_hours.hour_start
),

summed as (
    select
        event_id,
        hour_start,
        count(*) as legs,
        count(price) as legs_priced,
        count(payout) as legs_settled,
        count(*) filter (where is_stale) as legs_stale,
        sum(price) as yes_sum,
        max(price) as highest_price
    from priced
    group by all
),

final as (
    select
        summed.event_id,
        summed.hour_start,
        events.title as event_title,
        events.slug as event_slug,
        summed.legs,
        summed.legs_priced,
        summed.legs_settled,
        summed.legs_stale,
        summed.yes_sum,
        summed.highest_price,
        summed.legs_priced = summed.legs as is_whole
    from summed
    left join events on summed.event_id = events.event_id
)

select * from final
