-- What is added up anew goes first: insert_new puts it back.
delete from silver.TraderToken
using stale_market
where
    TraderToken.market_key >= getvariable('pairs_from')
    and TraderToken.market_key < getvariable('pairs_to')
    and TraderToken.market_key = stale_market.market_key;

delete from silver.TraderToken
using stale_trader
where
    TraderToken.market_key >= getvariable('pairs_from')
    and TraderToken.market_key < getvariable('pairs_to')
    and TraderToken.market_key = stale_trader.market_key
    and TraderToken.trader_key = stale_trader.trader_key;

delete from silver.TraderToken
using pair_sum
where
    TraderToken.trader_key = pair_sum.trader_key
    and TraderToken.market_key = pair_sum.market_key
    and TraderToken.token_key = pair_sum.token_key;
