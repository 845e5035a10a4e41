-- One row per walk, market and day of trading: bronze rows that ingest has
-- taken in. Key: dataset, walk_key, market_key, traded_on. Reads bronze trades
-- and taker_trades. Summed over days it equals what the walk's folds say they
-- stored.

-- step: define
create table if not exists silver.WalkTally (
    dataset varchar not null,
    walk_key uinteger not null,
    market_key uinteger not null,
    rows_taken_in ubigint not null,
    traded_on date not null
);
