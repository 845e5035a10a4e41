-- The fills of seconds that are told in one way, and how many equal ones came
-- before each.
create or replace temp table repeated_row as
with

repeated as (
    select identity_hash
    from incoming_trade
    anti join contested_pair using (market_key, traded_at)
    group by identity_hash
    having count(*) > 1
)

select
    identity_hash,
    page_no,
    row_no,
    row_number() over (
        partition by
            match_hash, market_key, traded_at, transaction_hash, trader_key,
            token_key, is_buy, round(size * 1e6), round(price * 1e6)
        order by page_no, row_no
    ) as occurrence
from incoming_trade
semi join repeated using (identity_hash)
anti join contested_pair using (market_key, traded_at)
qualify occurrence > 1;

create or replace temp table fresh_trade as
with

uncontested as (
    select * from incoming_trade
    anti join contested_pair using (market_key, traded_at)
)

select
    uncontested.market_key,
    uncontested.token_key,
    uncontested.trader_key,
    uncontested.walk_key,
    uncontested.transaction_hash,
    uncontested.is_buy,
    uncontested.size,
    uncontested.price,
    uncontested.traded_at,
    uncontested.seen_at,
    uncontested.page_no,
    uncontested.row_no,
    uncontested.match_hash,
    uncontested.identity_hash,
    coalesce(repeated_row.occurrence, 1) as occurrence,
    not starts_with(walk_map.walk_id, 'v') as has_order
from uncontested
inner join walk_map on uncontested.walk_key = walk_map.walk_key
left join repeated_row
    on
        uncontested.identity_hash = repeated_row.identity_hash
        and uncontested.page_no is not distinct from repeated_row.page_no
        and uncontested.row_no is not distinct from repeated_row.row_no;
