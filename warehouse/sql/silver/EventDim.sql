-- One row per event, as it is now. Key: event_id. Reads bronze events: the
-- latest row.
-- Columns:
-- event_id: the event, as Gamma numbers it
-- title: the event's title
-- series_ids: the series that the event belongs to, as Gamma numbers them
-- series_slugs: the series' names in URLs, in the order of series_ids
-- is_neg_risk: exactly one of its markets comes true
-- volume: what Gamma shows as the event's volume

-- step: define
create table if not exists silver.EventDim (
    event_id varchar not null,
    slug varchar,
    title varchar,
    description varchar,
    category varchar,
    tag_ids varchar[],
    tag_slugs varchar[],
    tags varchar[],
    series_ids varchar[],
    series_slugs varchar[],
    is_active boolean,
    is_closed boolean,
    is_archived boolean,
    is_neg_risk boolean,
    volume double,
    liquidity double,
    open_interest double,
    created_at timestamp,
    start_at timestamp,
    end_at timestamp,
    closed_at timestamp,
    updated_at timestamp,
    source_fetched_at timestamp not null,
    source_walk_id varchar,
    source_page_no integer,
    source_row_no integer
);

-- step: take_in
create or replace temp table latest_event as
with

parsed as (
    select
        id as event_id,
        slug,
        title,
        description,
        category,
        case when json_valid(tags) then tags end as tags,
        case when json_valid(series) then series end as series,
        active as is_active,
        closed as is_closed,
        archived as is_archived,
        coalesce(neg_risk, enable_neg_risk) as is_neg_risk,
        volume,
        liquidity,
        open_interest,
        coalesce(created_at, creation_date) as created_at,
        start_date,
        end_date,
        closed_time,
        updated_at,
        fetched_at::timestamp as source_fetched_at,
        walk_id as source_walk_id,
        page_no as source_page_no,
        row_no as source_row_no
    from bronze_events
    where id is not null
    qualify
        row_number() over (
            partition by id
            order by
                fetched_at desc, walk_id desc, page_no desc, row_no desc
        ) = 1
)

select
    event_id,
    slug,
    title,
    description,
    category,
    json_extract_string(tags, '$[*].id') as tag_ids,
    json_extract_string(tags, '$[*].slug') as tag_slugs,
    json_extract_string(tags, '$[*].label') as tags,
    json_extract_string(series, '$[*].id') as series_ids,
    json_extract_string(series, '$[*].slug') as series_slugs,
    is_active,
    is_closed,
    is_archived,
    is_neg_risk,
    volume,
    liquidity,
    open_interest,
    try_cast(created_at as timestamptz)::timestamp as created_at,
    try_cast(start_date as timestamptz)::timestamp as start_at,
    try_cast(end_date as timestamptz)::timestamp as end_at,
    try_cast(closed_time as timestamptz)::timestamp as closed_at,
    try_cast(updated_at as timestamptz)::timestamp as updated_at,
    source_fetched_at,
    source_walk_id,
    source_page_no,
    source_row_no
from parsed;

delete from latest_event
using silver.EventDim
where
    latest_event.event_id = EventDim.event_id
    and (
        latest_event.source_fetched_at,
        coalesce(latest_event.source_walk_id, ''),
        coalesce(latest_event.source_page_no, 0),
        coalesce(latest_event.source_row_no, 0)
    ) <= (
        EventDim.source_fetched_at,
        coalesce(EventDim.source_walk_id, ''),
        coalesce(EventDim.source_page_no, 0),
        coalesce(EventDim.source_row_no, 0)
    );

delete from silver.EventDim
using latest_event
where EventDim.event_id = latest_event.event_id;

insert into silver.EventDim
select * from latest_event;
