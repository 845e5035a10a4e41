-- No two rows of silver.CryptoPriceFact have the same key: source, symbol,
-- window_seconds, exchange_at, price_exact, price, tick_no.
select
    source,
    symbol,
    window_seconds,
    exchange_at,
    price_exact,
    price,
    tick_no,
    count(*) as rows_of_key
from silver.CryptoPriceFact
group by all
having count(*) > 1
