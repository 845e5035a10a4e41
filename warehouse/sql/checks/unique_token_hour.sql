-- No two rows of silver.TokenHour have the same key: token_key, hour_start.
select
    token_key,
    hour_start,
    count(*) as rows_of_key
from silver.TokenHour
group by all
having count(*) > 1
