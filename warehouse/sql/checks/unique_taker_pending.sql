-- No two rows of silver.TakerPending have the same key: market_key,
-- traded_at, transaction_hash, trader_key, token_key, is_buy, size,
-- price, occurrence.
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
    count(*) as rows_of_key
from silver.TakerPending
group by all
having count(*) > 1
