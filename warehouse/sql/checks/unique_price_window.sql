-- No two rows of silver.PriceWindowFact have the same key: token_key, walk_key,
-- page_no.
select
    token_key,
    walk_key,
    page_no,
    count(*) as rows_of_key
from silver.PriceWindowFact
group by all
having count(*) > 1
