-- No two rows of silver.MarketTokenDim have the same key: token_key.
select
    token_key,
    count(*) as rows_of_key
from silver.MarketTokenDim
group by all
having count(*) > 1
