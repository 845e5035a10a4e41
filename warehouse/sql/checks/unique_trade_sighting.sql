-- No two rows of silver.TradeSighting have the same key: walk_key,
-- page_no, row_no.
select
    walk_key,
    page_no,
    row_no,
    count(*) as rows_of_key
from silver.TradeSighting
group by all
having count(*) > 1
