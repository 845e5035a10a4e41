-- Fills of seconds of which nothing was known: most of all rows go in here,
-- with their takers told.
insert into silver.TradeFact by name
with

told as (
    select
        fresh_trade.*,
        exists(
            select 1 from taker_row
            where
                taker_row.market_key = fresh_trade.market_key
                and taker_row.traded_at = fresh_trade.traded_at
                and taker_row.transaction_hash = fresh_trade.transaction_hash
        ) as is_told,
        exists(
            select 1 from taker_row
            where
                taker_row.identity_hash = fresh_trade.identity_hash
                and taker_row.market_key = fresh_trade.market_key
                and taker_row.traded_at = fresh_trade.traded_at
                and taker_row.transaction_hash = fresh_trade.transaction_hash
                and taker_row.occurrence = fresh_trade.occurrence
        ) as is_named
    from fresh_trade
)

select
    told.market_key,
    told.token_key,
    told.trader_key,
    told.transaction_hash,
    told.is_buy,
    told.occurrence,
    told.order_in_second,
    case
        when told.is_told then told.is_named
        when match_tally.taker_size is not null
            then told.size = match_tally.taker_size
    end as is_taker,
    case
        when told.is_told then 'taker_walk'
        when match_tally.taker_size is not null then 'derived'
    end as is_taker_source,
    told.size,
    told.price,
    told.traded_at,
    told.seen_at as first_seen_at,
    told.walk_key,
    told.page_no,
    told.row_no
from told
left join match_tally
    on
        not told.is_told
        and told.market_key = match_tally.market_key
        and told.traded_at = match_tally.traded_at
        and told.transaction_hash = match_tally.transaction_hash
order by
    told.traded_at::date,
    told.market_key,
    told.traded_at,
    told.transaction_hash;
