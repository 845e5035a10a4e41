-- One row per answer of a walk. Key: walk_key, page_no. Reads bronze walks. The
-- request itself, its trace id and cursor stay in bronze walks.

-- step: define
create table if not exists silver.WalkPage (
    walk_key uinteger not null,
    page_no integer not null,
    rows_served bigint,
    age_seconds integer,
    ts_oldest timestamp,
    ts_newest timestamp,
    fetched_at timestamp
);
