-- One row per reading of a market's open interest, or of the whole exchange's.
-- Key: market_key, fetched_at, walk_key. Reads bronze open_interest. market_key
-- is null for the whole exchange.
-- Columns:
-- market_key: the market's number, see silver.MarketKey; null: whole exchange
-- open_interest_usd: dollars in it
-- as_of: when the exchange made the answer: fetched_at less its age

-- step: define
create table if not exists silver.OpenInterestFact (
    market_key uinteger,
    walk_key uinteger not null,
    age_seconds integer,
    open_interest_usd double,
    as_of timestamp,
    fetched_at timestamp not null
);

-- step: take_in
insert into silver.OpenInterestFact
select
    market_map.market_key,
    walk_map.walk_key,
    readings.age_seconds,
    readings.value as open_interest_usd,
    readings.fetched_at::timestamp
    - to_seconds(coalesce(readings.age_seconds, 0)) as as_of,
    readings.fetched_at::timestamp as fetched_at
from bronze_open_interest as readings
inner join walk_map on coalesce(readings.walk_id, '') = walk_map.walk_id
left join market_map
    on lower(coalesce(readings.condition_id, '')) = market_map.condition_id
anti join silver.OpenInterestFact
    on
        market_map.market_key is not distinct from OpenInterestFact.market_key
        and walk_map.walk_key = OpenInterestFact.walk_key
        and readings.fetched_at::timestamp = OpenInterestFact.fetched_at
-- a reading of no market is not one of them all
where
    market_map.market_key is not null
    or readings.condition_id = 'GLOBAL'
qualify
    row_number() over (
        partition by
            market_map.market_key, walk_map.walk_key, readings.fetched_at
        order by readings.page_no, readings.row_no
    ) = 1;
