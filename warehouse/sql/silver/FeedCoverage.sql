-- One row per statement of what the feed covers without a gap; the latest
-- counts. Key: dataset, known_at, walk_id. Reads bronze walks, kind coverage.
-- Columns:
-- walk_id: the walk that made the statement

-- step: define
create table if not exists silver.FeedCoverage (
    dataset varchar not null,
    walk_id varchar,
    covered_from timestamp,
    watermark timestamp,
    known_at timestamp not null
);

-- step: take_in
insert into silver.FeedCoverage
select distinct
    coalesce(spans.dataset, '') as dataset,
    spans.walk_id,
    make_timestamp(spans.ts_oldest * 1000000) as covered_from,
    make_timestamp(spans.ts_newest * 1000000) as watermark,
    spans.fetched_at::timestamp as known_at
from bronze_walks as spans
anti join silver.FeedCoverage
    on
        coalesce(spans.dataset, '') = FeedCoverage.dataset
        and spans.walk_id is not distinct from FeedCoverage.walk_id
        and spans.fetched_at::timestamp = FeedCoverage.known_at
where spans.kind = 'coverage';
