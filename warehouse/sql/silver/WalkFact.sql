-- One row per walk, of any dataset. Key: walk_key, walk_id. Reads bronze walks.
-- A walk that data rows name before its own row has come is here with nulls;
-- outcome is null until a walk has ended.
-- Columns:
-- outcome: how the walk ended: end, floor, window, cap, cursor_refused, ...;
--     null: it has not

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

-- step: named_by_trades
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from bronze_trades
union
select distinct coalesce(walk_id, '') as walk_id from bronze_taker_trades;

-- step: named_by_live_volume
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from bronze_live_volume;

-- step: named_by_activity
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from bronze_activity;

-- step: named_by_positions
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from bronze_positions;

-- step: named_by_user_pnl
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from bronze_user_pnl;

-- step: named_by_resolutions
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from bronze_resolutions;

-- step: named_by_open_interest
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from bronze_open_interest;

-- step: named_by_leaderboard
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from bronze_leaderboard;

-- step: named_by_prices
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from told_stretch;

-- step: named_by_price_windows
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from bronze_price_windows;

-- step: named_by_live
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from live_name;

-- step: named_by_walks
create or replace temp table named_walk as
select distinct coalesce(walk_id, '') as walk_id from bronze_walks
where kind in ('page', 'walk', 'subject', 'folded', 'absent');

-- step: take_in
insert into silver.WalkFact (walk_key, walk_id)
select
    (select coalesce(max(walk_key), 0) from silver.WalkFact)
    + row_number() over (order by walk_id),
    walk_id
from named_walk
anti join silver.WalkFact using (walk_id);

create or replace temp table walk_map as
select
    WalkFact.walk_id,
    WalkFact.walk_key
from silver.WalkFact
semi join named_walk using (walk_id);

-- step: describe
-- Updates of text are slow: rows are replaced instead.
create or replace temp table described_walk as
with

told as (
    select
        walk_id,
        max(dataset) as dataset,
        max(strategy) as strategy,
        max(filter) as filter,
        max(started_at)::timestamp as started_at
    from bronze_walks
    where kind in ('page', 'walk')
    group by walk_id
),

ended as (
    select * from bronze_walks
    where kind = 'walk'
    qualify
        row_number() over (partition by walk_id order by fetched_at desc) = 1
),

known as (
    select
        WalkFact.*,
        told.dataset as told_dataset,
        told.strategy as told_strategy,
        told.filter as told_filter,
        told.started_at as told_started_at,
        coalesce(
            ended.fetched_at::timestamp
            > coalesce(WalkFact.ended_at, '-infinity'::timestamp),
            false
        ) as is_ended,
        ended.outcome as end_outcome,
        ended.detail as end_detail,
        ended.rows_served as end_rows_served,
        ended.pages as end_pages,
        make_timestamp(ended.ts_oldest * 1000000) as end_ts_oldest,
        make_timestamp(ended.ts_newest * 1000000) as end_ts_newest,
        ended.fetched_at::timestamp as end_at
    from silver.WalkFact
    inner join told on WalkFact.walk_id = told.walk_id
    left join ended on WalkFact.walk_id = ended.walk_id
)

select
    walk_key,
    walk_id,
    coalesce(dataset, told_dataset) as dataset,
    coalesce(strategy, told_strategy) as strategy,
    coalesce(filter, told_filter) as filter,
    case when is_ended then end_outcome else outcome end as outcome,
    case when is_ended then end_detail else detail end as detail,
    case when is_ended then end_rows_served else rows_served end
        as rows_served,
    case when is_ended then end_pages else pages end as pages,
    case when is_ended then end_ts_oldest else ts_oldest end as ts_oldest,
    case when is_ended then end_ts_newest else ts_newest end as ts_newest,
    coalesce(started_at, told_started_at) as started_at,
    case when is_ended then end_at else ended_at end as ended_at
from known;

delete from silver.WalkFact
using described_walk
where WalkFact.walk_key = described_walk.walk_key;

insert into silver.WalkFact
select * from described_walk;
