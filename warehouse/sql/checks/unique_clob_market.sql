-- No two rows of silver.ClobMarketDim have the same condition_id.
select
    condition_id,
    count(*) as rows_of_key
from silver.ClobMarketDim
group by all
having count(*) > 1
