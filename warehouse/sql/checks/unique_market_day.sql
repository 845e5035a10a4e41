-- No two rows of silver.MarketDay have the same key: market_key, trade_date.
select
    market_key,
    trade_date,
    count(*) as rows_of_key
from silver.MarketDay
group by all
having count(*) > 1
