-- No two rows of silver.WalkFact have the same key: walk_id.
select
    walk_id,
    count(*) as rows_of_key
from silver.WalkFact
group by all
having count(*) > 1
