-- No two rows of silver.BookSnapshotFact have the same key: walk_key,
-- page_no, row_no.
select
    walk_key,
    page_no,
    row_no,
    count(*) as rows_of_key
from silver.BookSnapshotFact
group by all
having count(*) > 1
