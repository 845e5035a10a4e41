-- One row per run: an unbroken stretch in which a token kept its price at one
-- resolution. Key: token_key, resolution_seconds, observed_at. Reads bronze
-- prices: of a point that came several times the latest word stands, so that
-- what the service corrects is corrected here. A price is a midpoint of the
-- token's order book. Only tokens that were asked for are here: of a binary
-- market that is the first one, see gold.prices.
-- Time is cut into steps of the resolution, from 1970. A run has a point in
-- each step from its first to its last; it ends where the price changes, where
-- a step has no point, and with each 1024th step, so that none is longer than
-- that and a correction touches few. So it claims nothing that was not covered;
-- what was asked for, and what came of it, is in PriceWindowFact. A point of
-- settlement (resolution 0) is a run by itself.
-- Runs do not overlap: where new points fall into one and say another price,
-- the stretch is told anew from bronze. Stored by day, token and moment.
-- Columns:
-- price: midpoint of best bid and best ask, dollars a share, carried on while
--     nothing moves; where resolution_seconds is 0, what the outcome paid
-- resolution_seconds: usual distance of two points; 0: the point of settlement
-- observed_at: when the price was first seen, the run's first point
-- observed_until: when it was last seen, the run's last point
-- fetched_at: when the latest answer with the run's first point came
-- walk_key: walk that brought the run's first point, in WalkFact
-- page_no: page of that walk with the run's first point
-- row_no: row of that page with the run's first point

-- step: define
create table if not exists silver.PriceHistoryFact (
    token_key uinteger not null,
    resolution_seconds integer not null,
    price double,
    observed_at timestamp not null,
    observed_until timestamp not null,
    fetched_at timestamp not null,
    walk_key uinteger not null,
    page_no integer,
    row_no integer
);

-- step: read
-- Rows that go on with what the row before them says are left out at once: one
-- pass in the order of the files, in which a token's points follow each other.
-- In any other order the stretches would be shorter, but as right.
create or replace temp table told_row as
with

told as (
    select
        condition_id,
        price,
        fetched_at,
        page_no,
        row_no,
        timestamp as first_second,
        coalesce(token_id, '') as token_id,
        coalesce(walk_id, '') as walk_id,
        coalesce(resolution_seconds, 0) as resolution_seconds,
        row_number() over () as place,
        lag(token_id) over () as token_before,
        lag(resolution_seconds) over () as resolution_before,
        lag(price) over () as price_before,
        lag(timestamp) over () as second_before
    from bronze_prices
),

stepped as (
    select
        *,
        first_second // nullif(resolution_seconds, 0) as step,
        second_before // nullif(resolution_seconds, 0) as step_before
    from told
),

judged as (
    select
        * exclude (token_before, resolution_before, price_before),
        not coalesce(
            token_id = token_before
            and resolution_seconds = resolution_before
            and price is not distinct from price_before
            and first_second > second_before
            and step - step_before <= 1
            and step // 1024 = step_before // 1024,
            false
        ) as is_first
    from stepped
)

select * from judged
where is_first or place = (select count(*) from bronze_prices);

create or replace temp table told_stretch as
select
    token_id,
    condition_id,
    walk_id,
    resolution_seconds,
    price,
    first_second,
    case
        when lead(is_first) over (order by place)
            then lead(second_before) over (order by place)
        else coalesce(lead(first_second) over (order by place), first_second)
    end as last_second,
    fetched_at::timestamp as fetched_at,
    page_no,
    row_no
from told_row
qualify is_first;

-- step: gather
-- What came, and the runs that it may touch.
create or replace temp view keyed_stretch as
select
    token_map.token_key,
    told_stretch.resolution_seconds,
    told_stretch.price,
    told_stretch.first_second,
    told_stretch.last_second,
    told_stretch.fetched_at,
    walk_map.walk_key,
    walk_map.walk_id,
    told_stretch.page_no,
    told_stretch.row_no
from told_stretch
inner join token_map on told_stretch.token_id = token_map.token_id
inner join walk_map on told_stretch.walk_id = walk_map.walk_id;

create or replace temp table incoming_stretch as
from keyed_stretch;

set variable prices_from = (
    select make_timestamp(min(first_second - 2 * resolution_seconds) * 1000000)
    from incoming_stretch
);

set variable prices_to = (
    select make_timestamp(max(last_second + 2 * resolution_seconds) * 1000000)
    from incoming_stretch
);

create or replace temp table touched_run as
with

reaches as (
    select
        token_key,
        resolution_seconds,
        make_timestamp(
            min(first_second - 2 * resolution_seconds) * 1000000
        ) as reach_from,
        make_timestamp(
            max(last_second + 2 * resolution_seconds) * 1000000
        ) as reach_to
    from incoming_stretch
    group by all
)

select
    PriceHistoryFact.token_key,
    PriceHistoryFact.resolution_seconds,
    PriceHistoryFact.price,
    epoch_us(PriceHistoryFact.observed_at) // 1000000 as first_second,
    epoch_us(PriceHistoryFact.observed_until) // 1000000 as last_second,
    PriceHistoryFact.fetched_at,
    PriceHistoryFact.walk_key,
    WalkFact.walk_id,
    PriceHistoryFact.page_no,
    PriceHistoryFact.row_no
from silver.PriceHistoryFact
inner join reaches
    on
        PriceHistoryFact.token_key = reaches.token_key
        and PriceHistoryFact.resolution_seconds = reaches.resolution_seconds
        and PriceHistoryFact.observed_until >= reaches.reach_from
        and PriceHistoryFact.observed_at <= reaches.reach_to
