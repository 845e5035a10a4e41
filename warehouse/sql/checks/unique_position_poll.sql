-- No two rows of silver.PositionPollFact have the same key: walk_key,
-- page_no, row_no.
select
    walk_key,
    page_no,
    row_no,
    count(*) as rows_of_key
from silver.PositionPollFact
group by all
having count(*) > 1
