-- No two rows of silver.ExpiredTally have the same key: dataset, walk_key,
-- market_key.
select
    dataset,
    walk_key,
    market_key,
    count(*) as rows_of_key
from silver.ExpiredTally
group by all
having count(*) > 1
