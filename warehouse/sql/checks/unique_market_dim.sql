-- No two rows of silver.MarketDim have the same key: market_key.
select
    market_key,
    count(*) as rows_of_key
from silver.MarketDim
group by all
having count(*) > 1
