-- No two rows of silver.MarketTerms have the same key: market_key.
select
    market_key,
    count(*) as rows_of_key
from silver.MarketTerms
group by all
having count(*) > 1
