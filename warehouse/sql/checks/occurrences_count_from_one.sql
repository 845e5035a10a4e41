-- The occurrences of equal fills are 1, 2, 3 and so on, without a gap.
select
    market_key,
    traded_at,
    transaction_hash,
    trader_key,
    token_key,
    is_buy,
    round(size * 1000000) as size_micro,
    round(price * 1000000) as price_micro,
    count(*) as fills,
    min(occurrence) as first_occurrence,
    max(occurrence) as last_occurrence
from silver.TradeFact
group by all
having count(*) <> max(occurrence) or min(occurrence) <> 1
