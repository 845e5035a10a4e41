-- No two rows of silver.ResolutionFact have the same key: market_key,
-- fetched_at, walk_key, page_no, row_no.
select
    market_key,
    fetched_at,
    walk_key,
    page_no,
    row_no,
    count(*) as rows_of_key
from silver.ResolutionFact
group by all
having count(*) > 1
