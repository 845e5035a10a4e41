-- No two rows of silver.WalkFact have the same key: walk_key.
select
    walk_key,
    count(*) as rows_of_key
from silver.WalkFact
group by all
having count(*) > 1
