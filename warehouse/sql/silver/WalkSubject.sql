-- One row per market of a finished walk. Key: walk_key, market_key. Reads
-- bronze walks, kind subject.
-- Columns:
-- outcome: how the walk of this market ended, as in WalkFact

-- step: define
create table if not exists silver.WalkSubject (
    walk_key uinteger not null,
    market_key uinteger not null,
    dataset varchar,
    strategy varchar,
    outcome varchar,
    detail varchar,
    rows_served bigint,
    ts_oldest timestamp,
    ts_newest timestamp,
    started_at timestamp,
    ended_at timestamp
);

-- step: take_in
create or replace temp table incoming_subject as
select
    walk_map.walk_key,
    market_map.market_key,
    subjects.dataset,
    subjects.strategy,
    subjects.outcome,
    subjects.detail,
    subjects.rows_served,
    make_timestamp(subjects.ts_oldest * 1000000) as ts_oldest,
    make_timestamp(subjects.ts_newest * 1000000) as ts_newest,
    subjects.started_at::timestamp as started_at,
    subjects.fetched_at::timestamp as ended_at
from bronze_walks as subjects
inner join walk_map on subjects.walk_id = walk_map.walk_id
inner join market_map on lower(subjects.key) = market_map.condition_id
where
    subjects.kind = 'subject'
    and subjects.dataset in ('trades', 'taker_trades')
qualify
    row_number() over (
        partition by walk_map.walk_key, market_map.market_key
        order by subjects.fetched_at desc
    ) = 1;

delete from silver.WalkSubject
using incoming_subject
where
    WalkSubject.walk_key = incoming_subject.walk_key
    and WalkSubject.market_key = incoming_subject.market_key
    and WalkSubject.ended_at < incoming_subject.ended_at;

insert into silver.WalkSubject
select * from incoming_subject
anti join silver.WalkSubject using (walk_key, market_key);
