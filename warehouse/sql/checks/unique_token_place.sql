-- No two rows of silver.TokenPlace have the same key: token_key.
select
    token_key,
    count(*) as rows_of_key
from silver.TokenPlace
group by all
having count(*) > 1
