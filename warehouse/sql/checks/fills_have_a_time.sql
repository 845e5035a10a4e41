-- Every fill has a second of trading since 2020 and a time at which it was
-- first seen.
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
    traded_at is null
    or traded_at < timestamp '2020-01-01'
    or traded_at <> date_trunc('second', traded_at)
    or first_seen_at is null
