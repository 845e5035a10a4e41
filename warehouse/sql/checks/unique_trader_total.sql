-- No two rows of silver.TraderTotal have the same key: trader_key.
select
    trader_key,
    count(*) as rows_of_key
from silver.TraderTotal
group by all
having count(*) > 1
