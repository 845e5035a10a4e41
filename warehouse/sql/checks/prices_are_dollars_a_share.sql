-- Every price of a fill that stands lies between 0 and 1.
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
where price is null or not price between 0 and 1
