-- No two rows of silver.MarketJudged have the same key: market_key.
select
    market_key,
    count(*) as rows_of_key
from silver.MarketJudged
group by all
having count(*) > 1
