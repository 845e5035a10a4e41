-- No two rows of silver.LeaderboardFact have the same key: time_period,
-- category, sort_by, walk_key, page_no, row_no.
select
    time_period,
    category,
    sort_by,
    walk_key,
    page_no,
    row_no,
    count(*) as rows_of_key
from silver.LeaderboardFact
group by all
having count(*) > 1
