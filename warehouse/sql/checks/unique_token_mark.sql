-- No two rows of silver.TokenMark have the same key: market_key, token_key.
select
    market_key,
    token_key,
    count(*) as rows_of_key
from silver.TokenMark
group by all
having count(*) > 1
