-- One row per token and answer: what was asked of its price history, and what
-- came. Key: token_key, walk_key, page_no. Reads bronze price_windows. An empty
-- history says nothing by itself: it may be too old for the fidelity, or the
-- token had no book.
-- Columns:
-- fidelity_asked_minutes: minutes a point, as asked for
-- fidelity_obtained_minutes: minutes a point, as it came; null: nothing came
-- points: points inside of the window
-- is_empty: whether there was none
-- step_seconds: usual distance of two points, the median; null for a few points
-- refusal: what the service said if it refused the token; else null
-- mirror_points: points that were compared with the market's other token
-- mirror_error: dollars by which the two tokens' prices miss 1, the mean
-- asked_from: first moment that was wanted
-- asked_to: moment before which it was wanted
-- first_at: oldest point inside of the window
-- last_at: newest point inside of the window
-- asked_at: when it was asked, by the service's clock

-- step: define
create table if not exists silver.PriceWindowFact (
    token_key uinteger not null,
    walk_key uinteger not null,
    page_no integer not null,
    refusal varchar,
    fidelity_asked_minutes integer,
    fidelity_obtained_minutes integer,
    is_empty boolean,
    points bigint,
    step_seconds double,
    mirror_points bigint,
    mirror_error double,
    asked_from timestamp,
    asked_to timestamp,
    first_at timestamp,
    last_at timestamp,
    asked_at timestamp,
    fetched_at timestamp not null
);

-- step: take_in
insert into silver.PriceWindowFact by name
select
    token_map.token_key,
    walk_map.walk_key,
    coalesce(windows.page_no, 0) as page_no,
    windows.refusal,
    windows.fidelity_asked as fidelity_asked_minutes,
    windows.fidelity_obtained as fidelity_obtained_minutes,
    windows.is_empty,
    windows.points,
    windows.step_seconds,
    windows.mirror_points,
    windows.mirror_error,
    make_timestamp(windows.asked_from * 1000000) as asked_from,
    make_timestamp(windows.asked_to * 1000000) as asked_to,
    make_timestamp(windows.first_at * 1000000) as first_at,
    make_timestamp(windows.last_at * 1000000) as last_at,
    windows.asked_at::timestamp as asked_at,
    windows.fetched_at::timestamp as fetched_at
from bronze_price_windows as windows
inner join token_map on coalesce(windows.token_id, '') = token_map.token_id
inner join walk_map on coalesce(windows.walk_id, '') = walk_map.walk_id
anti join silver.PriceWindowFact
    on
        token_map.token_key = PriceWindowFact.token_key
        and walk_map.walk_key = PriceWindowFact.walk_key
        and coalesce(windows.page_no, 0) = PriceWindowFact.page_no
qualify
    row_number() over (
        partition by
            token_map.token_key, walk_map.walk_key,
            coalesce(windows.page_no, 0)
        order by windows.fetched_at desc, windows.row_no desc
    ) = 1;
