-- One row per second of a market that bronze holds and a walk passed without a
-- row. Key: dataset, walk_key, market_key, traded_at. Reads bronze walks, kind
-- absent.
-- Columns:
-- traded_at: the second of which the walk showed no row
-- dataset: trades or taker_trades

-- step: define
create table if not exists silver.AbsentSecond (
    dataset varchar not null,
    walk_key uinteger not null,
    market_key uinteger not null,
    traded_at timestamp not null,
    known_at timestamp
);

-- step: take_in
insert into silver.AbsentSecond
select
    seconds.dataset,
    walk_map.walk_key,
    market_map.market_key,
    make_timestamp(seconds.ts_newest * 1000000) as traded_at,
    max(seconds.fetched_at)::timestamp as known_at
from bronze_walks as seconds
inner join walk_map on seconds.walk_id = walk_map.walk_id
inner join market_map on lower(seconds.key) = market_map.condition_id
anti join silver.AbsentSecond
    on
        seconds.dataset = AbsentSecond.dataset
        and walk_map.walk_key = AbsentSecond.walk_key
        and market_map.market_key = AbsentSecond.market_key
        and make_timestamp(seconds.ts_newest * 1000000) = AbsentSecond.traded_at
where
    seconds.kind = 'absent'
    and seconds.dataset in ('trades', 'taker_trades')
    and seconds.ts_newest is not null
group by all;
