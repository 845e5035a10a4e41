-- One row per hour of a market whose fills changed since it was added up. Key:
-- market_key, hour_start. Reads the rows that TradeFact takes in and changes
-- (fresh_trade, touched_pair), TokenPlace; MarketCategory marks some, too.
-- Empty in a published file: every ingest ends by adding up what is stale
-- (warehouse/stored.py), in MarketHour, MarketDay, TokenHour, TraderDay, each
-- from the fills anew, so that the result is that of a rebuild.
-- Columns:
-- hour_start: UTC hour

-- step: define
create table if not exists silver.StaleHour (
    market_key uinteger not null,
    hour_start timestamp not null
);

-- step: mark
insert into silver.StaleHour
select
    market_key,
    date_trunc('hour', traded_at) as hour_start
from fresh_trade
union
select
    market_key,
    date_trunc('hour', traded_at) as hour_start
from touched_pair
except
select
    market_key,
    hour_start
from silver.StaleHour;

-- step: mark_everything
-- What ingest never does: for fills that were put in by hand.
insert into silver.StaleHour
select
    market_key,
    date_trunc('hour', traded_at) as hour_start
from silver.TradeFact
union
select
    market_key,
    hour_start
from silver.MarketHour
except
select
    market_key,
    hour_start
from silver.StaleHour;

-- step: mark_replaced
-- Prices of the first outcome depend on which that is: where the catalogue
-- changed its mind, all hours of the market are stale, and those of any other
-- that traded the token: rows have named one under two markets.
create or replace temp table replaced_token as
select
    TokenPlace.token_key,
    TokenPlace.market_key
from silver.TokenPlace
inner join silver.MarketTokenDim
    on TokenPlace.token_key = MarketTokenDim.token_key
left join silver.MarketDim on TokenPlace.market_key = MarketDim.market_key
where
    TokenPlace.outcome_index is distinct from MarketTokenDim.outcome_index
    or TokenPlace.outcomes is distinct from len(MarketDim.outcomes);

create or replace temp table replaced_market as
select market_key
from replaced_token
union
select TokenHour.market_key
from silver.TokenHour
semi join replaced_token on TokenHour.token_key = replaced_token.token_key;

insert into silver.StaleHour
select
    MarketHour.market_key,
    MarketHour.hour_start
from silver.MarketHour
semi join replaced_market
    on MarketHour.market_key = replaced_market.market_key
except
select
    market_key,
    hour_start
from silver.StaleHour;

-- step: read
-- Of the days from stale_from on, before stale_to: what is stale, and all fills
-- of those markets on those days.
create or replace temp table stale_hour as
select
    market_key,
    hour_start
from silver.StaleHour
where
    hour_start >= getvariable('stale_from')
    and hour_start < getvariable('stale_to');

create or replace temp table stale_day as
select distinct
    market_key,
    hour_start::date as trade_date
from stale_hour;

create or replace temp table stale_fill as
select
    TradeFact.market_key,
    TradeFact.trader_key,
    TradeFact.token_key,
    TradeFact.is_buy,
    TradeFact.is_taker,
    TradeFact.size,
    TradeFact.price,
    TradeFact.traded_at,
    TradeFact.order_in_second,
    TradeFact.withdrawn_at is null as is_standing,
    date_trunc('hour', TradeFact.traded_at) as hour_start
from silver.TradeFact
semi join stale_day
    on
        TradeFact.market_key = stale_day.market_key
        and TradeFact.traded_at::date = stale_day.trade_date
where
    TradeFact.traded_at >= getvariable('stale_from')
    and TradeFact.traded_at < getvariable('stale_to');

create or replace temp table stale_match as
select
    MatchFact.market_key,
    MatchFact.token_key,
    MatchFact.trader_key,
    MatchFact.size,
    MatchFact.price,
    MatchFact.notional_usd,
    MatchFact.first_outcome_price,
    MatchFact.is_first_bought,
    MatchFact.traded_at,
    date_trunc('hour', MatchFact.traded_at) as hour_start,
    MatchFact.order_in_second
from silver.MatchFact
semi join stale_day
    on
        MatchFact.market_key = stale_day.market_key
        and MatchFact.traded_at::date = stale_day.trade_date
where
    MatchFact.traded_at >= getvariable('stale_from')
    and MatchFact.traded_at < getvariable('stale_to');

-- step: forget
delete from silver.StaleHour
where
    hour_start >= getvariable('stale_from')
    and hour_start < getvariable('stale_to');
