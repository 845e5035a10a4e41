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

-- An event's hour as one number: the upper half is the event, the lower one the
-- hours since 1970.
leg_hours as (
    select
        legs.leg_no,
        hours.last_price_at as last_traded_at,
        hours.last_price as price,
        legs.event_no * 4294967296
        + epoch_us(hours.hour_start) // 3600000000 as event_hour
    from hours
    inner join legs on hours.market_key = legs.leg_no
),

-- The hours of all events in a row, an event's side by side: what a leg stood
-- at is a stretch of places then, and no hour is looked up leg by leg.
event_hours as (
    select
        event_hour,
        event_hour // 4294967296 as event_no,
        row_number() over (order by event_hour) as place
    from (select distinct event_hour from leg_hours) as told
),

event_places as (
    select
        event_no,
        min(place) as first_place,
        max(place) + 1 as end_place,
        min(event_hour) as first_hour,
        max(event_hour) as last_hour
    from event_hours
    group by event_no
),

event_legs as (
    select
        event_no,
        count(*) as legs
    from legs
    group by event_no
),

-- the hours in which a leg was created, and settled: that one ends no earlier
leg_moments as (
    select
        legs.leg_no,
        legs.payout,
        event_places.first_place,
        event_places.end_place,
        event_places.first_hour,
        event_places.last_hour,
        greatest(
            event_places.first_hour,
            legs.event_no * 4294967296
            + epoch_us(legs.created_at) // 3600000000
        ) as created_hour,
        if(
            legs.payout is not null,
            greatest(
                event_places.first_hour,
                legs.event_no * 4294967296
                + (epoch_us(legs.resolved_at) - 1) // 3600000000
            ),
            null
        ) as settled_hour
    from legs
    inner join event_places on legs.event_no = event_places.event_no
),

followed as (
    select
        leg_hours.leg_no,
        leg_hours.event_hour,
        leg_hours.price,
        event_hours.place,
        leg_hours.last_traded_at + interval 1 day as stale_from,
        lead(event_hours.place) over successive as next_place,
        lead(leg_hours.event_hour) over successive as next_hour
    from leg_hours
    inner join event_hours on leg_hours.event_hour = event_hours.event_hour
    window
        successive as (
            partition by leg_hours.leg_no order by event_hours.place
        )
),

-- the hour from whose end on the price is stale, where the next one comes later
aged as (
    select
        leg_no,
        place,
        price,
        next_place,
        case
            when next_hour <= stale_hour then null
            else stale_hour
        end as stale_hour
    from (
        select
            *,
            event_hour // 4294967296 * 4294967296
            + epoch_us(stale_from) // 3600000000 as stale_hour
        from followed
    ) as dated
),

-- at which place each of these hours is, or the first one after it
looked_up as (
    select created_hour as event_hour from leg_moments
    where created_hour > first_hour and created_hour <= last_hour
    union
    select settled_hour as event_hour from leg_moments
    where settled_hour <= last_hour
    union
    select stale_hour as event_hour from aged
    where stale_hour is not null
),

found as (
    select
        looked_up.event_hour,
        event_hours.place
    from looked_up
    asof inner join event_hours
        on
            looked_up.event_hour // 4294967296 = event_hours.event_no
            and looked_up.event_hour <= event_hours.event_hour
),

-- from which place on a leg is there, and from which on it stands at its payout
leg_places as (
    select
        leg_moments.leg_no,
        leg_moments.payout,
        leg_moments.first_place,
        leg_moments.end_place,
        case
            when leg_moments.created_hour > leg_moments.first_hour
                then coalesce(created.place, leg_moments.end_place)
            else leg_moments.first_place
        end as created_place,
        coalesce(settled.place, leg_moments.end_place) as settled_place
    from leg_moments
    left join found as created
        on leg_moments.created_hour = created.event_hour
    left join found as settled
        on leg_moments.settled_hour = settled.event_hour
),

split_up as (
    select
        aged.price,
        greatest(aged.place, leg_places.created_place) as from_place,
        least(
            coalesce(aged.next_place, leg_places.end_place),
            leg_places.settled_place
        ) as to_place,
        least(coalesce(stale.place, to_place), to_place) as stale_place
    from aged
    inner join leg_places on aged.leg_no = leg_places.leg_no
    left join found as stale on aged.stale_hour = stale.event_hour
),

-- told: what the leg counts as, so that one sum counts them all; of a leg that
-- is not created yet there is no price
stretches as (
    select
        price,
        from_place,
        stale_place as to_place,
        cast(0 as double) as told
    from split_up
    where from_place < stale_place
    union all
    select
        price,
        greatest(stale_place, from_place) as from_place,
        to_place,
        cast(1 as double) as told
    from split_up
    where stale_place < to_place and from_place < to_place
    union all
    select
        payout as price,
        greatest(settled_place, created_place) as from_place,
        end_place as to_place,
        cast(65536 as double) as told
    from leg_places
    where settled_place < end_place
    union all
    select
        null as price,
        first_place as from_place,
        created_place as to_place,
        cast(4294967296 as double) as told
    from leg_places
    where first_place < created_place
),

-- in order: what is added up for a place lies close together then
in_order as (
    select * from stretches
    order by from_place
),

priced as (
    select
        price,
        told,
        unnest(range(from_place, to_place)) as place
    from in_order
),

summed as (
    select
        place,
        cast(sum(told) as bigint) as told,
        count(*) as legs_told,
        sum(price) as yes_sum,
        max(price) as highest_price
    from priced
    group by place
),

counted as (
    select
        event_hours.event_no,
        summed.yes_sum,
        summed.highest_price,
        make_timestamp(
            event_hours.event_hour % 4294967296 * 3600000000
        ) as hour_start,
        coalesce(summed.legs_told, 0)
        - coalesce(summed.told // 4294967296, 0) as legs_priced,
        coalesce(summed.told // 65536 % 65536, 0) as legs_settled,
        coalesce(summed.told % 65536, 0) as legs_stale,
        event_legs.legs - coalesce(summed.told // 4294967296, 0) as legs
    from event_hours
    inner join event_legs on event_hours.event_no = event_legs.event_no
    left join summed on event_hours.place = summed.place
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
        counted.legs,
        counted.yes_sum,
        counted.highest_price,
        counted.legs_priced,
        counted.legs_settled,
        counted.legs_stale,
        counted.legs_priced = counted.legs as is_whole
    from counted
    inner join event_names on counted.event_no = event_names.event_no
    left join events on event_names.event_id = events.event_id
    where counted.legs > 0
)

select * from final
