-- One row per statement that a market must be walked. Key: dataset, market_key,
-- known_at. Reads bronze walks, kind due. A later walk to the end settles it.
-- Columns:
-- reason: why the market must be walked

-- step: define
create table if not exists silver.WalkDue (
    dataset varchar not null,
    market_key uinteger not null,
    reason varchar,
    known_at timestamp not null
);

-- step: take_in
insert into silver.WalkDue
select distinct
    dues.dataset,
    market_map.market_key,
    dues.detail as reason,
    dues.fetched_at::timestamp as known_at
from bronze_walks as dues
inner join market_map on lower(dues.key) = market_map.condition_id
anti join silver.WalkDue
    on
        dues.dataset = WalkDue.dataset
        and market_map.market_key = WalkDue.market_key
        and dues.fetched_at::timestamp = WalkDue.known_at
where
    dues.kind = 'due'
    and dues.dataset in ('trades', 'taker_trades');
