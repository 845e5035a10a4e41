-- No two rows of silver.MarketHour have the same key: market_key, hour_start.
select
    market_key,
    hour_start,
    count(*) as rows_of_key
from silver.MarketHour
group by all
having count(*) > 1
