-- One row per market and wallet whose fills there have to be added up anew from
-- the first one on; a null trader_key stands for all wallets of the market.
-- Key: market_key, trader_key. Reads the rows that TradeFact takes in and
-- changes (fresh_trade, touched_fact), MarketTally, MarketTerms. Fills that are
-- later than all that is held of their market need no row here: TraderToken
-- adds them to what it has. Empty in a published file, see StaleHour.
-- Columns:
-- trader_key: the wallet's number; null: every wallet of the market

-- step: define
create table if not exists silver.StaleTrader (
    market_key uinteger not null,
    trader_key uinteger
);

-- step: mark_late
-- Before MarketTally learns of them.
insert into silver.StaleTrader
select
    fresh_trade.market_key,
    fresh_trade.trader_key
from fresh_trade
inner join silver.MarketTally
    on
        fresh_trade.market_key = MarketTally.market_key
        and fresh_trade.traded_at <= MarketTally.last_traded_at
except
select
    market_key,
    trader_key
from silver.StaleTrader;

-- step: mark_touched
insert into silver.StaleTrader
select
    market_key,
    trader_key
from touched_fact
except
select
    market_key,
    trader_key
from silver.StaleTrader;

-- step: mark_everything
insert into silver.StaleTrader
select distinct
    market_key,
    null::uinteger as trader_key
from silver.TradeFact
union
select distinct
    market_key,
    null::uinteger as trader_key
from silver.TraderToken
except
select
    market_key,
    trader_key
from silver.StaleTrader;

-- step: mark_replaced
-- Where the catalogue says otherwise by now what a market charges, or which
-- outcomes it has.
insert into silver.StaleTrader
select
    MarketTerms.market_key,
    null::uinteger as trader_key
from silver.MarketTerms
left join market_terms on MarketTerms.market_key = market_terms.market_key
where MarketTerms.terms is distinct from market_terms.terms
except
select
    market_key,
    trader_key
from silver.StaleTrader;

-- step: read
-- Of the markets from pairs_from on, before pairs_to.
create or replace temp table stale_market as
select market_key
from silver.StaleTrader
where
    trader_key is null
    and market_key >= getvariable('pairs_from')
    and market_key < getvariable('pairs_to');

create or replace temp table stale_trader as
select
    StaleTrader.market_key,
    StaleTrader.trader_key
from silver.StaleTrader
anti join stale_market using (market_key)
where
    market_key >= getvariable('pairs_from')
    and market_key < getvariable('pairs_to');

set variable pairs_since = (
    select
        coalesce(
            min(coalesce(MarketTally.first_traded_at, '-infinity'::timestamp)),
            'infinity'::timestamp
        )
    from stale_trader
    left join silver.MarketTally
        on stale_trader.market_key = MarketTally.market_key
);

-- step: forget
delete from silver.StaleTrader
where
    market_key >= getvariable('pairs_from')
    and market_key < getvariable('pairs_to');
