-- One row per walk over a wallet that ended. Key: walk_key, trader_address.
-- Reads bronze walks (subjects of activity, positions and user_pnl). A walk
-- that ended with `end` and covers from 1970 on is whole; later ones go down to
-- where the one before began.
-- Columns:
-- outcome: end, window, cursor_refused or dropped
-- covers_from: the walk saw all from here on; 1970: from the beginning
-- covers_to: to here

-- step: define
create table if not exists silver.WalletWalk (
    walk_key uinteger not null,
    trader_address varchar not null,
    dataset varchar not null,
    outcome varchar,
    rows_served bigint,
    covers_from timestamp,
    covers_to timestamp,
    started_at timestamp,
    ended_at timestamp
);

-- step: take_in
insert into silver.WalletWalk by name
select
    walk_map.walk_key,
    lower(rows.key) as trader_address,
    any_value(rows.dataset) as dataset,
    any_value(rows.outcome) as outcome,
    max(rows.rows_served) as rows_served,
    make_timestamp(min(rows.ts_oldest) * 1000000) as covers_from,
    make_timestamp(max(rows.ts_newest) * 1000000) as covers_to,
    min(rows.started_at)::timestamp as started_at,
    max(rows.fetched_at)::timestamp as ended_at
from bronze_walks as rows
inner join walk_map on coalesce(rows.walk_id, '') = walk_map.walk_id
anti join silver.WalletWalk
    on
        walk_map.walk_key = WalletWalk.walk_key
        and lower(rows.key) = WalletWalk.trader_address
where
    rows.kind = 'subject'
    and rows.dataset in ('activity', 'positions', 'user_pnl')
    and rows.key is not null
group by walk_map.walk_key, lower(rows.key);
