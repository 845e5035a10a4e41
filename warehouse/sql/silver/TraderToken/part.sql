-- More splits than was known count from the beginning, and a token more is one
-- of the wallet's in that market: all fills are needed.
insert into silver.StaleTrader
select
    market_key,
    trader_key
from pair_split
where is_more;

delete from pair_sum
using pair_split
where
    pair_split.is_more
    and pair_sum.market_key = pair_split.market_key
    and pair_sum.trader_key = pair_split.trader_key;
