-- Of the stale hours, the fills that are later than those of their wallet and
-- token that are added up already, and what is known of these wallets.
create or replace temp table waiting_market as
select distinct market_key
from silver.StaleTrader
where trader_key is null;

create or replace temp table stale_market as
select market_key from silver.StaleTrader
where false;

create or replace temp table stale_trader as
select * from silver.StaleTrader
where false;

create or replace temp table pair_fill as
select
    market_key,
    trader_key,
    token_key,
    is_buy,
    is_taker,
    size,
    price,
    traded_at,
    order_in_second,
    try_cast(round(if(is_buy, size, -size) * 1e6) as bigint) as micros
from stale_fill
semi join stale_hour using (market_key, hour_start)
anti join waiting_market using (market_key)
anti join silver.StaleTrader using (market_key, trader_key)
where
    is_standing
    and is_buy is not null
    and price is not null
    and try_cast(round(size * 1e6) as bigint) is not null;

create or replace temp table news_market as
select distinct market_key
from pair_fill;

-- Few rows are needed. To look for the market first costs a third of looking
-- for both keys, and the wide columns are then read by row number only. Row
-- numbers hold until the transaction ends: read_... and store_... are of one.
create or replace temp table open_row as
select rowid as row_id
from silver.TraderToken
semi join news_market using (market_key)
semi join pair_fill using (trader_key, market_key);

create or replace temp table pair_open as
select
    *,
    rowid as row_id,
    round((bought_shares - sold_shares) * 1e6)::hugeint as held_micros
from silver.TraderToken
where rowid in (select row_id from open_row);

delete from pair_fill
using pair_open
where
    pair_fill.trader_key = pair_open.trader_key
    and pair_fill.market_key = pair_open.market_key
    and pair_fill.token_key = pair_open.token_key
    and pair_fill.traded_at <= pair_open.last_traded_at;
