-- No two rows of silver.MarketKey have the same key: market_key.
select
    market_key,
    count(*) as rows_of_key
from silver.MarketKey
group by all
having count(*) > 1
