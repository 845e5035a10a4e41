-- No two rows of silver.LiveVolumeFact have the same key: market_key,
-- event_id, fetched_at, walk_key.
select
    market_key,
    event_id,
    fetched_at,
    walk_key,
    count(*) as rows_of_key
from silver.LiveVolumeFact
group by all
having count(*) > 1
