-- The fills of the touched seconds, as they stand by now.
create or replace temp table touched_fact as
select
    TradeFact.rowid as row_id,
    TradeFact.*,
    hash(market_key, traded_at, transaction_hash) as match_hash,
    hash(
        match_hash, trader_key, token_key, is_buy,
        round(size * 1e6), round(price * 1e6)
    ) as identity_hash,
    coalesce(is_taker and is_taker_source = 'taker_walk', false) as was_named
from silver.TradeFact
semi join touched_pair using (market_key, traded_at)
where
    traded_at between getvariable('batch_from') and getvariable('batch_to');
