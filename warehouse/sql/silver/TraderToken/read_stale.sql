-- All fills of the stale wallets; nothing of what was known of them stands.
create or replace temp table pair_open as
select * from silver.TraderToken
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
from silver.TradeFact
semi join stale_market using (market_key)
where
    withdrawn_at is null
    and is_buy is not null
    and price is not null
    and try_cast(round(size * 1e6) as bigint) is not null
    and market_key >= getvariable('pairs_from')
    and market_key < getvariable('pairs_to');

insert into pair_fill
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
semi join stale_trader using (market_key, trader_key)
where
    withdrawn_at is null
    and is_buy is not null
    and price is not null
    and try_cast(round(size * 1e6) as bigint) is not null
    and market_key >= getvariable('pairs_from')
    and market_key < getvariable('pairs_to')
    and traded_at >= getvariable('pairs_since');
