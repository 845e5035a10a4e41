-- One row per statement of what the feed covers without a gap; the latest
-- counts. Key: dataset, known_at, walk_id. Reads bronze walks, kind coverage.

-- step: define
create table if not exists silver.FeedCoverage (
    dataset varchar not null,
    walk_id varchar,
    covered_from timestamp,
    watermark timestamp,
    known_at timestamp not null
);
