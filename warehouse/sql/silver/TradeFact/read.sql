-- The batch's rows with their keys, what tells two fills apart as a hash, and
-- what tells two matches apart. Keys are looked up by the texts as they were
-- said: only the few different ones are put into their normal form.
create or replace temp table market_said as
select
    said.condition_id,
    market_map.market_key
from (
    select condition_id from bronze_trades
    union
    select condition_id from bronze_taker_trades
) as said
inner join market_map
    on lower(coalesce(said.condition_id, '')) = market_map.condition_id;

create or replace temp table token_said as
select
    said.token_id,
    token_map.token_key
from (
    select token_id from bronze_trades
    union
    select token_id from bronze_taker_trades
) as said
inner join token_map on coalesce(said.token_id, '') = token_map.token_id;

create or replace temp table trader_said as
select
    said.proxy_wallet,
    trader_map.trader_key
from (
    select proxy_wallet from bronze_trades
    union
    select proxy_wallet from bronze_taker_trades
) as said
inner join trader_map
    on lower(coalesce(said.proxy_wallet, '')) = trader_map.trader_address;

create or replace temp table incoming_trade as
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
    from bronze_trades as rows
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
