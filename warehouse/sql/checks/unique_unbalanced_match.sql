-- No two rows of silver.UnbalancedMatch have the same key: market_key,
-- traded_at, transaction_hash.
select
    market_key,
    traded_at,
    transaction_hash,
    count(*) as rows_of_key
from silver.UnbalancedMatch
group by all
having count(*) > 1
