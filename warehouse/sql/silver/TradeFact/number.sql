-- Order runs against the pages, which begin with the newest row; pages of the
-- old API overlap and give none.
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

ordered as (
    select
        *,
        row_number() over (
            partition by market_key, traded_at
            order by page_no desc, row_no desc
        ) as place
    from incoming_trade
    anti join contested_pair using (market_key, traded_at)
)

select
    ordered.market_key,
    ordered.token_key,
    ordered.trader_key,
    ordered.walk_key,
    ordered.transaction_hash,
    ordered.is_buy,
    ordered.size,
    ordered.price,
    ordered.traded_at,
    ordered.seen_at,
    ordered.page_no,
    ordered.row_no,
    ordered.match_hash,
    ordered.identity_hash,
    coalesce(repeated_row.occurrence, 1) as occurrence,
    case
        when not starts_with(walk_map.walk_id, 'v') then ordered.place
    end as order_in_second
from ordered
inner join walk_map on ordered.walk_key = walk_map.walk_key
left join repeated_row
    on
        ordered.identity_hash = repeated_row.identity_hash
        and ordered.page_no is not distinct from repeated_row.page_no
        and ordered.row_no is not distinct from repeated_row.row_no;
