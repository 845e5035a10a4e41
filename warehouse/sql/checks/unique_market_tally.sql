-- No two rows of silver.MarketTally have the same key: market_key.
select
    market_key,
    count(*) as rows_of_key
from silver.MarketTally
group by all
having count(*) > 1
