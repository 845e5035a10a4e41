-- One row per event, as it is now. Key: event_id. Reads bronze events: the
-- latest row.

-- step: define
create table if not exists silver.EventDim (
    event_id varchar not null,
    slug varchar,
    title varchar,
    description varchar,
    category varchar,
    tag_ids varchar [],
    tag_slugs varchar [],
    tags varchar [],
    series_ids varchar [],
    series_slugs varchar [],
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
