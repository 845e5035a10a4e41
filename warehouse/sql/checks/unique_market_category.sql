-- No two rows of silver.MarketCategory have the same key: market_key.
select
    market_key,
    count(*) as rows_of_key
from silver.MarketCategory
group by all
having count(*) > 1
