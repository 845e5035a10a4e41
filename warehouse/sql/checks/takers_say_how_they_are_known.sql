-- is_taker is known just where is_taker_source says how.
select
    market_key,
    traded_at,
    transaction_hash,
    trader_key,
    token_key,
    is_buy,
    size,
    price,
    occurrence,
    is_taker,
    is_taker_source,
    first_seen_at,
    walk_key,
    page_no,
    row_no
from silver.TradeFact
where
    (is_taker is null) <> (is_taker_source is null)
    or is_taker_source not in ('taker_walk', 'derived')
