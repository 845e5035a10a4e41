-- One row per token, moment and resolution: a midpoint of the token's order
-- book. Key: token_key, observed_at, resolution_seconds. Reads bronze prices:
-- of a point that came several times the latest word stands, so that what the
-- service corrects is corrected here. Only tokens that were asked for are here:
-- of a binary market that is the first one, see gold.prices. Stored by day,
-- token and moment, so that filters on either skip row groups.
-- Columns:
-- price: midpoint of best bid and best ask, dollars a share, carried on while
--     nothing moves; where resolution_seconds is 0, what the outcome paid
-- resolution_seconds: usual distance of two points; 0: the point of settlement
-- observed_at: when the price held
-- fetched_at: when the latest answer with this point came

-- step: define
create table if not exists silver.PriceHistoryFact (
    token_key uinteger not null,
    resolution_seconds integer not null,
    price double,
    observed_at timestamp not null,
    fetched_at timestamp not null,
    walk_key uinteger not null,
    page_no integer,
    row_no integer
);

-- step: read
create or replace temp table incoming_price as
select
    token_map.token_key,
    walk_map.walk_key,
    walk_map.walk_id,
    coalesce(told.resolution_seconds, 0) as resolution_seconds,
    told.price,
    make_timestamp(told.timestamp * 1000000) as observed_at,
    told.fetched_at::timestamp as fetched_at,
    told.page_no,
    told.row_no
from bronze_prices as told
inner join token_map on coalesce(told.token_id, '') = token_map.token_id
inner join walk_map on coalesce(told.walk_id, '') = walk_map.walk_id
qualify
    row_number() over (
        partition by
            token_map.token_key, told.timestamp,
            coalesce(told.resolution_seconds, 0)
        order by
            told.fetched_at desc,
            walk_map.walk_id desc,
            told.page_no desc,
            told.row_no desc
    ) = 1;

-- step: drop_known
-- What is held and as late or later than what came.
create or replace temp table held_price as
select
    PriceHistoryFact.token_key,
    PriceHistoryFact.observed_at,
    PriceHistoryFact.resolution_seconds,
    PriceHistoryFact.fetched_at,
    WalkFact.walk_id,
    PriceHistoryFact.page_no,
    PriceHistoryFact.row_no
from silver.PriceHistoryFact
semi join incoming_price
    using (token_key, observed_at, resolution_seconds)
inner join silver.WalkFact on PriceHistoryFact.walk_key = WalkFact.walk_key
where
    PriceHistoryFact.observed_at
    between getvariable('batch_from') and getvariable('batch_to');

delete from incoming_price
using held_price
where
    incoming_price.token_key = held_price.token_key
    and incoming_price.observed_at = held_price.observed_at
    and incoming_price.resolution_seconds = held_price.resolution_seconds
    and (
        incoming_price.fetched_at,
        incoming_price.walk_id,
        coalesce(incoming_price.page_no, 0),
        coalesce(incoming_price.row_no, 0)
    ) <= (
        held_price.fetched_at,
        held_price.walk_id,
        coalesce(held_price.page_no, 0),
        coalesce(held_price.row_no, 0)
    );

-- step: take_in
-- What is left of the held ones has a later word now.
delete from silver.PriceHistoryFact
using (
    select
        held_price.token_key,
        held_price.observed_at,
        held_price.resolution_seconds
    from held_price
    semi join incoming_price
        using (token_key, observed_at, resolution_seconds)
) as replaced
where
    PriceHistoryFact.observed_at
    between getvariable('batch_from') and getvariable('batch_to')
    and PriceHistoryFact.token_key = replaced.token_key
    and PriceHistoryFact.observed_at = replaced.observed_at
    and PriceHistoryFact.resolution_seconds = replaced.resolution_seconds;

insert into silver.PriceHistoryFact by name
select * exclude (walk_id) from incoming_price
order by observed_at::date, token_key, observed_at;
