-- The pairs of wallet and market that are about to be stored anew.
create or replace temp table total_touched as
select
    trader_key,
    market_key
from pair_sum
union
select
    trader_key,
    market_key
from stale_trader
union
select
    TraderToken.trader_key,
    TraderToken.market_key
from silver.TraderToken
semi join stale_market on TraderToken.market_key = stale_market.market_key
where
    TraderToken.market_key >= getvariable('pairs_from')
    and TraderToken.market_key < getvariable('pairs_to');
