-- One row per statement that a market must be walked. Key: dataset, market_key,
-- known_at. Reads bronze walks, kind due. A later walk to the end settles it.

-- step: define
create table if not exists silver.WalkDue (
    dataset varchar not null,
    market_key uinteger not null,
    reason varchar,
    known_at timestamp not null
);
