-- No two rows of silver.PriceHistoryFact have the same key: token_key,
-- observed_at, resolution_seconds.
select
    token_key,
    observed_at,
    resolution_seconds,
    count(*) as rows_of_key
from silver.PriceHistoryFact
group by all
having count(*) > 1
