-- One row per walk, market and fold: rows stored, and rows that bronze held
-- already. Key: dataset, walk_key, market_key, folded_at, ts_oldest, ts_newest.
-- Reads bronze walks, kind folded. Sum over folds for what a walk brought in
-- all.

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
