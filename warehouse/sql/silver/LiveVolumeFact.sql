-- One row per reading of the exchange's own total of a market, in shares, each
-- match once. Key: market_key, event_id, fetched_at, walk_key. Reads bronze
-- live_volume. as_of is when the answer was made: fetched_at less its age.
-- Columns:
-- taker_volume: shares, each match once
-- as_of: when the exchange made the answer: fetched_at less its age
-- event_id: the event that was asked for

-- step: define
create table if not exists silver.LiveVolumeFact (
    market_key uinteger not null,
    walk_key uinteger not null,
    event_id varchar,
    age_seconds integer,
    taker_volume double,
    as_of timestamp,
    fetched_at timestamp not null
);

-- step: take_in
insert into silver.LiveVolumeFact
select
    market_map.market_key,
    walk_map.walk_key,
    volumes.event_id,
    volumes.age_seconds,
    volumes.taker_volume,
    volumes.fetched_at::timestamp
    - to_seconds(coalesce(volumes.age_seconds, 0)) as as_of,
    volumes.fetched_at::timestamp as fetched_at
from bronze_live_volume as volumes
inner join market_map
    on lower(coalesce(volumes.condition_id, '')) = market_map.condition_id
inner join walk_map on coalesce(volumes.walk_id, '') = walk_map.walk_id
anti join silver.LiveVolumeFact
    on
        market_map.market_key = LiveVolumeFact.market_key
        and walk_map.walk_key = LiveVolumeFact.walk_key
        and volumes.event_id is not distinct from LiveVolumeFact.event_id
        and volumes.fetched_at::timestamp = LiveVolumeFact.fetched_at
qualify
    row_number() over (
        partition by
            market_map.market_key, walk_map.walk_key, volumes.event_id,
            volumes.fetched_at
        order by volumes.page_no, volumes.row_no
    ) = 1;
