-- No two rows of silver.WalkPage have the same key: walk_key, page_no.
select
    walk_key,
    page_no,
    count(*) as rows_of_key
from silver.WalkPage
group by all
having count(*) > 1
