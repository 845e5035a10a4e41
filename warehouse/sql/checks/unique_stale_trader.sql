-- No two rows of silver.StaleTrader have the same key: market_key, trader_key.
select
    market_key,
    trader_key,
    count(*) as rows_of_key
from silver.StaleTrader
group by all
having count(*) > 1
