-- No two rows of silver.MarketKey have the same key: condition_id.
select
    condition_id,
    count(*) as rows_of_key
from silver.MarketKey
group by all
having count(*) > 1
