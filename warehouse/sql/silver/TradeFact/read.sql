-- The batch's rows with their keys, and what tells two fills apart as a hash.
create or replace temp table incoming_trade as
with

keyed as (
    select
        market_map.market_key,
        token_map.token_key,
        trader_map.trader_key,
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
    inner join market_map
        on lower(coalesce(rows.condition_id, '')) = market_map.condition_id
    inner join token_map on coalesce(rows.token_id, '') = token_map.token_id
    inner join trader_map
        on lower(coalesce(rows.proxy_wallet, '')) = trader_map.trader_address
    inner join walk_map on coalesce(rows.walk_id, '') = walk_map.walk_id
)

select
    *,
    hash(
        market_key, traded_at, transaction_hash, trader_key,
        token_key, is_buy, round(size * 1e6), round(price * 1e6)
    ) as identity_hash
from keyed;
