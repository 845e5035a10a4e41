-- One row per thing that went wrong with a service. Key: error_id. Reads bronze
-- service_errors, which says it once when it began and once when it was over:
-- the last word stands.
-- Columns:
-- error_id: one error
-- service: books, coinbase, rtds_chainlink, updown, disk, ...
-- error_type: disconnected, silent, refused, malformed, ...
-- estimated_missed: messages, by the pace before; null: no estimate
-- details: what was seen, as a sentence
-- started_at: the last moment at which all was well
-- ended_at: when it was over; null: it was not yet
-- source_fetched_at: when the word that stands was written

-- step: define
create table if not exists silver.ServiceErrorFact (
    error_id varchar not null,
    service varchar,
    error_type varchar,
    estimated_missed bigint,
    details varchar,
    started_at timestamp not null,
    ended_at timestamp,
    source_fetched_at timestamp not null
);

-- step: take_in
create or replace temp table told_error as
with

told as (
    select
        error_id,
        service,
        error_type,
        estimated_missed,
        details,
        make_timestamp(started_at_ns // 1000) as started_at,
        make_timestamp(ended_at_ns // 1000) as ended_at,
        fetched_at::timestamp as source_fetched_at,
        row_no
    from bronze_service_errors
    where error_id is not null and started_at_ns is not null
),

held as (
    select ServiceErrorFact.*
    from silver.ServiceErrorFact
    semi join told using (error_id)
),

heard as (
    select * from told
    union all by name
    select * from held
)

select * exclude (row_no) from heard
qualify
    row_number() over (
        partition by error_id
        order by
            (ended_at is not null) desc,
            source_fetched_at desc,
            coalesce(row_no, 0) desc
    ) = 1;

delete from silver.ServiceErrorFact
using told_error
where ServiceErrorFact.error_id = told_error.error_id;

insert into silver.ServiceErrorFact by name
select * from told_error
order by started_at, error_id;
