-- One row per walk, of any dataset. Key: walk_key, walk_id. Reads bronze walks.
-- A walk that data rows name before its own row has come is here with nulls;
-- outcome is null until a walk has ended.

-- step: define
create table if not exists silver.WalkFact (
    walk_key uinteger not null,
    walk_id varchar not null,
    dataset varchar,
    strategy varchar,
    filter varchar,
    outcome varchar,
    detail varchar,
    rows_served bigint,
    pages integer,
    ts_oldest timestamp,
    ts_newest timestamp,
    started_at timestamp,
    ended_at timestamp
);
