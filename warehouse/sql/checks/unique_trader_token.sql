-- No two rows of silver.TraderToken have the same key: trader_key, market_key,
-- token_key.
select
    trader_key,
    market_key,
    token_key,
    count(*) as rows_of_key
from silver.TraderToken
group by all
having count(*) > 1
