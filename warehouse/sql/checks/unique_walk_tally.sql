-- No two rows of silver.WalkTally have the same key: dataset, walk_key,
-- market_key, traded_on.
select
    dataset,
    walk_key,
    market_key,
    traded_on,
    count(*) as rows_of_key
from silver.WalkTally
group by all
having count(*) > 1
