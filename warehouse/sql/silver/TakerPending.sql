-- One row per taker's fill that no row of TradeFact answers. Key: as
-- TradeFact's. Reads bronze taker_trades. Normally empty: a row here is a fill
-- that the walk of both sides has not shown.

-- step: define
create table if not exists silver.TakerPending (
    market_key uinteger not null,
    token_key uinteger not null,
    trader_key uinteger not null,
    transaction_hash blob not null,
    is_buy boolean,
    occurrence usmallint not null,
    size double,
    price double,
    traded_at timestamp not null
);

-- step: read
create or replace temp table incoming_taker as
with

keyed as (
    select
        market_said.market_key,
        token_said.token_key,
        trader_said.trader_key,
        walk_map.walk_key,
        case
            when strlen(rows.transaction_hash) = 66
                then coalesce(
                    try(unhex(substr(rows.transaction_hash, 3))),
                    encode(lower(rows.transaction_hash))
                )
            else encode(lower(coalesce(rows.transaction_hash, '')))
        end as transaction_hash,
        case rows.side
            when 'BUY' then true
            when 'SELL' then false
        end as is_buy,
        rows.size,
        rows.price,
        make_timestamp(rows.timestamp * 1000000) as traded_at,
        rows.fetched_at::timestamp as seen_at,
        rows.page_no,
        rows.row_no
    from bronze_taker_trades as rows
    inner join market_said
        on rows.condition_id is not distinct from market_said.condition_id
    inner join token_said
        on rows.token_id is not distinct from token_said.token_id
    inner join trader_said
        on rows.proxy_wallet is not distinct from trader_said.proxy_wallet
    inner join walk_map on coalesce(rows.walk_id, '') = walk_map.walk_id
),

hashed as (
    select
        *,
        hash(market_key, traded_at, transaction_hash) as match_hash
    from keyed
)

select
    *,
    hash(
        match_hash, trader_key, token_key, is_buy,
        round(size * 1e6), round(price * 1e6)
    ) as identity_hash
from hashed;


create or replace temp table repeated_taker as
with

repeated as (
    select
        walk_key,
        identity_hash
    from incoming_taker
    group by all
    having count(*) > 1
)

select
    walk_key,
    identity_hash,
    page_no,
    row_no,
    row_number() over (
        partition by
            walk_key, market_key, traded_at, transaction_hash, trader_key,
            token_key, is_buy, round(size * 1e6), round(price * 1e6)
        order by page_no, row_no
    ) as occurrence
from incoming_taker
semi join repeated using (walk_key, identity_hash)
qualify occurrence > 1;

-- step: gather
-- The takers' rows that came now, and those that still waited there.
create or replace temp table taker_row as
select
    incoming_taker.market_key,
    incoming_taker.token_key,
    incoming_taker.trader_key,
    incoming_taker.transaction_hash,
    incoming_taker.is_buy,
    incoming_taker.size,
    incoming_taker.price,
    incoming_taker.traded_at,
    incoming_taker.match_hash,
    incoming_taker.identity_hash,
    coalesce(repeated_taker.occurrence, 1) as occurrence
from incoming_taker
left join repeated_taker
    on
        incoming_taker.walk_key = repeated_taker.walk_key
        and incoming_taker.identity_hash = repeated_taker.identity_hash
        and incoming_taker.page_no is not distinct from repeated_taker.page_no
        and incoming_taker.row_no is not distinct from repeated_taker.row_no
union all by name
select
    *,
    hash(market_key, traded_at, transaction_hash) as match_hash,
    hash(
        match_hash, trader_key, token_key, is_buy,
        round(size * 1e6), round(price * 1e6)
    ) as identity_hash
from silver.TakerPending
where
    traded_at between getvariable('batch_from') and getvariable('batch_to');

-- step: drop_answered
-- A day that is taken in whole brings rows again that have their answer.
delete from taker_row
using silver.TradeFact
where
    TradeFact.traded_at
    between getvariable('batch_from') and getvariable('batch_to')
    and TradeFact.is_taker
    and TradeFact.is_taker_source = 'taker_walk'
    and taker_row.market_key = TradeFact.market_key
    and taker_row.traded_at = TradeFact.traded_at
    and taker_row.transaction_hash = TradeFact.transaction_hash
    and taker_row.trader_key = TradeFact.trader_key
    and taker_row.token_key = TradeFact.token_key
    and taker_row.is_buy is not distinct from TradeFact.is_buy
    and round(taker_row.size * 1e6)
    is not distinct from round(TradeFact.size * 1e6)
    and round(taker_row.price * 1e6)
    is not distinct from round(TradeFact.price * 1e6)
    and taker_row.occurrence = TradeFact.occurrence;

-- step: keep_unanswered
delete from silver.TakerPending
where
    traded_at between getvariable('batch_from') and getvariable('batch_to');

insert into silver.TakerPending by name
select taker_row.* exclude (identity_hash, match_hash)
from taker_row
anti join fresh_trade
    using (
        identity_hash, match_hash, market_key, traded_at, occurrence
    )
anti join touched_fact
    using (
        identity_hash, match_hash, market_key, traded_at, occurrence
    )
qualify
    row_number() over (
        partition by
            market_key, traded_at, transaction_hash, trader_key, token_key,
            is_buy, round(size * 1e6), round(price * 1e6), occurrence
        order by size, price
    ) = 1;
