-- No two rows of silver.TraderDim have the same key: trader_address.
select
    trader_address,
    count(*) as rows_of_key
from silver.TraderDim
group by all
having count(*) > 1
