-- No two rows of silver.WalkSubject have the same key: walk_key,
-- market_key.
select
    walk_key,
    market_key,
    count(*) as rows_of_key
from silver.WalkSubject
group by all
having count(*) > 1
