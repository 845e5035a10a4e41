-- No two rows of silver.PriceSpan have the same key: token_key,
-- resolution_seconds.
select
    token_key,
    resolution_seconds,
    count(*) as rows_of_key
from silver.PriceSpan
group by all
having count(*) > 1
