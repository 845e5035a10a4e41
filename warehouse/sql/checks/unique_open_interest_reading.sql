-- No two rows of silver.OpenInterestFact have the same key: market_key,
-- fetched_at, walk_key.
select
    market_key,
    fetched_at,
    walk_key,
    count(*) as rows_of_key
from silver.OpenInterestFact
group by all
having count(*) > 1