inner join silver.WalkFact on PriceHistoryFact.walk_key = WalkFact.walk_key
where
    PriceHistoryFact.observed_until >= getvariable('prices_from')
    and PriceHistoryFact.observed_at <= getvariable('prices_to');

create or replace temp table element as
from incoming_stretch
union all
from touched_run;

-- step: place
-- In the order of time: how far what stands before reaches, and what it says.
-- Of those that begin at one second the latest word is the first.
create or replace temp table placed_element as
select
    *,
    lag(price) over in_time as price_before,
    max(last_second) over (
        in_time rows between unbounded preceding and 1 preceding
    ) as reached
from element
window
    in_time as (
        partition by token_key, resolution_seconds
        order by
            first_second asc,
            fetched_at desc,
            walk_id desc,
            coalesce(page_no, 0) desc,
            coalesce(row_no, 0) desc
    );

-- step: tell_contested
-- Stretches that overlap and do not agree, each with all that it overlaps.
create or replace temp table contested_stretch as
with

contested as (
    select distinct
        token_key,
        resolution_seconds
    from placed_element
    where first_second <= reached and price is distinct from price_before
),

clustered as (
    select
        placed_element.*,
        count(*) filter (where reached is null or first_second > reached) over (
            partition by token_key, resolution_seconds
            order by
                first_second asc,
                fetched_at desc,
                walk_id desc,
                coalesce(page_no, 0) desc,
                coalesce(row_no, 0) desc
            rows unbounded preceding
        ) as cluster_no
    from placed_element
    semi join contested using (token_key, resolution_seconds)
),

clusters as (
    select
        token_key,
        resolution_seconds,
        min(first_second) as first_second,
        max(last_second) as last_second
    from clustered
    group by token_key, resolution_seconds, cluster_no
    having
        bool_or(first_second <= reached and price is distinct from price_before)
)

select
    clusters.token_key,
    token_map.token_id,
    clusters.resolution_seconds,
    clusters.first_second,
    clusters.last_second
from clusters
inner join token_map on clusters.token_key = token_map.token_key;

-- step: read_contested
-- The points of these stretches, each in its latest word, from all of bronze.
create or replace temp table told_stretch as
select
    contested_stretch.token_id,
    told.condition_id,
    coalesce(told.walk_id, '') as walk_id,
    contested_stretch.resolution_seconds,
    told.price,
    told.timestamp as first_second,
    told.timestamp as last_second,
    told.fetched_at::timestamp as fetched_at,
    told.page_no,
    told.row_no
from bronze_prices as told
inner join contested_stretch
    on
        coalesce(told.token_id, '') = contested_stretch.token_id
        and coalesce(told.resolution_seconds, 0)
        = contested_stretch.resolution_seconds
        and told.timestamp >= contested_stretch.first_second
        and told.timestamp <= contested_stretch.last_second
qualify
    row_number() over (
        partition by
            contested_stretch.token_id,
            contested_stretch.resolution_seconds,
            told.timestamp
        order by
            told.fetched_at desc,
            coalesce(told.walk_id, '') desc,
            coalesce(told.page_no, 0) desc,
            coalesce(told.row_no, 0) desc
    ) = 1;

-- step: settle_contested
create or replace temp table agreed_element as
select element.*
from element
anti join contested_stretch
    on
        element.token_key = contested_stretch.token_key
        and element.resolution_seconds = contested_stretch.resolution_seconds
        and element.first_second >= contested_stretch.first_second
        and element.last_second <= contested_stretch.last_second;

create or replace temp table element as
from agreed_element
union all
from keyed_stretch;

-- step: take_in
create or replace temp table settled_run as
with

begun as (
    select
        *,
        lead(reached) over (
            partition by token_key, resolution_seconds
            order by first_second
        ) as next_reached
    from placed_element
    where
        reached is null
        or price is distinct from price_before
        or (
            first_second > reached
            and coalesce(
                first_second // nullif(resolution_seconds, 0)
                - reached // nullif(resolution_seconds, 0) > 1
                or first_second // nullif(resolution_seconds, 0) // 1024
                <> reached // nullif(resolution_seconds, 0) // 1024,
                true
            )
        )
),

ends as (
    select
        token_key,
        resolution_seconds,
        max(last_second) as last_second
    from element
    group by all
)

select
    begun.token_key,
    begun.resolution_seconds,
    begun.price,
    begun.first_second,
    coalesce(begun.next_reached, ends.last_second) as last_second,
    begun.fetched_at,
    begun.walk_key,
    begun.walk_id,
    begun.page_no,
    begun.row_no
from begun
inner join ends
    on
        begun.token_key = ends.token_key
        and begun.resolution_seconds = ends.resolution_seconds;

create or replace temp table fresh_run as
from settled_run
except
from touched_run;

create or replace temp table stale_run as
from touched_run
except
from settled_run;

delete from silver.PriceHistoryFact
using stale_run
where
    PriceHistoryFact.observed_until >= getvariable('prices_from')
    and PriceHistoryFact.observed_at <= getvariable('prices_to')
    and PriceHistoryFact.token_key = stale_run.token_key
    and PriceHistoryFact.resolution_seconds = stale_run.resolution_seconds
    and PriceHistoryFact.observed_at
    = make_timestamp(stale_run.first_second * 1000000);

insert into silver.PriceHistoryFact by name
select
    token_key,
    resolution_seconds,
    price,
    make_timestamp(first_second * 1000000) as observed_at,
    make_timestamp(last_second * 1000000) as observed_until,
    fetched_at,
    walk_key,
    page_no,
    row_no
from fresh_run
order by first_second // 86400, token_key, first_second;
