-- No two rows of silver.TokenLast have the same key: token_key.
select
    token_key,
    count(*) as rows_of_key
from silver.TokenLast
group by all
having count(*) > 1
