-- No two rows of silver.ActivityFact have the same key: the identity of what
-- was done, and its occurrence.
select
    trader_address,
    activity_type,
    happened_at,
    transaction_hash,
    condition_id,
    token_id,
    is_buy,
    occurrence,
    round(size * 1e6) as size_micros,
    round(coalesce(price, 0) * 1e6) as price_micros,
    count(*) as rows_of_key
from silver.ActivityFact
group by all
having count(*) > 1
