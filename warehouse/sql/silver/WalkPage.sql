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

-- step: take_in
insert into silver.WalkPage
select
    walk_map.walk_key,
    pages.page_no,
    pages.rows_served,
    pages.age_seconds,
    make_timestamp(pages.ts_oldest * 1000000) as ts_oldest,
    make_timestamp(pages.ts_newest * 1000000) as ts_newest,
    pages.fetched_at::timestamp as fetched_at
from bronze_walks as pages
inner join walk_map on pages.walk_id = walk_map.walk_id
anti join silver.WalkPage
    on
        walk_map.walk_key = WalkPage.walk_key
        and pages.page_no = WalkPage.page_no
where
    pages.kind = 'page'
    and pages.page_no is not null
qualify
    row_number() over (
        partition by walk_map.walk_key, pages.page_no
        order by pages.fetched_at desc
    ) = 1;
