-- Rows of one kind side by side, but a few thousand wallets at a time.
insert into silver.TraderToken by name
select * from pair_new
order by
    trader_key // 4096, trades = 1, is_sole, sold_shares > 0, taker_trades,
    trader_key, market_key, token_key;
