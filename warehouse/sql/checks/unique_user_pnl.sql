-- No two rows of silver.UserPnlFact have the same key: trader_address,
-- observed_at, fetched_at.
select
    trader_address,
    observed_at,
    fetched_at,
    count(*) as rows_of_key
from silver.UserPnlFact
group by all
having count(*) > 1
