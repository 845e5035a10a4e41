-- No two rows of silver.AbsentSecond have the same key: dataset, walk_key,
-- market_key, traded_at.
select
    dataset,
    walk_key,
    market_key,
    traded_at,
    count(*) as rows_of_key
from silver.AbsentSecond
group by all
having count(*) > 1
