-- No two rows of silver.BookTally have the same key: walk_key, token_key.
select
    walk_key,
    token_key,
    count(*) as rows_of_key
from silver.BookTally
group by all
having count(*) > 1
