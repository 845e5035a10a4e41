-- Fills of seconds of which nothing was known: most of all rows go in here,
-- with their takers told. Sorted by the match's hash of ours, a number: what
-- matters is that its rows lie side by side.
insert into silver.TradeFact by name
with

told as (
    select
        fresh_trade.*,
        match_tally.is_told,
        match_tally.taker_size,
        exists(
            select 1 from taker_row
            where
                taker_row.identity_hash = fresh_trade.identity_hash
                and taker_row.market_key = fresh_trade.market_key
                and taker_row.traded_at = fresh_trade.traded_at
                and taker_row.occurrence = fresh_trade.occurrence
        ) as is_named
    from fresh_trade
    inner join match_tally
        on
            fresh_trade.match_hash = match_tally.match_hash
            and fresh_trade.market_key = match_tally.market_key
            and fresh_trade.traded_at = match_tally.traded_at
)

select
    market_key,
    token_key,
    trader_key,
    transaction_hash,
    is_buy,
    occurrence,
    order_in_second,
    case
        when is_told then is_named
        when taker_size is not null then size = taker_size
    end as is_taker,
    case
        when is_told then 'taker_walk'
        when taker_size is not null then 'derived'
    end as is_taker_source,
    size,
    price,
    traded_at,
    seen_at as first_seen_at,
    walk_key,
    page_no,
    row_no
from told
order by traded_at::date, market_key, traded_at, match_hash;
