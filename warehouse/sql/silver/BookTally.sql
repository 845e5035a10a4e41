-- One row per stretch and token: how much was heard of it. Key: walk_key,
-- token_key. Reads what ingest takes into silver.BookEventFact.
-- Columns:
-- walk_key: the unbroken listening (a stretch), in WalkFact
-- event_rows: rows of silver.BookEventFact
-- first_received_at: when the first of it was heard
-- last_received_at: when the last of it was heard

-- step: define
create table if not exists silver.BookTally (
    walk_key uinteger not null,
    token_key uinteger not null,
    event_rows bigint not null,
    first_received_at timestamp_ns not null,
    last_received_at timestamp_ns not null
);

-- step: take_in
create or replace temp table more_heard as
with

fresh as (
    select
        walk_key,
        token_key,
        count(*) as event_rows,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at
    from incoming_event
    where token_key is not null
    group by all
),

held as (
    select BookTally.*
    from silver.BookTally
    semi join fresh using (walk_key, token_key)
),

heard as (
    select * from fresh
    union all by name
    select * from held
)

select
    walk_key,
    token_key,
    sum(event_rows)::bigint as event_rows,
    min(first_received_at) as first_received_at,
    max(last_received_at) as last_received_at
from heard
group by all;

delete from silver.BookTally
using more_heard
where
    BookTally.walk_key = more_heard.walk_key
    and BookTally.token_key = more_heard.token_key;

insert into silver.BookTally
select * from more_heard
order by walk_key, token_key;
