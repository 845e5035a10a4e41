-- No two rows of silver.BookCoverageFact have the same key: walk_key,
-- token_key, state, reason, noted_at.
select
    walk_key,
    token_key,
    state,
    reason,
    noted_at,
    count(*) as rows_of_key
from silver.BookCoverageFact
group by all
having count(*) > 1
