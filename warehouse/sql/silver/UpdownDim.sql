-- One row per up/down market: a window of five or fifteen minutes. Key: slug.
-- Reads bronze updown_windows. Each column shows what was said of it last, and
-- what was known once is never forgotten again.
-- Columns:
-- series: btc-15m, btc-5m, ...
-- condition_id: the market; null: it was not found
-- up_token_id: token of the outcome Up
-- down_token_id: token of the outcome Down
-- state: discovered, missing, ended, resolved or failed
-- strike: the price to beat, dollars, to the last digit; null: not known yet
-- final_price: the price at the end, dollars, to the last digit
-- outcome: Up or Down; null: not final
-- attempts: times the outcome was asked for
-- rule: JSON of what the market says of its source and its reading of it
-- problem: what went wrong with the last attempt; null: nothing
-- window_start: when it begins
-- window_end: when it ends
-- resolved_at: when the market closed
-- source_fetched_at: when the latest of it was known

-- step: define
create table if not exists silver.UpdownDim (
    slug varchar not null,
    series varchar,
    condition_id varchar,
    up_token_id varchar,
    down_token_id varchar,
    state varchar,
    strike decimal(38, 18),
    final_price decimal(38, 18),
    outcome varchar,
    attempts integer,
    rule varchar,
    problem varchar,
    window_start timestamp,
    window_end timestamp,
    resolved_at timestamp,
    source_fetched_at timestamp not null
);

-- step: take_in
create or replace temp table told_window as
with

told as (
    select
        slug,
        series,
        lower(nullif(condition_id, '')) as condition_id,
        nullif(up_token_id, '') as up_token_id,
        nullif(down_token_id, '') as down_token_id,
        state,
        try_cast(strike as decimal(38, 18)) as strike,
        try_cast(final_price as decimal(38, 18)) as final_price,
        nullif(outcome, '') as outcome,
        attempts,
        nullif(rule, '') as rule,
        problem,
        make_timestamp(window_start * 1000000) as window_start,
        make_timestamp(window_end * 1000000) as window_end,
        make_timestamp(resolved_at * 1000000) as resolved_at,
        fetched_at::timestamp as source_fetched_at,
        walk_id,
        page_no,
        row_no
    from bronze_updown_windows
    where slug is not null
),

held as (
    select UpdownDim.*
    from silver.UpdownDim
    semi join told using (slug)
),

heard as (
    select * from told
    union all by name
    select * from held
),

placed as (
    select
        *,
        row_number() over (
            order by
                source_fetched_at,
                coalesce(walk_id, ''),
                coalesce(page_no, 0),
                coalesce(row_no, 0)
        ) as place
    from heard
)

select
    slug,
    arg_max(series, place) as series,
    arg_max(condition_id, place) as condition_id,
    arg_max(up_token_id, place) as up_token_id,
    arg_max(down_token_id, place) as down_token_id,
    arg_max(state, place) as state,
    arg_max(strike, place) as strike,
    arg_max(final_price, place) as final_price,
    arg_max(outcome, place) as outcome,
    max(attempts) as attempts,
    arg_max(rule, place) as rule,
    arg_max_null(problem, place) as problem,
    arg_max(window_start, place) as window_start,
    arg_max(window_end, place) as window_end,
    arg_max(resolved_at, place) as resolved_at,
    max(source_fetched_at) as source_fetched_at
from placed
group by slug;

delete from silver.UpdownDim
using told_window
where UpdownDim.slug = told_window.slug;

insert into silver.UpdownDim by name
select * from told_window
order by window_start, slug;
