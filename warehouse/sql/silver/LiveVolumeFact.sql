-- One row per reading of the exchange's own total of a market, in shares, each
-- match once. Key: market_key, event_id, fetched_at, walk_key. Reads bronze
-- live_volume. as_of is when the answer was made: fetched_at less its age.

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
