-- One row per market of a finished walk. Key: walk_key, market_key. Reads
-- bronze walks, kind subject.

-- step: define
create table if not exists silver.WalkSubject (
    walk_key uinteger not null,
    market_key uinteger not null,
    dataset varchar,
    strategy varchar,
    outcome varchar,
    detail varchar,
    rows_served bigint,
    ts_oldest timestamp,
    ts_newest timestamp,
    started_at timestamp,
    ended_at timestamp
);
