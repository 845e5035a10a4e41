-- One row per wallet and UTC day with a fill. Key: trader_key, trade_date.
-- Reads TradeFact, MarketCategory. Rows that were withdrawn are not counted.
-- Refreshed for the wallets with fills in stale hours, see StaleHour.
-- Columns:
-- trades: the wallet's fills
-- traded_usd: what it paid or was paid, as maker or taker
-- category_keys: the categories it traded in, each once, in order

-- step: define
create table if not exists silver.TraderDay (
    trader_key uinteger not null,
    trade_date date not null,
    trades uinteger not null,
    traded_usd double,
    category_keys uinteger[] not null
);

-- step: refresh
create or replace temp table stale_trader as
select distinct
    trader_key,
    hour_start::date as trade_date
from stale_fill
semi join stale_hour using (market_key, hour_start);

create or replace temp table trader_sum as
with

by_category as (
    select
        TradeFact.trader_key,
        TradeFact.traded_at::date as trade_date,
        MarketCategory.category_key,
        count(*) as trades,
        sum(TradeFact.price * TradeFact.size) as traded_usd
    from silver.TradeFact
    semi join stale_trader
        on
            TradeFact.trader_key = stale_trader.trader_key
            and TradeFact.traded_at::date = stale_trader.trade_date
    left join silver.MarketCategory
        on TradeFact.market_key = MarketCategory.market_key
    where
        TradeFact.withdrawn_at is null
        and TradeFact.traded_at >= getvariable('stale_from')
        and TradeFact.traded_at < getvariable('stale_to')
    group by all
)

select
    trader_key,
    trade_date,
    sum(trades) as trades,
    sum(traded_usd) as traded_usd,
    list_sort(list(category_key)) as category_keys
from by_category
group by all;

delete from silver.TraderDay
using stale_trader
where
    TraderDay.trade_date >= getvariable('stale_from')::date
    and TraderDay.trade_date < getvariable('stale_to')::date
    and TraderDay.trader_key = stale_trader.trader_key
    and TraderDay.trade_date = stale_trader.trade_date;

insert into silver.TraderDay by name
select * from trader_sum
order by trade_date, trader_key;
