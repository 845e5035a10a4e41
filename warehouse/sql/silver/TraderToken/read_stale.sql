-- All fills of the stale wallets. Their rows in TraderToken no longer stand:
-- pair_gone has them, and store_stale deletes them. pair_open is empty.
create or replace temp table pair_open as
select
    *,
    rowid as row_id,
    0::hugeint as held_micros
from silver.TraderToken
where false;

-- By the market first, as in read_news.
create or replace temp table trader_market as
select distinct market_key
from stale_trader;

create or replace temp table gone_row as
select rowid as row_id
from silver.TraderToken
semi join stale_market using (market_key)
where
    market_key >= getvariable('pairs_from')
    and market_key < getvariable('pairs_to')
union all
select rowid as row_id
from silver.TraderToken
semi join trader_market using (market_key)
semi join stale_trader using (market_key, trader_key)
where
    market_key >= getvariable('pairs_from')
    and market_key < getvariable('pairs_to');

create or replace temp table pair_gone as
select
    *,
    rowid as row_id
from silver.TraderToken
where rowid in (select row_id from gone_row);

create or replace temp view whole_fill as
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
from silver.TradeFact
where
    withdrawn_at is null
    and is_buy is not null
    and price is not null
    and try_cast(round(size * 1e6) as bigint) is not null
    and market_key >= getvariable('pairs_from')
    and market_key < getvariable('pairs_to');

create or replace temp table pair_fill as
from whole_fill
semi join stale_market using (market_key);

insert into pair_fill
from whole_fill
semi join trader_market using (market_key)
semi join stale_trader using (market_key, trader_key)
where traded_at >= getvariable('pairs_since');
