-- No two rows of silver.FeedCoverage have the same key: dataset, known_at,
-- walk_id.
select
    dataset,
    known_at,
    walk_id,
    count(*) as rows_of_key
from silver.FeedCoverage
group by all
having count(*) > 1
