-- One row per time that the largest wallets of a market were asked for. Key:
-- walk_key, page_no, row_no. Reads bronze position_polls. An empty answer is a
-- row, and so is one that failed.
-- Columns:
-- source: positions (/v2/positions) or holders (/v2/holders)
-- state: whole, partial, empty or failed
-- age_seconds: how old the answer was, by its Age header
-- wallets: wallets that came
-- shares: shares they hold together
-- problem: why it failed or broke off; null: it did not
-- asked_at: when it was asked

-- step: define
create table if not exists silver.PositionPollFact (
    market_key uinteger not null,
    source varchar,
    state varchar,
    age_seconds integer,
    wallets bigint,
    shares double,
    problem varchar,
    asked_at timestamp_ns not null,
    walk_key uinteger not null,
    page_no integer not null,
    row_no integer not null
);

-- step: read
create or replace temp table live_name as
select distinct
    null::varchar as token_id,
    condition_id,
    walk_id
from bronze_position_polls;

-- step: take_in
insert into silver.PositionPollFact by name
select
    market_map.market_key,
    told.source,
    told.state,
    told.age_seconds,
    told.wallets,
    told.shares,
    told.problem,
    make_timestamp_ns(told.asked_at_ns) as asked_at,
    walk_map.walk_key,
    coalesce(told.page_no, 0) as page_no,
    coalesce(told.row_no, 0) as row_no
from bronze_position_polls as told
inner join walk_map on coalesce(told.walk_id, '') = walk_map.walk_id
inner join market_map on lower(told.condition_id) = market_map.condition_id
anti join silver.PositionPollFact
    on
        walk_map.walk_key = PositionPollFact.walk_key
        and coalesce(told.page_no, 0) = PositionPollFact.page_no
        and coalesce(told.row_no, 0) = PositionPollFact.row_no
where told.asked_at_ns is not null
qualify
    row_number() over (
        partition by walk_map.walk_key, told.page_no, told.row_no
        order by told.asked_at_ns
    ) = 1
order by market_map.market_key, told.asked_at_ns;
