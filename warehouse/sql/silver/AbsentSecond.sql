-- One row per second of a market that bronze holds and a walk passed without a
-- row. Key: dataset, walk_key, market_key, traded_at. Reads bronze walks, kind
-- absent.

-- step: define
create table if not exists silver.AbsentSecond (
    dataset varchar not null,
    walk_key uinteger not null,
    market_key uinteger not null,
    traded_at timestamp not null,
    known_at timestamp
);
