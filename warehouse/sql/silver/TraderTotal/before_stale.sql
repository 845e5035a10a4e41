-- The rows that are about to go, of whole markets and of some wallets.
create or replace temp table total_row as
select TraderToken.*
from silver.TraderToken
semi join stale_market on TraderToken.market_key = stale_market.market_key
where
    TraderToken.market_key >= getvariable('pairs_from')
    and TraderToken.market_key < getvariable('pairs_to');

insert into total_row
select TraderToken.*
from silver.TraderToken
semi join stale_trader
    on
        TraderToken.trader_key = stale_trader.trader_key
        and TraderToken.market_key = stale_trader.market_key
where
    TraderToken.market_key >= getvariable('pairs_from')
    and TraderToken.market_key < getvariable('pairs_to');
