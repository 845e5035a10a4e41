-- No two rows of silver.FoldedTally have the same key: dataset, walk_key,
-- market_key, folded_at, ts_oldest, ts_newest.
select
    dataset,
    walk_key,
    market_key,
    folded_at,
    ts_oldest,
    ts_newest,
    count(*) as rows_of_key
from silver.FoldedTally
group by all
having count(*) > 1
