-- Every fill that stands has a size above zero.
select
    traded_at,
    condition_id,
    token_id,
    proxy_wallet,
    side,
    price,
    size,
    transaction_hash,
    occurrence
from gold.trades
where size is null or size <= 0
