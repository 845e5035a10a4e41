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
        dense_rank() over (order by markets.event_id) as event_no,
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
        legs.event_no,
        legs.leg_no,
        hours.hour_start,
        hours.last_price_at as last_traded_at,
        hours.last_price as price
    from hours
    inner join legs on hours.market_key = legs.leg_no
),

-- The hours of all events in a row, an event's side by side: what a leg stood
-- at is a stretch of places then, and no hour is looked up leg by leg.
event_hours as (
    select
        event_no,
        hour_start,
        hour_start + interval 1 hour as hour_end,
        row_number() over (order by event_no, hour_start) as place
    from (
        select distinct
            event_no,
            hour_start
        from leg_hours
    ) as told
),

event_places as (
    select
        event_no,
        min(place) as first_place,
        max(place) + 1 as end_place
    from event_hours
    group by event_no
),

-- from which place on a leg is there, and from which on it stands at its payout
leg_places as (
    select
        legs.event_no,
        legs.leg_no,
        legs.payout,
        event_places.end_place,
        case
            when legs.created_at is null then event_places.first_place
            else coalesce(created.place, event_places.end_place)
        end as created_place,
        case
            when legs.payout is null then event_places.end_place
            else coalesce(settled.place, event_places.end_place)
        end as settled_place
    from legs
    inner join event_places on legs.event_no = event_places.event_no
    asof left join event_hours as created
        on
            legs.event_no = created.event_no
            and legs.created_at < created.hour_end
    asof left join event_hours as settled
        on
            legs.event_no = settled.event_no
            and legs.resolved_at <= settled.hour_end
),

followed as (
    select
        leg_hours.event_no,
        leg_hours.leg_no,
        leg_hours.price,
        event_hours.place,
        leg_hours.last_traded_at + interval 1 day as stale_from,
        lead(event_hours.place) over (
            partition by leg_hours.leg_no order by event_hours.place
        ) as next_place
    from leg_hours
    inner join event_hours
        on
            leg_hours.event_no = event_hours.event_no
            and leg_hours.hour_start = event_hours.hour_start
),

traded as (
    select
        followed.event_no,
        followed.price,
        followed.stale_from,
        greatest(followed.place, leg_places.created_place) as from_place,
        least(
            coalesce(followed.next_place, leg_places.end_place),
            leg_places.settled_place
        ) as to_place
    from followed
    inner join leg_places on followed.leg_no = leg_places.leg_no
),

split_up as (
    select
        traded.price,
        traded.from_place,
        traded.to_place,
        coalesce(stale.place, traded.to_place) as stale_place
    from traded
    asof left join event_hours as stale
        on
            traded.event_no = stale.event_no
            and traded.stale_from < stale.hour_end
    where traded.from_place < traded.to_place
),

stretches as (
    select
        price,
        from_place,
        least(stale_place, to_place) as to_place,
        false as is_stale,
        false as is_settled
    from split_up
    union all
    select
        price,
        greatest(stale_place, from_place) as from_place,
        to_place,
        true as is_stale,
        false as is_settled
    from split_up
    where stale_place < to_place
    union all
    select
        payout as price,
        greatest(settled_place, created_place) as from_place,
        end_place as to_place,
        false as is_stale,
        true as is_settled
    from leg_places
    where settled_place < end_place
),

priced as (
    select
        price,
        is_stale,
        is_settled,
        unnest(range(from_place, to_place)) as place
    from stretches
),

summed as (
    select
        place,
        count(*) as legs_priced,
        count(*) filter (where is_settled) as legs_settled,
        count(*) filter (where is_stale) as legs_stale,
        sum(price) as yes_sum,
        max(price) as highest_price
    from priced
    group by place
),

created as (
    select
        created_place as place,
        count(*) as legs
    from leg_places
    where created_place < end_place
    group by created_place
),

counted as (
    select
        event_hours.event_no,
        event_hours.hour_start,
        event_hours.place,
        sum(created.legs) over (
            partition by event_hours.event_no order by event_hours.place
        ) as legs
    from event_hours
    left join created on event_hours.place = created.place
),

event_names as (
    select distinct
        event_no,
        event_id
    from legs
),

final as (
    select
        event_names.event_id,
        counted.hour_start,
        events.title as event_title,
        events.slug as event_slug,
        cast(counted.legs as bigint) as legs,
        summed.yes_sum,
        summed.highest_price,
        coalesce(summed.legs_priced, 0) as legs_priced,
        coalesce(summed.legs_settled, 0) as legs_settled,
        coalesce(summed.legs_stale, 0) as legs_stale,
        coalesce(summed.legs_priced, 0) = counted.legs as is_whole
    from counted
    inner join event_names on counted.event_no = event_names.event_no
    left join summed on counted.place = summed.place
    left join events on event_names.event_id = events.event_id
    where counted.legs > 0
)

select * from final
