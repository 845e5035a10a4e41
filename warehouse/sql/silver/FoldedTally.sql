-- One row per walk, market and fold: rows stored, and rows that bronze held
-- already. Key: dataset, walk_key, market_key, folded_at, ts_oldest, ts_newest.
-- Reads bronze walks, kind folded. Sum over folds for what a walk brought in
-- all.
-- Columns:
-- folded_at: when the fold was committed

-- step: define
create table if not exists silver.FoldedTally (
    dataset varchar not null,
    walk_key uinteger not null,
    market_key uinteger not null,
    checksum varchar,
    rows_stored bigint,
    rows_confirmed bigint,
    ts_oldest timestamp,
    ts_newest timestamp,
    folded_at timestamp
);

-- step: take_in
insert into silver.FoldedTally
select distinct
    folds.dataset,
    walk_map.walk_key,
    market_map.market_key,
    folds.checksum,
    folds.rows_stored,
    folds.rows_confirmed,
    make_timestamp(folds.ts_oldest * 1000000) as ts_oldest,
    make_timestamp(folds.ts_newest * 1000000) as ts_newest,
    folds.fetched_at::timestamp as folded_at
from bronze_walks as folds
inner join walk_map on folds.walk_id = walk_map.walk_id
inner join market_map on lower(folds.key) = market_map.condition_id
anti join silver.FoldedTally
    on
        folds.dataset = FoldedTally.dataset
        and walk_map.walk_key = FoldedTally.walk_key
        and market_map.market_key = FoldedTally.market_key
        and folds.fetched_at::timestamp = FoldedTally.folded_at
        and make_timestamp(folds.ts_oldest * 1000000)
        is not distinct from FoldedTally.ts_oldest
        and make_timestamp(folds.ts_newest * 1000000)
        is not distinct from FoldedTally.ts_newest
where
    folds.kind = 'folded'
    and folds.dataset in ('trades', 'taker_trades');
