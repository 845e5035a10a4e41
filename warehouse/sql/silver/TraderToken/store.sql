-- Rows of one kind side by side, but a few thousand wallets at a time.
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
using pair_new
where
    TraderToken.trader_key = pair_new.trader_key
    and TraderToken.market_key = pair_new.market_key
    and TraderToken.token_key = pair_new.token_key;

insert into silver.TraderToken by name
select * from pair_new
order by
    trader_key // 4096, trades = 1, is_sole, sold_shares > 0, taker_trades,
    trader_key, market_key, token_key;
