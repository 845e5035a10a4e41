-- No two rows of silver.WalkDue have the same key: dataset, market_key,
-- known_at.
select
    dataset,
    market_key,
    known_at,
    count(*) as rows_of_key
from silver.WalkDue
group by all
having count(*) > 1
