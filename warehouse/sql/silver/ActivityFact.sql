-- One row per thing that a wallet did: a trade, split, merge, redemption,
-- reward. Key: trader_address, activity_type, happened_at, transaction_hash,
-- condition_id, token_id, is_buy, size and price at 1e-6, occurrence. Reads
-- bronze activity, of wallets that were asked for. Equal rows are counted
-- within each unbroken walk, and of all walks the greatest count stands, as in
-- TradeFact; the earliest sighting is kept. An empty id is null: rewards are of
-- no market, merges and old redemptions of no one token. Natural keys, for
-- these wallets are few.
-- Columns:
-- activity_type: TRADE, SPLIT, MERGE, REDEEM, REWARD, CONVERSION, ...
-- is_buy: a trade's side; null for all else
-- size: shares; dollars for rewards and rebates
-- price: dollars a share of a trade; else 0
-- usdc_size: dollars that moved, a taker's fee included
-- is_combo: the market is a combo of others; null: not said
-- title: the market's question, as the row says it
-- happened_at: UTC to the second
-- first_seen_at: when a walk first brought the row

-- step: define
create table if not exists silver.ActivityFact (
    trader_address varchar not null,
    activity_type varchar not null,
    condition_id varchar,
    token_id varchar,
    transaction_hash varchar,
    occurrence usmallint not null,
    is_buy boolean,
    is_combo boolean,
    title varchar,
    event_slug varchar,
    outcome varchar,
    outcome_index integer,
    size double not null,
    price double,
    usdc_size double,
    happened_at timestamp not null,
    first_seen_at timestamp not null,
    walk_key uinteger not null,
    page_no integer,
    row_no integer
);

-- step: take_in
create or replace temp table incoming_activity as
with

told as (
    select
        lower(rows.proxy_wallet) as trader_address,
        upper(rows.type) as activity_type,
        lower(nullif(rows.condition_id, '')) as condition_id,
        nullif(rows.token_id, '') as token_id,
        lower(nullif(rows.transaction_hash, '')) as transaction_hash,
        case rows.side
            when 'BUY' then true
            when 'SELL' then false
        end as is_buy,
        rows.is_combo,
        nullif(rows.title, '') as title,
        nullif(rows.event_slug, '') as event_slug,
        nullif(rows.outcome, '') as outcome,
        nullif(rows.outcome_index, 999) as outcome_index,
        rows.size,
        rows.price,
        rows.usdc_size,
        make_timestamp(rows.timestamp * 1000000) as happened_at,
        rows.fetched_at::timestamp as first_seen_at,
        walk_map.walk_key,
        rows.walk_id,
        rows.page_no,
        rows.row_no
    from bronze_activity as rows
    inner join walk_map on coalesce(rows.walk_id, '') = walk_map.walk_id
),

numbered as (
    select
        *,
        row_number() over (
            partition by
                walk_key, trader_address, activity_type, happened_at,
                transaction_hash, condition_id, token_id, is_buy,
                round(size * 1e6), round(coalesce(price, 0) * 1e6)
            order by page_no, row_no
        ) as occurrence
    from told
)

select * exclude (walk_id) from numbered
qualify
    row_number() over (
        partition by
            trader_address, activity_type, happened_at, transaction_hash,
            condition_id, token_id, is_buy, round(size * 1e6),
            round(coalesce(price, 0) * 1e6), occurrence
        order by first_seen_at, walk_id, page_no, row_no
    ) = 1;

delete from incoming_activity
using silver.ActivityFact
where
    incoming_activity.trader_address = ActivityFact.trader_address
    and incoming_activity.happened_at = ActivityFact.happened_at
    and incoming_activity.activity_type = ActivityFact.activity_type
    and incoming_activity.transaction_hash
    is not distinct from ActivityFact.transaction_hash
    and incoming_activity.condition_id
    is not distinct from ActivityFact.condition_id
    and incoming_activity.token_id is not distinct from ActivityFact.token_id
    and incoming_activity.is_buy is not distinct from ActivityFact.is_buy
    and round(incoming_activity.size * 1e6) = round(ActivityFact.size * 1e6)
    and round(coalesce(incoming_activity.price, 0) * 1e6)
    = round(coalesce(ActivityFact.price, 0) * 1e6)
    and incoming_activity.occurrence = ActivityFact.occurrence;

insert into silver.ActivityFact by name
select * from incoming_activity
order by trader_address, happened_at, transaction_hash;
