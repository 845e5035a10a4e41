-- One row per wallet and token of a market that was among its largest when
-- asked. Key: walk_key, page_no, row_no. Reads bronze position_snapshots. What
-- was worth less than [silver] dust_usd then is left out; where nobody says
-- what it was worth, a dollar a share is taken.
-- Columns:
-- source: positions (/v2/positions) or holders (/v2/holders)
-- position_rank: place by size within the token, from 1
-- size: shares held
-- avg_price: average price paid, dollars a share
-- value_usd: what it was worth then
-- realized_usd: realized P&L
-- asked_at: when it was asked

-- step: define
create table if not exists silver.PositionSnapshotFact (
    token_key uinteger not null,
    trader_address varchar not null,
    source varchar,
    position_rank integer,
    size double,
    avg_price double,
    value_usd double,
    realized_usd double,
    asked_at timestamp_ns not null,
    walk_key uinteger not null,
    page_no integer not null,
    row_no integer not null
);

-- step: read
create or replace temp table live_name as
select distinct
    token_id,
    condition_id,
    walk_id
from bronze_position_snapshots;

-- step: take_in
create or replace temp table incoming_position as
select
    token_map.token_key,
    lower(coalesce(told.proxy_wallet, '')) as trader_address,
    told.source,
    told.rank as position_rank,
    told.size,
    told.avg_price,
    told.current_value as value_usd,
    told.realized_pnl as realized_usd,
    make_timestamp_ns(told.asked_at_ns) as asked_at,
    walk_map.walk_key,
    coalesce(told.page_no, 0) as page_no,
    coalesce(told.row_no, 0) as row_no
from bronze_position_snapshots as told
inner join walk_map on coalesce(told.walk_id, '') = walk_map.walk_id
inner join token_map on told.token_id = token_map.token_id
where
    told.asked_at_ns is not null
    and coalesce(told.current_value, told.size, 0)
    >= coalesce(getvariable('dust_usd'), 0)
qualify
    row_number() over (
        partition by walk_map.walk_key, told.page_no, told.row_no
        order by told.asked_at_ns
    ) = 1;

set variable asked_from = (select min(asked_at) from incoming_position);

set variable asked_to = (select max(asked_at) from incoming_position);

create or replace temp table known_position as
select
    walk_key,
    page_no,
    row_no
from silver.PositionSnapshotFact
where
    asked_at >= getvariable('asked_from')
    and asked_at <= getvariable('asked_to');

insert into silver.PositionSnapshotFact by name
select incoming_position.*
from incoming_position
anti join known_position
    on
        incoming_position.walk_key = known_position.walk_key
        and incoming_position.page_no = known_position.page_no
        and incoming_position.row_no = known_position.row_no
order by
    incoming_position.token_key,
    incoming_position.trader_address,
    incoming_position.asked_at;
