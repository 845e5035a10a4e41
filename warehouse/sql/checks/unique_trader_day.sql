-- No two rows of silver.TraderDay have the same key: trader_key, trade_date.
select
    trader_key,
    trade_date,
    count(*) as rows_of_key
from silver.TraderDay
group by all
having count(*) > 1
